"""Keeping documents, giving them back, destroying them; and the proof that files and rows agree."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from maillage.documents import queries
from maillage.documents.types import Checked, Document
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import Unavailable
from maillage.kernel.ids import new_id
from maillage.store import Database, Transaction
from maillage.store.blobs import About, Broken, Vault

ORPHAN_AFTER: Final = timedelta(hours=1)
"""A file whose row is not committed by then belongs to work that failed."""
RETIRED_AFTER: Final = timedelta(hours=1)
_PAGE: Final = 100


async def keep(tx: Transaction, vault: Vault, file: Checked, *, patient: str, owner: str, parties: Sequence[str]) -> Document:
    """Keep a checked file: its bytes are on the disk, encrypted, before its row is there; a row that is not committed leaves an orphan."""
    id = new_id()
    kept = await vault.keep(file.data, About(id, patient, 1))
    sha1 = hashlib.sha1(file.data, usedforsecurity=False).digest()
    await tx.execute(
        """
        INSERT INTO document (id, patient_id, owner_org, parties, content_type, title, size, sha256, sha1, key_id, wrapped_key, received_at, received_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        """,
        *(id, patient, owner, list(parties), file.content_type, file.title, kept.size, kept.sha256),
        *(sha1, kept.key_id, kept.wrapped_key, tx.now, tx.actor.role_id or tx.actor.id),
    )
    return Document(id, patient, file.title, file.content_type, kept.size, sha1)


async def load(tx: Transaction, vault: Vault, id: str) -> tuple[Document, bytes]:
    """A document that the actor may see, with its bytes. Raises `NotFound`; `Unavailable("document-broken")` when the file is not what was kept."""
    document, kept, about = await queries.opening(tx, id)
    try:
        return document, await vault.open(kept, about)
    except Broken as error:
        raise Unavailable("document-broken") from error


async def show_to(tx: Transaction, ids: Sequence[str], parties: Sequence[str]) -> None:
    """Let the parties of the resource that these documents belong to see them."""
    await tx.execute("UPDATE document SET parties = $2 WHERE id = ANY ($1::text[])", list(ids), list(parties))


async def withhold(tx: Transaction, ids: Sequence[str]) -> None:
    """Show these documents to nobody any more, whoever their parties are; their bytes stay."""
    await tx.execute("UPDATE document SET withheld_at = $2 WHERE id = ANY ($1::text[]) AND withheld_at IS NULL", list(ids), tx.now)


async def destroy(tx: Transaction, ids: Sequence[str]) -> None:
    """Destroy the keys of documents: their files cannot be read from the commit on, and are swept within the hour."""
    await tx.execute(
        "UPDATE document SET key_id = NULL, wrapped_key = NULL, destroyed_at = $2 WHERE id = ANY ($1::text[]) AND wrapped_key IS NOT NULL",
        list(ids),
        tx.now,
    )


@dataclass(slots=True)
class Report:
    """What a check found: ids of documents without a whole file, files without a document, and how many are whole."""

    whole: int = 0
    missing: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    removed: int = 0

    @property
    def agrees(self) -> bool:
        """Whether files and rows agree."""
        return not (self.missing or self.broken or self.orphans)


async def check(database: Database, vault: Vault, *, now: datetime, repair: bool = False) -> Report:
    """Open every document and look for its hash; look for files that no document knows. `repair` removes such files once they are an hour old."""
    report = Report()
    async for row in _every(database):
        kept, about = queries.kept(row), queries.about(row)
        try:
            await vault.open(kept, about)
            report.whole += 1
        except Broken as error:
            (report.missing if str(error) == "file gone" else report.broken).append(f"{row['id']}: {error}")
    await sweep(database, vault, now=now, report=report, remove=repair)
    return report


async def sweep(database: Database, vault: Vault, *, now: datetime, report: Report | None = None, remove: bool = True) -> Report:
    """Files that no document needs: left by work that failed, or by a document whose key was destroyed."""
    report = report or Report()
    files = [one for one in await asyncio.to_thread(lambda: list(vault.folder.lying())) if one.written < (now - ORPHAN_AFTER).timestamp()]
    for start in range(0, len(files), _PAGE):
        page = files[start : start + _PAGE]
        async with database.transaction(SYSTEM) as tx:
            known = await queries.known(tx, [one.id for one in page if one.id])
        for one in page:
            if one.id in known:
                continue
            if remove:
                one.path.unlink(missing_ok=True)
                report.removed += 1
            else:
                report.orphans.append(str(one.path.relative_to(vault.folder.root)))
    return report


async def rotate(database: Database, vault: Vault, *, now: datetime) -> tuple[str, int, list[str]]:
    """Make a new master key, wrap every key under it, and forget the old master keys that wrap nothing any more.

    Answers the new key's id, how many were wrapped again, and which keys are gone. An old key stays for an hour after its successor was made:
    work that began before may still use it.
    """
    made, count = vault.ring.add(now), 0
    async for row in _every(database):
        if row["key_id"] != made.id:
            id, wrapped = vault.rewrap(queries.kept(row), queries.about(row))
            async with database.transaction(SYSTEM) as tx:
                tag = await tx.execute(
                    "UPDATE document SET key_id = $2, wrapped_key = $3 WHERE id = $1 AND wrapped_key = $4",
                    row["id"],
                    id,
                    wrapped,
                    row["wrapped_key"],
                )
            count += tag == "UPDATE 1"
    masters = vault.ring.masters()
    async with database.transaction(SYSTEM) as tx:
        used = await queries.keys_in_use(tx)
    succeeded = {old.id: new.made_at for new, old in itertools.pairwise(masters)}
    gone = {id for id, at in succeeded.items() if id not in used and at <= now - RETIRED_AFTER}
    if gone:
        vault.ring.retire(gone)
    return made.id, count, sorted(gone)


async def _every(database: Database) -> AsyncIterator[Any]:
    after = ""
    while True:
        async with database.transaction(SYSTEM) as tx:
            rows = await queries.next_rows(tx, after, _PAGE)
        if not rows:
            return
        for row in rows:
            yield row
        after = rows[-1]["id"]
