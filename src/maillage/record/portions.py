"""Everything of a type that an actor may see, portion after portion by id: what a bulk export reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from maillage.codes.json import decode
from maillage.record import index
from maillage.record.criteria import Query, refuse
from maillage.record.queries import stored
from maillage.record.requests import form_of
from maillage.record.types import Stored, Visible
from maillage.store import Transaction
from maillage.store.sql import Params

Search = Sequence[tuple[str, str]]
"""The parameters of one search."""


@dataclass(frozen=True, slots=True)
class Portion:
    """After which id, how many, changed since when; only what is `about_patients`, only of these `patients`, only what answers a filter."""

    after: str
    limit: int
    since: datetime | None = None
    about_patients: bool = False
    patients: Sequence[str] | None = None
    filters: Sequence[Search] = ()


async def portion(tx: Transaction, kind: str, asked: Portion, visible_for: Callable[[str], Visible]) -> list[Stored]:
    """The current resources of a type after an id, in the order of their ids; where there are `filters`, those that answer one of them."""
    await tx.settle()
    params = Params([kind, asked.after, asked.limit])
    where = ["x.id > $2", visible_for(kind).sql("x", params)]
    if asked.filters:
        where.append(filtered(Query(visible_for, tx.now, params=params), kind, asked.filters))
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


FILTERS = frozenset({"_id", "_lastUpdated", "_tag", "_security", "_profile", "_source"})
"""Of the parameters that every type has, those that say which resources: not how many, nor in which order, nor with which others."""


def filtered(query: Query, kind: str, filters: Sequence[Search]) -> str:
    """The condition of answering one of these searches. Raises `Malformed` for one that is not understood, or that looks into other resources."""
    return "(" + " OR ".join(f"({' AND '.join(_criteria(query, kind, search))})" for search in filters) + ")"


def _criteria(query: Query, kind: str, search: Search) -> list[str]:
    for name, _ in search:
        bare = name.partition(":")[0]
        if "." in name or (bare[:1] == "_" and bare not in FILTERS):
            raise refuse("_typeFilter", f"{name[:60]} does not filter an export", "not-supported")
    form = form_of((kind,), search, strict=True)
    found = [made[0](query, "x", search[at][1]) for at, _, made in form.criteria]
    if not found:
        raise refuse("_typeFilter", f"{kind}? says nothing")
    return found


async def buried(tx: Transaction, kind: str, asked: Portion, visible_for: Callable[[str], Visible]) -> list[Stored]:
    """What of a type was deleted since then, among what the actor might see if it still stood."""
    await tx.settle()
    params = Params([kind, asked.after, asked.limit, asked.since])
    where = ["h.res_type = $1", "h.id > $2", "h.deleted", "h.at >= $4", visible_for(kind).sql("h", params)]
    if asked.about_patients:
        where.append("h.patient_id IS NOT NULL")
    if asked.patients is not None:
        where.append(f"h.patient_id = ANY ({params.add(list(asked.patients))}::text[])")
    sql = f"SELECT h.id, h.version, h.at, h.patient_id FROM resource_head h WHERE {' AND '.join(where)} ORDER BY h.id LIMIT $3"
    return [Stored(kind, row["id"], row["version"], row["at"], "", True, row["patient_id"]) for row in await tx.fetch(sql, *params)]


async def gone(tx: Transaction, kind: str, ids: Sequence[str], visible: Visible) -> set[str]:
    """Those of the ids that are deleted, and that the actor might see if they stood."""
    params = Params([kind, list(ids)])
    sql = f"SELECT h.id FROM resource_head h WHERE h.res_type = $1 AND h.id = ANY ($2::text[]) AND h.deleted AND {visible.sql('h', params)} ORDER BY 1"
    return {row["id"] for row in await tx.fetch(sql, *params)}


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
