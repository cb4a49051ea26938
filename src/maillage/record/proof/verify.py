"""Compute the whole proof again, and name the first row that does not fit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from maillage.kernel.actor import SYSTEM
from maillage.record.proof.canon import GENESIS, HOLDING, LAST, SIZE, VERSION, columns, end_of, link, link_at
from maillage.record.proof.checkpoints import Checkpoint
from maillage.store import Database, Transaction

PAGE = 2000
MOST_FAULTS = 20
PATIENCE = 600.0

_PAGE = f"""SELECT c.seq AS first, x.nth, x.event, c.version, CASE WHEN x.nth = 1 THEN c.links END AS links, e.id IS NOT NULL AS there, {columns("e")}
FROM audit_chain c CROSS JOIN LATERAL unnest(c.events) WITH ORDINALITY AS x (event, nth)
LEFT JOIN audit_event e ON e.id = x.event AND e.at BETWEEN c.earliest AND c.latest
WHERE c.seq > $1 AND c.seq <= least($2, (SELECT min(seq) FROM audit_chain WHERE seq > $1) + {PAGE})
ORDER BY c.seq, x.nth, e.at"""
"""The blocks of some {PAGE} places from the first one after $1, row by row with the audit rows of that id between the instants of the block: one each."""
_AHEAD = 6
_FIRST = "SELECT min(seq) FROM audit_chain WHERE latest >= $1::timestamptz"
_UPTO = "SELECT coalesce(max(seq), 0) FROM audit_chain WHERE $1::timestamptz IS NULL OR earliest < $1"
_ADDED = """SELECT e.id, e.at FROM audit_event e, audit_chainer t, pg_control_system() s
WHERE t.system = s.system_identifier::text AND e.xact < t.horizon AND NOT EXISTS (
    SELECT FROM audit_chain c, unnest(c.events) AS x (event) WHERE x.event = e.id AND e.at BETWEEN c.earliest AND c.latest)
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
    """The chain against the rows, and against what was signed; `since` and `until`: the blocks that hold rows of these instants alone."""
    db = db.trail
    found: list[Fault] = [_of_book(point) for point in book if point.fault]
    signed = {point.seq: point for point in book if not point.fault}
    async with db.transaction(SYSTEM, timeout=PATIENCE) as tx:
        first, before = await _before(tx, since)
        last = await tx.fetchval(_UPTO, until)
    walk = _Walk(Report(first + 1), signed, before, first)
    async for block in _blocks(db, first, last):
        walk.block(block)
    if until is None:
        walk.end(signed)
    added = await _added(db) if since is None and until is None else []
    walk.report.checkpoints = len(book)
    walk.report.faults = sorted([*walk.report.faults, *added], key=lambda fault: fault.seq)[:MOST_FAULTS] + found[:MOST_FAULTS]
    return walk.report


async def _before(tx: Transaction, since: datetime | None) -> tuple[int, bytes]:
    """The place before the first one that is looked at, and its link."""
    if since is None:
        return 0, GENESIS
    begin = await tx.fetchval(_FIRST, since)
    if begin is None:  # nothing so late: the end of the chain alone is looked at
        return end_of(await tx.fetchrow(LAST))
    return begin - 1, link_at(await tx.fetchrow(HOLDING, begin - 1), begin - 1) or GENESIS


async def _blocks(db: Database, first: int, last: int) -> AsyncIterator[list[Any]]:
    """Block after block, each as its rows."""
    while first < last:
        async with db.transaction(SYSTEM, timeout=PATIENCE) as tx:
            rows = await tx.fetch(_PAGE, first, last)
        for _, block in groupby(rows, itemgetter("first")):
            yield [*block]
        if not rows:
            return
        first = rows[-1]["first"]


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
        self.report.last = seq

    def block(self, rows: Sequence[Any]) -> None:
        """One block with its audit rows."""
        seq, event, links = rows[0]["first"], rows[0]["event"], bytes(rows[0]["links"])
        follows = seq == self._seq + 1
        if seq > self._seq + 1:
            self._fault("chain-gap", self._seq + 1, "", f"rows {self._seq + 1} to {seq - 1} of the chain are gone; {event} is the next one")
        elif not follows:
            self._fault("chain-overlap", seq, event, f"the chain has come to row {self._seq} and goes on at {seq}")
        for nth, found in groupby(rows, itemgetter("nth")):
            h = links[SIZE * (nth - 1) : SIZE * nth]
            self._step(seq + nth - 1, [*found], h, bound=follows or nth > 1)
        if len(links) > SIZE * nth:
            self._fault("links-left", seq + nth, "", f"the block of row {seq} has more links than rows")

    def _step(self, seq: int, found: Sequence[Any], h: bytes, *, bound: bool) -> None:
        """One place of the chain with the audit rows of its id; `bound`: its link comes after the one before."""
        self.report.rows += 1
        event = found[0]["event"] or ""
        if self._open is None:
            self._open = (seq, event)
        fitting = [row for row in found if row["there"] and (not bound or link(self._h, tuple(row)[_AHEAD:]) == h)]
        if found[0]["version"] != VERSION:
            self._fault("version-unknown", seq, event, f"chained by version {found[0]['version']}")
        elif not found[0]["there"]:
            self._fault("row-missing", seq, event, "the audit row is gone")
        elif not fitting:
            self._fault("row-changed", seq, event, "the audit row, or its place, is not what was chained")
        elif len(found) > 1:
            self._fault("row-added", seq, event, "a second audit row has this id")
        self._h, self._seq, self._event, self.report.last = h, seq, event, seq
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
