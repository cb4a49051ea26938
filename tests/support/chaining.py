"""Audit rows, chainers and the owner who tampers: what the tests of the audit proof share. As a program: a chainer that works until it is killed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
from tests.support import postgres

from maillage import record
from maillage.kernel.actor import SYSTEM, Actor, Origin
from maillage.kernel.clock import Clock, SystemClock
from maillage.record import proof
from maillage.store import Database

DOCTOR = Actor("person", "practitioner-1", ("org-a",), frozenset({"medecin"}), "role-1", display="Dr Un")
HERE = Origin("192.0.2.7", "maillage.example", "web")
LEASE = timedelta(seconds=6)


class Proof:
    """One installation: its database, its key, its book of checkpoints, its chainer."""

    def __init__(self, db: Database, folder: Path, *, every_rows: int = 1000) -> None:
        self.db, self.folder, self.every_rows = db, folder, every_rows
        self.signer = proof.Signer(folder / "signing.key")
        self.file = folder / "checkpoints.jsonl"
        self.chainer = self.another()

    def another(self, **options: Any) -> proof.Chainer:
        """A chainer of the same installation."""
        return proof.Chainer(self.db, proof.Keeper(proof.Book(self.file, self.signer), every_rows=self.every_rows), **options)

    async def look(self, count: int = 1, *, patient: str = "patient-1", id: str = "task") -> None:
        """So many acts, each in its own transaction."""
        for number in range(count):
            async with self.db.transaction(DOCTOR, request_id="request-1", origin=HERE) as tx:
                await record.audit(tx, "R", "Task", f"{id}-{number}", patient=patient, verb="read")

    async def listing(self, patients: Sequence[str]) -> None:
        """One act that showed a task of each patient."""
        async with self.db.transaction(DOCTOR, request_id="request-1", origin=HERE) as tx:
            await record.audit_many(
                tx, "R", [("Task", patient.replace("patient", "task"), patient) for patient in patients], verb="worklist"
            )

    def points(self) -> list[proof.Checkpoint]:
        """The book."""
        return proof.read_book(self.file, [self.signer.public])

    async def verify(self, **bounds: Any) -> proof.Report:
        """The whole proof, computed again."""
        return await proof.verify(self.db, self.points(), **bounds)

    async def rows(self, sql: str, *args: Any) -> list[Any]:
        """What the database says."""
        async with self.db.trail.transaction(SYSTEM) as tx:
            return await tx.fetch(sql, *args)

    async def chained(self) -> list[str]:
        """The audit rows in the order of the chain."""
        return [event for row in await self.rows("SELECT events FROM audit_chain ORDER BY seq") for event in row["events"]]

    async def event(self, seq: int) -> str:
        """The audit row at a place of the chain."""
        return (await self.chained())[seq - 1]


@asynccontextmanager
async def owner(dsn: str) -> AsyncIterator[Any]:
    """The owner of the database, whom no trigger stops."""
    conn = await asyncpg.connect(postgres.owner(dsn))
    try:
        await conn.execute("SET session_replication_role = replica")
        yield conn
    finally:
        await conn.close()


async def rewrite(conn: Any, seq: int) -> None:
    """What an owner does who knows how the chain is made: from the block of `seq` on, every link is computed anew."""
    from maillage.record.proof.canon import GENESIS, columns, link

    before = GENESIS
    for block in await conn.fetch("SELECT seq, events, links FROM audit_chain ORDER BY seq"):
        if block["seq"] + len(block["events"]) <= seq:
            before = bytes(block["links"][-32:])
            continue
        links = []
        for event in block["events"]:
            row = await conn.fetchrow(f"SELECT {columns('e')} FROM audit_event e WHERE e.id = $1", event)
            before = link(before, tuple(row))
            links.append(before)
        await conn.execute("UPDATE audit_chain SET links = $2 WHERE seq = $1", block["seq"], b"".join(links))


async def _work(dsn: str, trail: str, folder: Path) -> None:
    clock: Clock = SystemClock()
    db = await Database.open(dsn, clock, trail=trail)
    chainer = Proof(db, folder, every_rows=5).another(lease=LEASE)
    while True:
        sys.stdout.write(f"{await chainer.round()}\n")
        sys.stdout.flush()
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(_work(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
