"""Compute the whole proof again, and name the first row that does not fit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from maillage.kernel.actor import SYSTEM
from maillage.record.proof.canon import GENESIS, VERSION, columns, link
from maillage.record.proof.checkpoints import Checkpoint
from maillage.store import Database

PAGE = 2000
MOST_FAULTS = 20
PATIENCE = 600.0

_PAGE = f"""SELECT c.seq AS place, c.event, c.version, c.h, e.id IS NOT NULL AS there, {columns("e")}
FROM audit_chain c LEFT JOIN audit_event e ON e.id = c.event AND e.at = c.event_at
WHERE c.seq > $1 AND c.seq <= $2 ORDER BY c.seq LIMIT {PAGE}"""
_AHEAD = 5
_BOUNDS = """SELECT coalesce(min(seq) FILTER (WHERE event_at >= $1::timestamptz) - 1, max(seq), 0) AS first,
    coalesce(max(seq) FILTER (WHERE $2::timestamptz IS NULL OR event_at < $2), 0) AS last FROM audit_chain"""
_ADDED = """SELECT e.id, e.at FROM audit_event e, audit_chainer t, pg_control_system() s
WHERE t.system = s.system_identifier::text AND e.xact < t.horizon AND NOT EXISTS (SELECT FROM audit_chain c WHERE c.event = e.id)
ORDER BY e.xact, e.at, e.seq LIMIT 20"""


@dataclass(frozen=True, slots=True)
class Fault:
    """What does not fit: a code, the place in the chain, the audit row (empty where only its place is known), a sentence."""

    code: str
    seq: int
    event: str
    detail: str


@dataclass(slots=True)
class Report:
    """What was computed again. `faults` are in the order of the chain: the first one names the first bad row."""

    first: int = 0
    last: int = 0
    rows: int = 0
    checkpoints: int = 0
    covered: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether everything fits."""
        return not self.faults

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {"whole": self.whole, **asdict(self)}


async def verify(db: Database, book: Sequence[Checkpoint], *, since: datetime | None = None, until: datetime | None = None) -> Report:
    """The chain against the rows, and against what was signed; `since` and `until` bound the instants of the rows looked at."""
    found: list[Fault] = [_of_book(point) for point in book if point.fault]
    signed = {point.seq: point for point in book if not point.fault}
    async with db.transaction(SYSTEM, timeout=PATIENCE) as tx:
        row = await tx.fetchrow(_BOUNDS, since, until)
        first, last = (row["first"] if since else 0, row["last"]) if row else (0, 0)
        before = await tx.fetchval("SELECT h FROM audit_chain WHERE seq = $1", first)
    walk = _Walk(Report(first + 1, last), signed, bytes(before) if before is not None else GENESIS, first)
    async for row in _rows(db, first, last):
        walk.step(row)
    if until is None:
        walk.end(signed)
    added = await _added(db) if since is None and until is None else []
    walk.report.checkpoints = len(book)
    walk.report.faults = sorted([*walk.report.faults, *added], key=lambda fault: fault.seq)[:MOST_FAULTS] + found[:MOST_FAULTS]
    return walk.report


async def _rows(db: Database, first: int, last: int) -> AsyncIterator[Any]:
    while first < last:
        async with db.transaction(SYSTEM, timeout=PATIENCE) as tx:
            rows = await tx.fetch(_PAGE, first, last)
        for row in rows:
            yield row
        if not rows:
            return
        first = rows[-1]["place"]


async def _added(db: Database) -> list[Fault]:
    """Rows that nobody chained although all of their time are: somebody put them there by hand."""
    async with db.transaction(SYSTEM, timeout=PATIENCE) as tx:
        rows = await tx.fetch(_ADDED)
    return [Fault("row-added", 2**62, row["id"], f"a row of {row['at']:%Y-%m-%d %H:%M:%S} that was never chained") for row in rows]


def _of_book(point: Checkpoint) -> Fault:
    said = {
        "checkpoint-forged": "its signature is not that of this installation",
        "checkpoint-missing": "the line before it is not the one that it names",
    }[point.fault]
    return Fault(point.fault, point.seq, "", f"line {point.line} of the checkpoints: {said}")


class _Walk:
    """The chain, row by row: `h` is what the rows so far must give."""

    def __init__(self, report: Report, signed: dict[int, Checkpoint], h: bytes, seq: int) -> None:
        self.report, self._signed, self._h, self._seq = report, signed, h, seq
        self._event = ""
        self._open: tuple[int, str] | None = None

    def step(self, row: Any) -> None:
        """One row of the chain with its audit row."""
        self.report.rows += 1
        seq, event = row["place"], row["event"]
        if self._open is None:
            self._open = (seq, event)
        if seq != self._seq + 1:
            self._fault("chain-gap", self._seq + 1, "", f"rows {self._seq + 1} to {seq - 1} of the chain are gone; {event} is the next one")
        elif row["version"] != VERSION:
            self._fault("version-unknown", seq, event, f"chained by version {row['version']}")
        elif not row["there"]:
            self._fault("row-missing", seq, event, "the audit row is gone")
        elif link(self._h, tuple(row)[_AHEAD:]) != bytes(row["h"]):
            self._fault("row-changed", seq, event, "the audit row, or its place, is not what was chained")
        self._h, self._seq, self._event = bytes(row["h"]), seq, event
        if (point := self._signed.get(seq)) is not None:
            self._compare(point)

    def _compare(self, point: Checkpoint) -> None:
        """A checkpoint binds all rows up to it: what differs lies after the last one that agreed."""
        seq, event = self._open or (point.seq, "")
        if point.h == self._h:
            self.report.covered = point.seq
            self._open = None
        else:
            detail = f"rows {seq} to {point.seq} are not those signed on {point.at:%Y-%m-%d %H:%M:%S}: the first of them is named"
            self._fault("chain-rewritten", seq, event, detail)

    def end(self, signed: dict[int, Checkpoint]) -> None:
        """After the last row: nothing that was signed may lie beyond it."""
        beyond = [point for seq, point in sorted(signed.items()) if seq > self._seq]
        if beyond:
            detail = (
                f"{beyond[-1].seq} rows were signed on {beyond[-1].at:%Y-%m-%d %H:%M:%S}, the chain ends after {self._seq} ({self._event})"
            )
            self._fault("tail-cut", self._seq + 1, "", detail)

    def _fault(self, code: str, seq: int, event: str, detail: str) -> None:
        if len(self.report.faults) < MOST_FAULTS:
            self.report.faults.append(Fault(code, seq, event, detail))
