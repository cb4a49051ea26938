"""`maillage audit verify|status`: the proof that the audit trail is whole."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from maillage.cli.output import ENVIRONMENT, OK, PROBLEM, Failure, settings_for, show
from maillage.kernel.actor import SYSTEM
from maillage.record import proof
from maillage.settings import Settings
from maillage.store.server import opened


def audit(
    action: Literal["verify", "status"],
    *,
    since: Annotated[date | None, Parameter(name="--from")] = None,
    until: Annotated[date | None, Parameter(name="--to")] = None,
    key: Path | None = None,
    book: Path | None = None,
    data: Path | None = None,
    json: bool = False,
) -> int:
    """Compute the audit chain again from its first row and compare it with the signed checkpoints; or say how the proof stands. 1 when something is wrong.

    Example: maillage audit verify --from 2026-11-01 --to 2026-11-30

    Parameters
    ----------
    action
        `verify` names the first row that was changed, taken away, moved or put in; `status` says how far the chain is.
    since
        First day of the rows looked at (UTC).
    until
        Last day of the rows looked at (UTC).
    key
        Public key (PEM) that signed the checkpoints, when you keep your own copy.
    book
        File of checkpoints, when you keep your own copy.
    data
        Data folder of the server.
    json
        Answer as one JSON object.
    """
    settings = settings_for(data)
    points = _book(settings, key, book)
    if action == "status":
        return asyncio.run(_status(settings, points[-1] if points else None, json=json))
    report = asyncio.run(_verify(settings, points, since, until))
    said = f"{report.rows} rows, {report.checkpoints} checkpoints, the last one that agrees covers row {report.covered}"
    faults = [f"{fault.code}: row {fault.seq if fault.seq < 2**62 else '?'} {fault.event}: {fault.detail}" for fault in report.faults]
    show(report.told(), json=json, lines=[said, *(faults or ["the audit trail is whole"])])
    return OK if report.whole else PROBLEM


def _book(settings: Settings, key: Path | None, book: Path | None) -> list[proof.Checkpoint]:
    public, file = key or settings.audit_public_key, book or settings.audit_checkpoints
    try:
        return proof.read_book(file, [proof.read_key(public)]) if file.exists() else []
    except (OSError, ValueError) as error:
        raise Failure(f"the public key cannot be read: {error}", ENVIRONMENT) from error


async def _verify(settings: Settings, points: list[proof.Checkpoint], since: date | None, until: date | None) -> proof.Report:
    async with opened(settings) as database:
        begin = datetime.combine(since, time(), UTC) if since else None
        end = datetime.combine(until, time(), UTC) + timedelta(days=1) if until else None
        return await proof.verify(database, points, since=begin, until=end)


async def _status(settings: Settings, last: proof.Checkpoint | None, *, json: bool) -> int:
    async with opened(settings) as database, database.trail.transaction(SYSTEM, timeout=60) as tx:
        found = await proof.status(tx, last, tx.now)
    lines = [
        f"{found.rows} rows chained, {found.waiting} waiting, the oldest for {found.lag:.0f} s",
        f"last checkpoint at row {found.checkpoint} {found.checkpoint_at}".rstrip(),
        *found.problems,
    ]
    show(found.told(), json=json, lines=lines)
    return PROBLEM if found.problems else OK
