"""A small installation with a past, to be copied and put back: rows, documents, a signed audit trail, a continuous archive."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from maillage import documents, record
from maillage.documents import Checked
from maillage.kernel.actor import SYSTEM, Actor
from maillage.record import proof
from maillage.settings import Settings
from maillage.store.backup import mirror
from maillage.store.blobs import Vault
from maillage.store.server import embedded, opened
from maillage.worker import keeper

DOCTOR = Actor("person", "practitioner-1", ("ours",), frozenset({"medecin"}), "role-1", display="Dr Un")
_PATIENT = """INSERT INTO patient (id, family, given, families_folded, given_folded, gender, birth_insee, identity_status, validation_mode, version,
    method_collection, qualified, ins, phone, residence_insee, general_practitioner, deceased, active)
VALUES ($1, 'X', 'Y', '{x}', 'y', 'female', '', '', '', 1, '', false, '', '', '', '', false, true) ON CONFLICT DO NOTHING"""


def environment(folder: Path) -> dict[str, str]:
    """What its commands read."""
    return {
        "MAILLAGE_DATA__FOLDER": str(folder / "data"),
        "MAILLAGE_DATABASE__SHARED_BUFFERS": "32MB",
        "MAILLAGE_BACKUP__ARCHIVE": str(folder / "archive"),
    }


@dataclass
class Installed:
    """Its folder; `acts` are the audit rows and `kept` the documents that it acknowledged, with the instant of each."""

    folder: Path
    acts: dict[str, datetime] = field(default_factory=dict)
    kept: dict[str, datetime] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return Settings.from_environment(environment(self.folder))

    def live(self, rounds: int) -> None:
        """So many acts and documents; then the trail is chained and signed."""
        asyncio.run(self._live(rounds))

    async def _live(self, rounds: int) -> None:
        async with opened(self.settings) as db:
            vault = Vault.of(self.settings)
            for number in range(rounds):
                async with db.transaction(SYSTEM) as tx:
                    await proof.make_parts(tx, tx.now)
                    await tx.execute(_PATIENT, "p1")
                    file = Checked("f", "lettre.pdf", "application/pdf", f"letter {number}".encode() * 999)
                    made = await documents.keep(tx, vault, file, patient="p1", owner="ours", parties=["ours"])
                act = f"act-{len(self.acts)}"
                async with db.transaction(DOCTOR) as tx:
                    await record.audit(tx, "R", "Task", act, patient="p1", verb="read")
                self.kept[made.id] = self.acts[act] = datetime.now(UTC)
            keep = keeper(self.settings)
            keep._rows = 1
            await proof.Chainer(db, keep, lease=timedelta(0)).drain()  # the last one to chain has ended

    def hand_over(self) -> None:
        """What a minute does: the log of the last writes is archived, files and checkpoints are copied."""
        mirror(self.settings)
        asyncio.run(self._switch())

    async def _switch(self) -> None:
        with embedded(self.settings) as dsn:
            conn = await asyncpg.connect(dsn)
            try:
                name = await conn.fetchval("SELECT pg_walfile_name(pg_switch_wal())")
                for _ in range(600):
                    if (await conn.fetchval("SELECT last_archived_wal FROM pg_stat_archiver") or "") >= name:
                        return
                    await asyncio.sleep(0.05)
            finally:
                await conn.close()
        raise AssertionError("the log was not archived")


async def told(settings: Settings) -> dict[str, Any]:
    """What a database holds of an installation: acts, documents that open, and what the operator did."""
    async with opened(settings) as db:
        async with db.trail.transaction(SYSTEM) as tx:
            rows = await tx.fetch("SELECT res_id, verb, res_type, outcome FROM audit_event ORDER BY at, seq")
        report = await documents.check(db, Vault.of(settings), now=db.clock.now())
    return {
        "acts": {row["res_id"] for row in rows if row["res_type"] == "Task"},
        "operator": [(row["verb"], row["outcome"]) for row in rows if row["res_type"] == "Installation"],
        "documents": report,
    }
