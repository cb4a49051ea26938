"""How the proof stands: how far the chain is behind the trail, and how old the last checkpoint is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from maillage.kernel.actor import SYSTEM
from maillage.record.proof.canon import HOLDING, LAST, end_of, link_at
from maillage.record.proof.checkpoints import Checkpoint, last_of, read_key
from maillage.record.proof.parts import stray_rows
from maillage.store import Database, Transaction

LATE = 60.0
"""Seconds after which a row that is not chained, or a chained row without a checkpoint, is told as a problem."""


@dataclass(frozen=True, slots=True)
class Status:
    """What is known. `lag` and `uncovered` are seconds: since the oldest row that waits, since the oldest chained row without a checkpoint."""

    rows: int
    waiting: int
    lag: float
    checkpoint: int
    checkpoint_at: str
    uncovered: float
    stray: int
    problems: tuple[str, ...]

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


async def standing(db: Database, book: Path, key: Path) -> Status:
    """The same for an installation: its book, its public key. Raises `OSError` or `ValueError` when there is a book and no key to read it."""
    last = await asyncio.to_thread(_last, book, key)
    async with db.trail.transaction(SYSTEM, lazy=True) as tx:
        return await status(tx, last, tx.now)


def _last(book: Path, key: Path) -> Checkpoint | None:
    return last_of(book, read_key(key)) if book.exists() else None


_WAITING = """e.xact >= (SELECT horizon FROM audit_chainer) AND NOT EXISTS (SELECT FROM audit_chain c, unnest(c.events) AS x (event)
        WHERE c.newest >= (SELECT horizon FROM audit_chainer) AND x.event = e.id)"""
_FACTS = f"""
SELECT (SELECT count(*) FROM (SELECT FROM audit_event e WHERE {_WAITING} LIMIT 10000) AS x) AS waiting,
    (SELECT min(e.at) FROM audit_event e WHERE {_WAITING}) AS since,
    (SELECT at FROM audit_chain WHERE seq > $1 ORDER BY seq LIMIT 1) AS uncovered, clock_timestamp() AS now
"""


async def status(tx: Transaction, last: Checkpoint | None, now: datetime) -> Status:
    """The facts of now; `last` is the last checkpoint of the book."""
    signed = last.seq if last else 0
    row = (await tx.peek(_FACTS, signed))[0]
    chained, _ = end_of(_only(await tx.peek(LAST)))
    known = link_at(_only(await tx.peek(HOLDING, signed)), signed)
    lag = max(0.0, (now - row["since"]).total_seconds()) if row["since"] else 0.0
    uncovered = max(0.0, (row["now"] - row["uncovered"]).total_seconds()) if row["uncovered"] else 0.0
    stray = await stray_rows(tx)
    problems = {
        "audit-lag": lag > LATE,
        "audit-checkpoint-late": uncovered > 2 * LATE,
        "audit-chain-broken": last is not None and (last.fault != "" or known != last.h),
        "audit-part-missing": stray > 0,
    }
    told = tuple(code for code, holds in problems.items() if holds)
    return Status(chained, row["waiting"], lag, signed, last.at.isoformat() if last else "", uncovered, stray, told)


def _only(rows: Sequence[Any]) -> Any:
    return rows[0] if rows else None
