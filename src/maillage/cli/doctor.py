"""`maillage doctor`: everything that could be wrong on this machine, with the remedy."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from maillage import messaging
from maillage.cli.output import ENVIRONMENT, NOT_OURS, OK, settings_for, show
from maillage.codes import r4
from maillage.documents import Antivirus, AntivirusError
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import Unavailable
from maillage.messaging import subscriptions
from maillage.record import proof
from maillage.settings import SettingError, Settings
from maillage.store import Database, backup, outbox
from maillage.store.database import DRIVER
from maillage.store.server import opened


@dataclass(frozen=True, slots=True)
class Waiting:
    """Messages of the outbox that go no further by themselves."""

    held: tuple[dict[str, Any], ...]
    set_aside: tuple[dict[str, Any], ...]
    notices: int = 0
    undelivered: tuple[dict[str, Any], ...] = ()


def doctor(*, data: Path | None = None, json: bool = False) -> int:
    """Check Python, definitions, settings, disk, data folder and PostgreSQL, and make nothing; 3 when one of them stops maillage.

    Says too what waits for somebody: messages held because nothing carries them yet, those set aside after their last try, and what
    partners did not take.

    Example: maillage doctor --data ./data
    """
    checks, waiting = [_python(), _definitions()], Waiting((), ())
    notes: list[str] = []
    try:
        settings = settings_for(data)
    except SettingError as error:
        checks.append(_check("settings", str(error), "correct the variable"))
    else:
        checks += [_check("settings"), _disk(settings), _antivirus(settings), _mail(settings), _folder(settings, named=data is not None)]
        notes = _notes(settings)
        if not checks[-1]["problem"]:
            told, waiting = _postgresql(settings)
            checks += told
    bad = [check for check in checks if check["problem"]]
    lines = [f"{'✗' if c['problem'] else '✓'} {c['name']}" + (f": {c['problem']} ({c['remedy']})" if c["problem"] else "") for c in checks]
    lines += [f"· {row['messages']} held, {row['topic']}: {row['reason']} (since {row['since']})" for row in waiting.held]
    lines += [f"· set aside after the last try, {row['topic']}: {row['reason']} ({row['id']})" for row in waiting.set_aside]
    lines += [f"· {waiting.notices} notices to colleagues wait for their hour"] if waiting.notices else []
    lines += [f"· {row['events']} not delivered to {row['client']}: {row['error']} (see /partenaires)" for row in waiting.undelivered]
    lines += [f"· {note}" for note in notes]
    left = {"held": list(waiting.held), "set_aside": list(waiting.set_aside), "undelivered": list(waiting.undelivered)}
    found = {"checks": checks, "healthy": not bad, "notes": notes, **left, "notices": waiting.notices}
    show(found, json=json, lines=lines)
    return ENVIRONMENT if bad else OK


def _check(name: str, problem: str = "", remedy: str = "") -> dict[str, str]:
    return {"name": name, "problem": problem, "remedy": remedy}


def _python() -> dict[str, str]:
    old = sys.version_info < (3, 11)
    return _check("python", f"Python {sys.version.split()[0]}" if old else "", "install Python 3.11 or later")


def _definitions() -> dict[str, str]:
    try:
        known = len(r4.resource_types())
    except OSError as error:
        return _check("definitions", str(error), "make setup")
    return _check("definitions", "" if known else "no resource type", "make setup")


def _disk(settings: Settings) -> dict[str, str]:
    folder = settings.data.folder.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return _check("disk", f"{free // 2**20} MiB free" if free < 2**30 else "", "free at least 1 GiB on the data volume")


def _antivirus(settings: Settings) -> dict[str, str]:
    """A scanner that is named answers; where none is named, a note says that there is none."""
    scanner = Antivirus(settings.documents.antivirus)
    try:
        if scanner.address:
            asyncio.run(scanner.version())
    except (OSError, TimeoutError, AntivirusError) as error:
        return _check("antivirus", str(error) or type(error).__name__, "start clamd, or correct MAILLAGE_DOCUMENTS__ANTIVIRUS")
    return _check("antivirus")


def _notes(settings: Settings) -> list[str]:
    """What is not switched on, and what that means."""
    silent = {
        "files are not scanned for viruses: MAILLAGE_DOCUMENTS__ANTIVIRUS names no clamd": settings.documents.antivirus,
        "no e-mail leaves: MAILLAGE_MAIL__HOST names no server": settings.mail.host,
        "no SMS leaves: MAILLAGE_SMS__URL names no gateway": settings.sms.url,
    }
    return [note for note, named in silent.items() if not named]


def _mail(settings: Settings) -> dict[str, str]:
    """The mail server answers and takes our name; the gateway for SMS is not asked, since a request there is a message."""
    if not settings.mail.host:
        return _check("mail")
    from maillage.doors.connectors.smtp import SmtpChannel  # noqa: PLC0415  # a command on data knows no door until it has to knock at one

    try:
        asyncio.run(SmtpChannel(settings.mail).check())
    except Unavailable as error:
        return _check("mail", f"{error.reason}: {settings.mail.host}:{settings.mail.port}", "correct MAILLAGE_MAIL__*, or start the server")
    return _check("mail")


def _folder(settings: Settings, *, named: bool) -> dict[str, str]:
    """A folder named on the command line is there; the usual one is made by the first start."""
    folder = settings.data.folder
    missing = named and not settings.database.url and not folder.is_dir()
    return _check("data folder", f"there is no folder {folder}" if missing else "", "name the data folder of a server, or make the folder")


def _postgresql(settings: Settings) -> tuple[list[dict[str, str]], Waiting]:
    """The database of the data folder; where there is none yet, one in a folder that is thrown away: looking changes nothing."""
    folder = settings.data.folder
    if settings.database.url or any((folder / name).exists() for name in ("postgres", "postgres.location")):
        return asyncio.run(_database(settings))
    with tempfile.TemporaryDirectory(prefix="maillage-doctor-") as trial:
        Path(trial).chmod(0o711)
        return asyncio.run(_database(replace(settings, data=replace(settings.data, folder=Path(trial)))))


async def _database(settings: Settings) -> tuple[list[dict[str, str]], Waiting]:
    try:
        async with opened(settings) as database:
            await database.ping()
            checks = [_check("postgresql", "; ".join(database.warnings), "update PostgreSQL"), await _proof(settings, database)]
            checks += [await _archive(database)] if settings.backup.archive and not settings.database.url else []
            return checks, await _waiting(database)
    except (*NOT_OURS, *DRIVER) as error:
        problem = str(error) or type(error).__name__
        return [_check("postgresql", problem, "see the message above and docs/reference/settings.md")], Waiting((), ())


async def _proof(settings: Settings, database: Database) -> dict[str, str]:
    """The chain of the audit trail and its checkpoints."""
    try:
        found = await proof.standing(database, settings.audit_checkpoints, settings.audit_public_key)
    except (OSError, ValueError) as error:
        return _check("audit", f"the public key of the checkpoints cannot be read: {error}", "bring it back from the backup")
    return _check("audit", "; ".join(found.problems), "start the worker; if that does not help, maillage audit verify")


async def _archive(database: Database) -> dict[str, str]:
    """Whether PostgreSQL can hand its log over: while it cannot, the log grows on its own disk, and a lost disk costs more every minute."""
    async with database.transaction(SYSTEM) as tx:
        found = await backup.standing(tx)
    return _check("archive", found.problem, "make room in MAILLAGE_BACKUP__ARCHIVE, or let PostgreSQL's account write there")


async def _waiting(database: Database) -> Waiting:
    async with database.transaction(SYSTEM) as tx:
        held, dead, notices = await outbox.held(tx), await outbox.dead_letters(tx), await messaging.waiting(tx)
        undelivered = await subscriptions.undelivered(tx)
    return Waiting(
        tuple({**row, "since": row["since"].isoformat()} for row in held),
        tuple({"id": row["id"], "topic": row["topic"], "reason": row["last_error"], "since": row["dead_at"].isoformat()} for row in dead),
        notices,
        tuple(dict(row) for row in undelivered),
    )
