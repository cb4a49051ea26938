"""An export asked, built, fetched, cancelled and swept. Each portion is one transaction, read as the client that asked."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from maillage import record
from maillage.access import visible_to
from maillage.codes.json import decode, encode
from maillage.exports import queries
from maillage.exports.types import Export, Filter, Level, Wanted
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.errors import Conflict, NotAllowed, TooMany
from maillage.kernel.ids import new_id
from maillage.record import Portion, Stored
from maillage.settings import Settings
from maillage.store import Database, Transaction
from maillage.store.blobs import About, Folder, Ring, Vault

log = logging.getLogger(__name__)
LEASE: Final = timedelta(seconds=60)
TRIES: Final = 5
ORPHAN_AFTER: Final = timedelta(hours=1)


class _Line(msgspec.Struct):
    """All that is read of a line when it is fetched."""

    id: str


def vault_of(settings: Settings) -> Vault:
    """Where the files of exports lie, under keys of their own: none of them outlives a day, whatever becomes of the keys of documents."""
    known = settings.bulk
    folder = Path(known.folder) if known.folder else settings.data.folder / "exports"
    return Vault(Folder(folder), Ring(Path(known.keys) if known.keys else settings.data.folder / "exports.keys"))


async def ask(tx: Transaction, wanted: Wanted, *, most: int) -> str:
    """Take a request in; answers its id. For machine clients only. Raises `NotAllowed`, `TooMany` when too many of the caller's are running."""
    if tx.actor.kind != "client" or not tx.actor.organization:
        raise NotAllowed("machines-only")
    if await queries.live_of(tx) >= most:
        raise TooMany(60)
    id = new_id()
    await tx.execute(
        """
        INSERT INTO bulk_export (id, actor, client, owner_org, parties, level, group_id, types, since, request, status, asked_at, patients, filters)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'accepted', $11, $12, $13)
        """,
        *(id, msgspec.json.encode(tx.actor).decode(), tx.actor.id, tx.actor.organization, list(tx.actor.organizations)),
        *(str(wanted.level), wanted.group or None, list(wanted.types), wanted.since, wanted.request, tx.now),
        *(list(wanted.patients) or None, msgspec.json.encode(wanted.filters).decode()),
    )
    await record.audit(tx, "E", "Group" if wanted.group else "-", wanted.group, verb="export-asked", query=wanted.request)
    return id


async def cancel(tx: Transaction, id: str) -> None:
    """End an export: nothing more is built or given, and the next sweep deletes its files. Raises `NotFound`."""
    await queries.asked(tx, id)
    await tx.execute("UPDATE bulk_export SET status = 'cancelled', ended_at = coalesce(ended_at, $2) WHERE id = $1", id, tx.now)
    await record.audit(tx, "E", "-", "", verb="export-cancelled")


# --- building ------------------------------------------------------------------
async def build(db: Database, vault: Vault, *, portion: int, keep: timedelta, most: int = 50) -> int:
    """Carry on with the exports that wait, at most so many portions; how many were built. Killed anywhere, the next call goes on from there."""
    built = 0
    while built < most and (claimed := await _claim(db)) is not None:
        while await _build_portion(db, vault, claimed, portion, keep):
            built += 1
            if built >= most:
                await _release(db, claimed)
                break
    return built


async def _release(db: Database, claimed: Any) -> None:
    """Leave the rest to the next round."""
    async with db.transaction(SYSTEM) as tx:
        await tx.execute("UPDATE bulk_export SET leased_until = NULL WHERE id = $1 AND claims = $2", claimed["id"], claimed["claims"])


async def _claim(db: Database) -> Any | None:
    """The oldest export that nobody builds, leased; one that made no progress five times is given up."""
    async with db.transaction(SYSTEM) as tx:
        row = await tx.fetchrow(
            """
            UPDATE bulk_export SET claims = claims + 1, tries = tries + 1, leased_until = $1::timestamptz + $2::interval, status = 'running'
             WHERE id = (SELECT id FROM bulk_export WHERE status IN ('accepted', 'running') AND (leased_until IS NULL OR leased_until <= $1)
                ORDER BY asked_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING id, claims, tries, actor
            """,
            tx.now,
            LEASE,
        )
        if row is not None and row["tries"] > TRIES:
            log.error("export-failed %s", row["id"], extra={"code": "export-failed"})
            await tx.execute("UPDATE bulk_export SET status = 'failed', ended_at = $2 WHERE id = $1", row["id"], tx.now)
    return row


async def _build_portion(db: Database, vault: Vault, claimed: Any, limit: int, keep: timedelta) -> bool:
    """The next portion, as the client that asked; False when the export is complete, or no longer ours."""
    actor = msgspec.json.decode(claimed["actor"], type=Actor)
    async with db.transaction(actor) as tx:
        sql = "SELECT * FROM bulk_export WHERE id = $1 AND claims = $2 AND status = 'running' FOR UPDATE"
        row = await tx.fetchrow(sql, claimed["id"], claimed["claims"])
        if row is None:
            return False
        if row["step"] == queries.steps_of(row):
            ended = "UPDATE bulk_export SET status = 'done', ended_at = $2, expires_at = $3, leased_until = NULL WHERE id = $1"
            await tx.execute(ended, row["id"], tx.now, tx.now + keep)
            return False
        kind, buried = row["types"][row["step"] % len(row["types"])], row["step"] >= len(row["types"])
        asked = await _portion_of(tx, row, kind, limit)
        found = await (record.buried if buried else record.portion)(tx, kind, asked, lambda kind: visible_to(actor, kind, tx.now))
        if found:
            await _write(tx, vault, row, kind, found)
        last = (row["step"], found[-1].id) if len(found) == limit else (row["step"] + 1, "")
        await tx.execute(
            "UPDATE bulk_export SET step = $2, after_id = $3, tries = 0, leased_until = $4 WHERE id = $1", row["id"], *last, tx.now + LEASE
        )
    return True


