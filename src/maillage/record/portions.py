"""Everything of a type that an actor may see, portion after portion by id: what a bulk export reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from maillage.codes.json import decode
from maillage.record import index
from maillage.record.queries import stored
from maillage.record.types import Stored, Visible
from maillage.store import Transaction
from maillage.store.sql import Params


@dataclass(frozen=True, slots=True)
class Portion:
    """After which id, how many, changed since when; only what is `about_patients`, only of these `patients`."""

    after: str
    limit: int
    since: datetime | None = None
    about_patients: bool = False
    patients: Sequence[str] | None = None


async def portion(tx: Transaction, kind: str, asked: Portion, visible: Visible) -> list[Stored]:
    """The current resources of a type after an id, in the order of their ids."""
    await tx.settle()
    params = Params([kind, asked.after, asked.limit])
    where = ["x.id > $2", visible.sql("x", params)]
    if asked.since:
        where.append(f"x.at >= {params.add(asked.since)}")
    if asked.about_patients:
        where.append("x.patient_id IS NOT NULL")
    if asked.patients is not None:
        where.append(f"x.patient_id = ANY ({params.add(list(asked.patients))}::text[])")
    rows = await tx.fetch(
        f"""
        WITH found AS (SELECT x.id, x.version FROM {index.table(kind)} x WHERE {" AND ".join(where)} ORDER BY x.id LIMIT $3)
        SELECT v.* FROM found f JOIN resource_version v ON v.res_type = $1 AND v.id = f.id AND v.version = f.version
        WHERE NOT v.deleted ORDER BY f.id
        """,
        *params,
    )
    return [stored(row) for row in rows]


async def members_of(tx: Transaction, group: str, visible: Visible) -> list[str]:
    """The patients that a Group names, as it stands now; none when it is gone or out of sight."""
    params = Params([group])
    content = await tx.fetchval(
        f"""
        SELECT v.content FROM resource_head h JOIN resource_version v USING (res_type, id, version)
        WHERE h.res_type = 'Group' AND h.id = $1 AND NOT h.deleted AND {visible.sql("h", params)}
        """,
        *params,
    )
    if not content:
        return []
    named = [one["entity"].get("reference", "") for one in decode(content).get("member", ()) if one.get("inactive") is not True]
    return sorted({text.removeprefix("Patient/") for text in named if text.startswith("Patient/")})


async def patients_of(tx: Transaction, kind: str, ids: Sequence[str]) -> list[str]:
    """Whom these resources are about, each once."""
    sql = "SELECT DISTINCT patient_id FROM resource_head WHERE res_type = $1 AND id = ANY ($2::text[]) AND patient_id IS NOT NULL ORDER BY patient_id"
    return [row["patient_id"] for row in await tx.fetch(sql, kind, list(ids))]
