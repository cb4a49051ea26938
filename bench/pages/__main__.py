"""`python -m bench.pages`: fill a territory, sign in as each role, follow the links to every page, and say what each costs.

Processor time is that of the application (the edge, the door, the templates; no socket) and that of its PostgreSQL process, the median of all looks. Pages are
looked at in rounds: processors that others share are slower by half for some seconds, and a page that is looked at in one go may lie in them.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import httpx
from tests.support.walking import Counted, walk
from tests.support.web import ORIGIN, Visitor

from bench.door.server import postgres
from bench.pages.fill import KNOWN, SEED, fill
from maillage import directory, indicators
from maillage.app import create_app
from maillage.demonstration.people import actor_of
from maillage.directory import merging
from maillage.kernel.actor import SYSTEM
from maillage.settings import DataSettings, DemoSettings, EdgeSettings, Settings
from maillage.store import Database, EmbeddedPostgres
from maillage.store.logins import AUDIT, SERVING

ROLES = (
    *("medecin-clamart", "secretaire-clamart", "infirmier-clamart", "gestionnaire-clamart", "coordination-seine"),
    *("hge-percy", "referent-hge", "biologie-percy", "planification-percy", "lits-percy", "direction-percy"),
)
STARTS = (
    "/",
    "/affichage",
    "/components",
    "/accueil",
    "/attente",
    "/agenda",
    "/pilotage",
    "/simulation",
    "/urgences",
    "/partenaires",
    "/comptes",
)
FREE = EdgeSettings(per_address=0, per_person=0, per_organization=0)
CPU, BYTES = 50.0, 60_000
"""What a page may cost: milliseconds of processor, bytes of compressed HTML."""


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--patients", type=int, default=200_000)
    parser.add_argument("--closed", type=int, default=40_000, help="requests that have ended: those of a year")
    parser.add_argument("--open", type=int, default=1_500, help="requests that are under way")
    parser.add_argument("--looks", type=int, default=5, help="how often each page is looked at in a round")
    parser.add_argument("--rounds", type=int, default=3, help="how often all pages are gone through")
    parser.add_argument("--data", type=Path, help="keep the filled database in this folder, or measure what it already holds")
    parser.add_argument("--role", action="append", choices=ROLES, help="only this role; may be repeated")
    parser.add_argument("--show", metavar="PATTERN", help="print the statements of one page, with the time of each")
    return parser.parse_args()


@dataclass(frozen=True, slots=True)
class Logins:
    """The addresses of the database: for the login that serves, and for the one that reads the audit trail."""

    serving: str
    trail: str

    @classmethod
    def of(cls, server: EmbeddedPostgres) -> Logins:
        """Those of an embedded server."""
        return cls(server.dsn(login=SERVING), server.dsn(login=AUDIT))


@dataclass(slots=True)
class Looked:
    """What one page cost one role."""

    role: str
    pattern: str
    address: str
    server: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    statements: int = 0
    size: int = 0

    @property
    def cpu(self) -> float:
        """The median milliseconds of processor, of the application and of PostgreSQL."""
        return statistics.median(self.server) + statistics.median(self.database)


class Timed:
    """The application, and the processor time that it took."""

    def __init__(self, app: Any) -> None:
        self.app, self.spent = app, 0.0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, and count."""
        begun = time.process_time()
        try:
            await self.app(scope, receive, send)
        finally:
            self.spent += time.process_time() - begun


class Watched(Counted):
    """Counts, and notes how much its server process had spent when each statement came."""

    spent: ClassVar[list[float]] = []

    def _count(self, sql: str) -> None:
        super()._count(sql)
        Watched.spent.append(spent_by(Counted.pids))


_LAST: dict[int, int] = {}


def spent_by(pids: set[int]) -> float:
    """Seconds of processor of these processes, to the microsecond; one that has ended (a connection is replaced now and then) spends no more."""
    for pid in pids:
        with suppress(FileNotFoundError):
            _LAST[pid] = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    return sum(_LAST.get(pid, 0) for pid in pids) / 1e9


