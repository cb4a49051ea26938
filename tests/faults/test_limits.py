"""F7, F9, F16, F17: a slow database, files that cannot be written, too little memory, no more descriptors or connections."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import resource
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from tests.actions.test_documents_vault import keep, load
from tests.actions.test_kill import Load
from tests.faults.test_nightly import invariants, verdict
from tests.faults.test_served import caller, opened, well
from tests.faults.test_wire import behind_a_wire, until_acknowledged
from tests.support.postgres import ground
from tests.support.serving import Server, served
from tests.support.site_load import UNCOUNTED

from maillage import documents
from maillage.kernel.clock import FixedClock
from maillage.kernel.ids import new_id
from maillage.settings import EdgeSettings
from maillage.store import Database, EmbeddedPostgres, Limits
from maillage.store.blobs import Folder, Ring, Vault

pytestmark = pytest.mark.nightly
FILL = ground
MIB = 2**20
SLOW = EdgeSettings(deadline=3, deadline_read=3, deadline_batch=3)
SLOW_LIMITS = Limits(pool_size=4, acquire=0.25, statement=3, lock=0.5, cut=0.5)


@pytest.mark.asyncio
@pytest.mark.parametrize(("delay", "rate"), [(0.1, 0), (0.0, 8_000)], ids=["200-ms", "64-kbit"])
async def test_f7_a_slow_database_is_shed_and_not_queued(
    dsn: str, clock: FixedClock, delay: float, rate: int, record_property: Any
) -> None:
    """Each answer comes within the deadline, good or refused; healed, all is well again."""
    async with behind_a_wire(dsn, clock, SLOW, SLOW_LIMITS) as (wire, _, http):
        await until_acknowledged(http, 0, new_id())
        wire.delay, wire.rate = delay, rate
        seen: list[tuple[int, float]] = []

        async def client() -> None:
            for _ in range(6):
                begun = time.monotonic()
                answer = await http.get("/fhir/Patient", params={"family": "Essai"})
                seen.append((answer.status_code, time.monotonic() - begun))

        await asyncio.gather(*(client() for _ in range(30)))
        wire.delay, wire.rate = 0.0, 0
        await until_acknowledged(http, 1, new_id())
        assert {status for status, _ in seen} <= {200, 503}
        times = sorted(spent for _, spent in seen)
        record_property("F7", f"{Counter(status for status, _ in seen)} p99 {times[int(len(times) * 0.99)]:.2f} s")
        assert times[-1] < 3 + 0.5 + 1.5, times[-5:]
        assert any(status == 503 for status, _ in seen), "what is too much was refused"


@pytest.mark.asyncio
async def test_f9_a_file_that_cannot_be_written_leaves_no_half_document(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Any
) -> None:
    """The system refuses one call in six, each with an error of a bad disk; then it is healed and everything is compared."""
    vault = Vault(Folder(tmp_path / "objects"), Ring(tmp_path / "keys"))
    vault.ring.masters()
    broken, chance = [True], random.Random(9)

    def bad(real: Any) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            if broken[0] and chance.random() < 1 / 6:
                raise OSError(chance.choice([errno.EIO, errno.ENOSPC]), "bad disk")
            return real(*args, **named)

        return call

    for name in ("fsync", "link", "open", "unlink"):
        monkeypatch.setattr(os, name, bad(getattr(os, name)))
    kept: dict[str, bytes] = {}
    failed = 0
    for number in range(150):
        data = os.urandom(2000)
        try:
            kept[await keep(db, vault, data)] = data
        except OSError:
            failed += 1
        assert number < 20 or failed, "the disk is bad"
    broken[0] = False
    report = await documents.check(db, vault, now=db.clock.now())
    record_property("F9", f"{len(kept)} kept, {failed} refused, {len(report.orphans)} orphans to sweep")
    assert (report.whole, report.missing, report.broken) == (len(kept), [], [])
    for id, data in kept.items():
        assert await load(db, vault, id) == data


def data_of(pid: int) -> int:
    """Private memory of a process in bytes, as its limit counts it."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmData"))) * 1024


