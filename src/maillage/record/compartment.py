"""Everything that is kept about one patient, cut to what the caller may see: one statement over the index tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from maillage.record import index
from maillage.record.queries import stored
from maillage.record.types import Stored, Visible
from maillage.store import Transaction
from maillage.store.sql import Params


@dataclass(frozen=True, slots=True)
class Asked:
    """Of whom, which types in which order, changed since when, after which (type, id), and how many."""

    patient: str
    kinds: Sequence[str]
    since: datetime | None = None
    after: tuple[str, str] = ("", "")
    limit: int = 100


async def of_patient(tx: Transaction, asked: Asked, visible_for: Callable[[str], Visible]) -> list[Stored]:
    """The current resources about a patient, type after type, each type by id; from after a position, at most `limit`."""
    await tx.settle()
    start = asked.kinds.index(asked.after[0]) if asked.after[0] in asked.kinds else 0
    params = Params([asked.patient, asked.limit])
    since = f" AND x.at >= {params.add(asked.since)}" if asked.since else ""
    parts = []
    for rank, kind in enumerate(asked.kinds[start:]):
        after = f" AND x.id > {params.add(asked.after[1])}" if kind == asked.after[0] else ""
        where = f"x.patient_id = $1{since}{after} AND {visible_for(kind).sql('x', params)}"
        name = params.add(kind)
        parts.append(
            f"(SELECT {rank} AS rank, {name}::text AS kind, x.id, x.version FROM {index.table(kind)} x WHERE {where} ORDER BY x.id LIMIT $2)"
        )
    if not parts:
        return []
    rows = await tx.fetch(
        f"""
        WITH found AS (SELECT u.* FROM ({" UNION ALL ".join(parts)}) u ORDER BY u.rank, u.id LIMIT $2)
        SELECT v.* FROM found f JOIN resource_version v ON v.res_type = f.kind AND v.id = f.id AND v.version = f.version
        WHERE NOT v.deleted ORDER BY f.rank, f.id
        """,
        *params,
    )
    return [stored(row) for row in rows]
