"""Files by their strict traits, and who reads which; run as the system, before anybody is known."""

from __future__ import annotations

from typing import Any

from maillage import record
from maillage.access.identity.provider import Pivot
from maillage.access.patient_binding.types import Binding, FileTraits
from maillage.codes import systems
from maillage.codes.json import decode
from maillage.directory import fold, official_name
from maillage.store import Transaction

_TRAITS = "p.id, p.family, p.given, p.birth_date, p.gender, p.birth_insee"
_BINDING = "b.id, b.patient_id, b.level, b.bound_at"


async def files_like(tx: Transaction, pivot: Pivot) -> list[FileTraits]:
    """The open files of living people born that day, there, of that sex and with that birth name."""
    rows = await tx.fetch(
        f"""
        SELECT {_TRAITS} FROM patient p WHERE p.birth_date = $1 AND p.gender = $2 AND p.birth_insee = $3 AND p.active AND NOT p.deceased
        ORDER BY p.id
        """,
        *(pivot.birth_date, pivot.gender, pivot.birth_insee),
    )
    return [await _traits(tx, row) for row in rows if fold(row["family"]) == fold(pivot.family)]


async def file_of(tx: Transaction, patient: str) -> FileTraits | None:
    """The traits of one open file of somebody who lives."""
    row = await tx.fetchrow(f"SELECT {_TRAITS} FROM patient p WHERE p.id = $1 AND p.active AND NOT p.deceased", patient)
    return await _traits(tx, row) if row else None


async def _traits(tx: Transaction, row: Any) -> FileTraits:
    name = official_name(decode(await record.current(tx, "Patient", row["id"])))
    told = (one.get("valueString") for one in name.get("extension", []) if one.get("url") == systems.EXT_BIRTH_LIST_GIVEN_NAME)
    listed = str(next(told, None) or "")
    values = {column: row[column] for column in ("id", "family", "birth_date", "gender", "birth_insee")}
    return FileTraits(**values, given=listed or row["given"], listed=bool(listed))


async def binding_of_subject(tx: Transaction, subject_hash: bytes) -> Binding | None:
    """What this citizen reads now."""
    row = await tx.fetchrow(f"SELECT {_BINDING} FROM patient_binding b WHERE b.subject_hash = $1 AND b.ended_at IS NULL", subject_hash)
    return Binding(**row) if row else None


async def binding_of_patient(tx: Transaction, patient: str) -> Binding | None:
    """Who reads this file now: known to its desk by the day alone."""
    row = await tx.beyond().fetchrow(f"SELECT {_BINDING} FROM patient_binding b WHERE b.patient_id = $1 AND b.ended_at IS NULL", patient)
    return Binding(**row) if row else None