async def measure(addresses: Logins, folder: Path, asked: argparse.Namespace) -> list[Looked]:
    """Every page of every role."""
    database = await Database.open(addresses.serving, trail=addresses.trail, connection_class=Watched)
    settings = Settings(demo=DemoSettings(enabled=True), data=DataSettings(folder=folder), edge=FREE)
    app, found = Timed(create_app(settings, database)), list[Looked]()
    patients = directory.generate_patients(SEED, KNOWN)
    try:
        async with database.transaction(SYSTEM, timeout=600) as tx:
            await indicators.keep(tx)  # the worker does, every few minutes; and this
            await merging.keep_alike(tx)
        async with AsyncExitStack() as stack:
            people = {role: await _come(stack, app, role) for role in asked.role or ROLES}
            for role, visitor in people.items():
                home = f"Organization/{actor_of(role).organization}"
                known = [f"/patients/{one['id']}" for one in patients if one["managingOrganization"]["reference"] == home][:1]
                walked = await walk(visitor.get, [*STARTS, *known])
                found += [Looked(role, pattern, address) for pattern, address in walked.items()]
            for _ in range(asked.rounds):
                for one in found:
                    await _look_often(one, app, people[one.role], asked)
    finally:
        await database.close()
    return found


async def _come(stack: AsyncExitStack, app: Timed, role: str) -> Visitor:
    client = await stack.enter_async_context(httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=ORIGIN))
    visitor = Visitor(client)
    await visitor.sign_in(role)
    return visitor


async def _look_often(one: Looked, app: Timed, visitor: Visitor, asked: argparse.Namespace) -> None:
    for _ in range(asked.looks):
        await _look(one, app, visitor)
    if asked.show == one.pattern:
        _show(one.role, one.address)


def _show(role: str, address: str) -> None:
    """The statements of the last look, each with the milliseconds of its server process."""
    ends = [*Watched.spent[1:], spent_by(Counted.pids)]
    times = [f"{(end - begun) * 1e3:.1f} ms" for begun, end in zip(Watched.spent, ends, strict=True)]
    print(f"-- {role} {address}", *(f"{time}: {sql}" for time, sql in zip(times, Counted.asked, strict=True)), sep="\n;; ", flush=True)


async def _look(one: Looked, app: Timed, visitor: Visitor) -> None:
    app.spent, before = 0.0, spent_by(Counted.pids)
    Counted.asked.clear()
    Watched.spent.clear()
    answer = await visitor.get(one.address)
    one.server.append(app.spent * 1e3)
    one.database.append((spent_by(Counted.pids) - before) * 1e3)
    one.statements = len(Counted.asked)
    one.size = len(gzip.compress(answer.content, 6)) if answer.headers["content-type"].startswith("text/html") else 0


@contextmanager
def territory(asked: argparse.Namespace) -> Iterator[tuple[Logins, Path]]:
    """The addresses and the folder of the filled database: that of `--data`, filled once, or one of its own."""
    if asked.data is None:
        with postgres() as (dsn, server, folder):
            print(asyncio.run(fill(dsn, asked.patients, asked.closed, asked.open)), flush=True)
            yield Logins.of(server), folder
        return
    asked.data.mkdir(parents=True, exist_ok=True)
    server, filled = EmbeddedPostgres(asked.data / "database"), asked.data / "filled"
    dsn = server.start()
    try:
        if not filled.exists():
            filled.with_suffix(".txt").write_text(str(asyncio.run(fill(dsn, asked.patients, asked.closed, asked.open))))
            filled.touch()
        print(filled.with_suffix(".txt").read_text(), flush=True)
        yield Logins.of(server), asked.data
    finally:
        server.stop()


def main() -> int:
    """The table, the dearest first; 1 when a page is over its limit."""
    asked = options()
    with territory(asked) as (addresses, folder):
        found = asyncio.run(measure(addresses, folder, asked))
    print(f"{'page':<44} {'role':<22} {'server':>7} {'database':>9} {'statements':>10} {'bytes gz':>9}")
    over = 0
    for one in sorted(found, key=lambda one: -one.cpu):
        bad = one.cpu > CPU or one.size > BYTES
        over += bad
        server, database = statistics.median(one.server), statistics.median(one.database)
        print(f"{one.pattern:<44} {one.role:<22} {server:7.1f} {database:9.1f} {one.statements:10} {one.size:9}{'  OVER' if bad else ''}")
    print(f"{len(found)} pages, {over} over {CPU:.0f} ms of processor or {BYTES:,} bytes")
    return int(over > 0)


if __name__ == "__main__":
    sys.exit(main())