def test_f16_too_little_memory_loses_and_corrupts_nothing(data_dir: Path, tmp_path: Path, record_property: Any) -> None:
    with served(data_dir, **UNCOUNTED) as server:
        assert server.process
        cap = max(512 * MIB, data_of(server.process.pid) + 32 * MIB)
        with Load(server, insist=True) as load:
            load.reach(4)
            resource.prlimit(server.process.pid, resource.RLIMIT_DATA, (cap, cap))
            for pid in (server.postmaster(), *server.children()):
                confine(pid, 256 * MIB)
            statuses = pressed(server)
            with EmbeddedPostgres(data_dir) as dsn:
                asyncio.run(hungry(dsn))
            load._stop.set()
        died = server.process.poll()
        record_property("F16", f"cap {cap // MIB} MiB, answers {statuses}, ended {died}")
        server.kill()
        with EmbeddedPostgres(data_dir) as _:  # owned meanwhile, so that it stays while nobody serves
            server.start()
            assert verdict(load, tmp_path) == []
        assert invariants(server) == []


def confine(pid: int, data: int) -> None:
    """Cap the memory of a process, as the account that runs it: not even root may do so for another without a capability."""
    with suppress(OSError):
        account = Path(f"/proc/{pid}").stat()
        subprocess.run(["prlimit", f"--pid={pid}", f"--data={data}:{data}"], user=account.st_uid, group=account.st_gid, check=False)


def pressed(server: Server) -> dict[int, int]:
    """Two hundred large bodies at once; whatever is answered, nobody waits for ever."""
    body = b'{"resourceType":"Bundle","type":"batch","entry":[' + b",".join([b'{"resource":{"resourceType":"Basic"}}'] * 900) + b"]}"

    def send(_: int) -> int:
        with suppress(httpx.TransportError), caller_of(server, token) as client:
            return client.post("/fhir", content=body).status_code
        return 0

    token = server.token("hungry", "cms-clamart-soins")
    with ThreadPoolExecutor(40) as pool:
        return dict(Counter(pool.map(send, range(200))))


def caller_of(server: Server, token: str) -> httpx.Client:
    return httpx.Client(
        base_url=server.base, headers={"authorization": f"Bearer {token}", "content-type": "application/fhir+json"}, timeout=60
    )


async def hungry(dsn: str) -> None:
    """A statement that wants more than PostgreSQL may have ends alone."""
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute("SET work_mem = '1GB'")
        with pytest.raises((asyncpg.OutOfMemoryError, asyncpg.PostgresConnectionError, ConnectionError)):
            await conn.fetch("SELECT array_agg(repeat('x', 1000) || n) FROM generate_series(1, 400000) n")
    finally:
        conn.terminate()


def test_f17_without_descriptors_or_connections_it_refuses_and_recovers(data_dir: Path, record_property: Any) -> None:
    with served(data_dir, **UNCOUNTED) as server, caller(server) as client:
        well(client)
        assert server.process
        there = len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))
        usual = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (there + 30, usual[1]))
        with ExitStack() as stack:
            for _ in range(120):
                with suppress(OSError):
                    stack.enter_context(opened(server, b""))
            well(client)  # a connection that is there goes on
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, usual)
        record_property("F17", f"ready {server.wait(30):.1f} s after the descriptors came back")
        with caller(server, "again") as other:
            well(other)
        with EmbeddedPostgres(data_dir) as dsn:
            asyncio.run(crowded(dsn, client))
        server.wait(30)
        well(client)
        assert invariants(server) == []


async def crowded(dsn: str, client: httpx.Client) -> None:
    """Somebody else takes every connection that PostgreSQL has left."""
    taken: list[Any] = []
    try:
        with suppress(asyncpg.TooManyConnectionsError):
            while len(taken) < 200:
                taken.append(await asyncpg.connect(dsn))
        assert len(taken) < 200, "PostgreSQL has no connection left"
        for _ in range(20):
            answer = await asyncio.to_thread(client.get, "/fhir/HealthcareService", params={"_count": "1"})
            assert answer.status_code in (200, 503), answer.text
    finally:
        for conn in taken:
            conn.terminate()