async def _portion_of(tx: Transaction, row: Any, kind: str, limit: int) -> Portion:
    """What is read next: of a group, the members that it has now; of named patients, no others."""
    members: list[str] | None = (
        await record.members_of(tx, row["group_id"], visible_to(tx.actor, "Group", tx.now)) if row["level"] == Level.GROUP else None
    )
    if row["patients"] is not None:
        members = [id for id in row["patients"] if members is None or id in members]
    filters = [search for of, search in msgspec.json.decode(row["filters"], type=list[Filter]) if of == kind]
    return Portion(row["after_id"], limit, row["since"], about_patients=row["level"] != Level.SYSTEM, patients=members, filters=filters)


async def _write(tx: Transaction, vault: Vault, row: Any, kind: str, found: list[Stored]) -> None:
    """The file, encrypted and on the disk before its row; whoever is shown for the first time leaves an audit row."""
    id = new_id()
    data = "".join([f"{_buried(stored) if stored.deleted else stored.content}\n" for stored in found]).encode()
    kept = await vault.keep(data, About(id, row["id"], 1))
    await tx.execute(
        """
        INSERT INTO bulk_export_file (id, export_id, step, after_id, res_type, lines, size, sha256, key_id, wrapped_key, deleted)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        *(id, row["id"], row["step"], row["after_id"], kind, len(found), kept.size, kept.sha256, kept.key_id, kept.wrapped_key),
        found[0].deleted,
    )
    fresh = await tx.fetch(
        """
        INSERT INTO bulk_export_patient (export_id, patient_id, owner_org, parties) SELECT $1, unnest($2::text[]), $3, $4
        ON CONFLICT DO NOTHING RETURNING patient_id
        """,
        *(row["id"], sorted({stored.patient_id for stored in found if stored.patient_id}), row["owner_org"], row["parties"]),
    )
    shown = [(kind, "", patient["patient_id"]) for patient in fresh]
    await record.audit_many(tx, "R", sorted(shown), verb="export", query=row["request"])


def _buried(stored: Stored) -> str:
    """A deletion as a line: a Bundle of one entry (https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---complete-status)."""
    request = {"method": "DELETE", "url": f"{stored.type}/{stored.id}"}
    return encode({"resourceType": "Bundle", "type": "transaction", "entry": [{"request": request}]}).decode()


def _id_of(line: bytes, *, deleted: bool) -> str:
    if deleted:
        return str(decode(line)["entry"][0]["request"]["url"]).partition("/")[2]
    return msgspec.json.decode(line, type=_Line).id


# --- giving --------------------------------------------------------------------
async def fetch(tx: Transaction, vault: Vault, export: Export, file: str, *, allows: Any, visible: Any) -> bytes:
    """The lines of a file that its client may still see: what a patient refused since, or was deleted, is not given.

    Raises `NotFound`, `Conflict` while the export is being built, `NotAllowed` when the token no longer grants the type.
    """
    if export.status != "done":
        raise Conflict("export-not-done")
    row = await queries.file_row(tx, export.id, file)
    kind = row["res_type"]
    if not allows(kind):
        raise NotAllowed("scope")
    lines = (await vault.open(queries.kept(row), queries.about(row))).splitlines(keepends=True)
    ids = [_id_of(line, deleted=row["deleted"]) for line in lines]
    seen = await record.gone(tx, kind, ids, visible(kind)) if row["deleted"] else await record.existing(tx, kind, ids, visible(kind))
    patients: list[str | None] = [*await record.patients_of(tx, kind, sorted(seen))] or [None]
    await record.audit_many(tx, "R", [(kind, "", patient) for patient in patients], verb="export", query=export.request)
    return b"".join([line for line, id in zip(lines, ids, strict=True) if id in seen])


async def sweep(db: Database, vault: Vault, *, now: datetime) -> int:
    """Delete the files of exports that are over: rows with their keys first, then the bytes. How many went."""
    async with db.transaction(SYSTEM) as tx:
        await tx.execute("UPDATE bulk_export SET status = 'expired' WHERE status = 'done' AND expires_at <= $1", now)
        ended = "SELECT id FROM bulk_export WHERE status IN ('expired', 'failed', 'cancelled')"
        gone = await tx.fetch(f"DELETE FROM bulk_export_file WHERE export_id IN ({ended}) RETURNING id")
        await tx.execute(f"DELETE FROM bulk_export_patient WHERE export_id IN ({ended})")
    for row in gone:
        await asyncio.to_thread(vault.folder.remove, row["id"])
    return len(gone)


async def sweep_orphans(db: Database, vault: Vault, *, now: datetime) -> int:
    """Delete the files that a kill left without their row; how many there were."""
    lying = [one for one in await asyncio.to_thread(lambda: list(vault.folder.lying())) if one.written < (now - ORPHAN_AFTER).timestamp()]
    async with db.transaction(SYSTEM) as tx:
        known = await queries.known_files(tx, [one.id for one in lying if one.id])
    orphans = [one for one in lying if one.id not in known]
    for one in orphans:
        one.path.unlink(missing_ok=True)
    return len(orphans)
