"""The one who chains: each audit row, once, in the order in which rows became visible; two chainers never make two chains.

What waits is chained as one block, a row of `audit_chain` for up to `BATCH` audit rows: one row for each would cost more than what it proves.

Transactions commit in another order than they take numbers. So the chainer asks for every row that is not chained yet and was written by a
transaction not below the `horizon`: the oldest transaction that was still running when it last looked. All that lies below was visible then, and is
chained. A row that commits late is thus found, however late.

Whose turn it is stands in `audit_chainer`, with a fencing number that each INSERT asks for again; the primary key of `audit_chain` refuses the rest.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import Unavailable
from maillage.record.proof.canon import HOLDING, LAST, columns, end_of, link, link_at
from maillage.record.proof.checkpoints import Keeper
from maillage.store import Database, Transaction

log = logging.getLogger(__name__)
LOCK = 0x6175646974  # "audit"
LEASE = timedelta(seconds=5)
BATCH = 1000
PATIENCE, FIRST_PATIENCE = 10.0, 600.0

_UNCHAINED = """e.xact >= $1::text::xid8 AND NOT EXISTS (
    SELECT FROM audit_chain c, unnest(c.events) AS x (event) WHERE c.newest >= $1::text::xid8 AND x.event = e.id)"""
_WAITING = (
    f"SELECT EXISTS (SELECT FROM audit_event e WHERE {_UNCHAINED}) AS waiting, pg_snapshot_xmin(pg_current_snapshot())::text AS oldest"
)
_ROWS = f"""SELECT e.id AS event, e.at AS event_at, e.xact::text AS written, {columns("e")}
FROM audit_event e WHERE {_UNCHAINED} ORDER BY e.xact, e.at, e.seq LIMIT {BATCH}"""
_AHEAD = 3
_INSERT = """INSERT INTO audit_chain (seq, events, links, earliest, latest, newest, fence)
SELECT $1::bigint, $2::text[], $3::bytea, $4::timestamptz, $5::timestamptz, $6::text::xid8, t.fence
FROM audit_chainer t WHERE t.fence = $7 AND t.holder = $8"""
_BEAT = "UPDATE audit_chainer SET beat_at = clock_timestamp(), horizon = $1::text::xid8, system = $2 WHERE fence = $3 AND holder = $4"


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ends."""

    seq: int
    h: bytes


class Chainer:
    """One of perhaps several: it works when it is its turn, and waits while another one gives signs of life."""

    def __init__(self, db: Database, keeper: Keeper | None = None, *, lease: timedelta = LEASE) -> None:
        self._db, self._keeper, self._lease = db.trail, keeper, lease
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._fence = -1
        self._horizon: int | None = None
        self._system = ""
        self._beaten = 0.0

    async def round(self) -> int:
        """Chain what waits, at most a batch, and checkpoint when it is time; how many rows were chained."""
        waiting, oldest = await self._look()
        beating = time.monotonic() - self._beaten < self._lease.total_seconds() / 3
        if not waiting and beating and not (self._keeper and self._keeper.is_due(self._db.clock.now())):
            self._horizon = oldest
            return 0
        async with self._db.transaction(SYSTEM, timeout=PATIENCE if self._horizon else FIRST_PATIENCE) as tx:
            if not await self._is_my_turn(tx):
                return 0
            head = await _head(tx)
            end, horizon = await self._chain(tx, head, oldest)
            known = await self._known(tx)
        self._beaten, self._horizon = time.monotonic(), horizon
        if self._keeper:
            await self._keeper.keep(end.seq, end.h, known, self._db.clock.now())
        return end.seq - head.seq

    async def catch_up(self) -> None:
        """Chain until less than a batch waits: rows that arrive meanwhile go with the next round, many at once, not one by one."""
        while await self.round() == BATCH:
            pass

    async def drain(self) -> int:
        """Chain until nothing waits."""
        total = 0
        while done := await self.round():
            total += done
        return total

    async def _look(self) -> tuple[bool, int]:
        """Whether a row waits, and the oldest transaction that still runs: one statement, one snapshot."""
        async with self._db.transaction(SYSTEM, lazy=True) as tx:
            if self._horizon is None:  # nothing is known yet: whatever waits is looked for at leisure
                self._system = str((await tx.peek("SELECT system_identifier FROM pg_control_system()"))[0][0])
                return True, int((await tx.peek("SELECT pg_snapshot_xmin(pg_current_snapshot())::text"))[0][0])
            row = (await tx.peek(_WAITING, str(self._horizon)))[0]
        return bool(row["waiting"]), int(row["oldest"])

    async def _is_my_turn(self, tx: Transaction) -> bool:
        """Take the lock of the round, and the turn when nobody has it or its holder is silent."""
        if not await tx.fetchval("SELECT pg_try_advisory_xact_lock($1)", LOCK):
            return False
        row = await tx.fetchrow(
            "SELECT fence, holder, beat_at < clock_timestamp() - $1::interval AS silent, horizon::text, system FROM audit_chainer FOR UPDATE",
            self._lease,
        )
        if row is None:
            raise Unavailable("audit-chainer-missing")
        if (row["holder"], row["fence"]) == (self.holder, self._fence):
            return True
        if not row["silent"]:
            return False
        self._fence = row["fence"] + 1
        self._horizon = int(row["horizon"]) if row["system"] == self._system else 0
        await tx.execute("UPDATE audit_chainer SET fence = $1, holder = $2, beat_at = clock_timestamp()", self._fence, self.holder)
        log.info("audit-chainer-turn %s", self._fence, extra={"code": "audit-chainer-turn"})
        return True

    async def _chain(self, tx: Transaction, head: Head, oldest: int) -> tuple[Head, int]:
        """Write what waits as one block; answers where the chain ends then, and below which transaction nothing is left to chain."""
        rows = await tx.fetch(_ROWS, str(self._horizon or 0))
        if rows:
            links = _links(head.h, rows)
            instants = [row["event_at"] for row in rows]
            block = (head.seq + 1, [row["event"] for row in rows], b"".join(links), min(instants), max(instants), rows[-1]["written"])
            if await tx.execute(_INSERT, *block, self._fence, self.holder) != "INSERT 0 1":
                raise Unavailable("audit-turn-lost")
            head = Head(head.seq + len(links), links[-1])
        horizon = min(oldest, int(rows[-1]["written"])) if len(rows) == BATCH else oldest
        if await tx.execute(_BEAT, str(horizon), self._system, self._fence, self.holder) != "UPDATE 1":
            raise Unavailable("audit-turn-lost")
        return head, horizon

    async def _known(self, tx: Transaction) -> bytes | None:
        """What the chain says now at the place of the last checkpoint."""
        if self._keeper is None or (last := self._keeper.last) is None:
            return None
        return link_at(await tx.fetchrow(HOLDING, last.seq), last.seq)


def _links(before: bytes, rows: Sequence[Any]) -> list[bytes]:
    links = []
    for row in rows:
        before = link(before, tuple(row)[_AHEAD:])
        links.append(before)
    return links


async def _head(tx: Transaction) -> Head:
    return Head(*end_of(await tx.fetchrow(LAST)))
