"""What happened: the versions of one resource, of a type, or of everything, newest first, cut to what the caller may see now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from maillage.record import masking
from maillage.record.types import Stored, Visible
from maillage.store import Transaction
from maillage.store.sql import Params


@dataclass(frozen=True, slots=True)
class Span:
    """Which versions: written at or `since`, or current at some instant `between`; `after` is where the page before ended.

    Of the types of `last_only` the last version alone: for callers whose right hangs on what a resource says now.
    """

    since: datetime | None = None
    between: tuple[datetime, datetime] | None = None
    after: tuple[datetime, str, str] | None = None
    last_only: frozenset[str] = frozenset()


async def standing(tx: Transaction, kind: str, id: str, visible: Visible) -> Stored | None:
    """The last version of a resource, deleted ones included; None when there is nothing for this caller."""
    await tx.settle()
    params = Params([kind, id])
    rows = await tx.peek(
        f"""
        SELECT h.res_type, h.id, h.version, h.at, v.content, h.deleted, h.patient_id, h.owner_org, h.parties
        FROM resource_head h JOIN resource_version v USING (res_type, id, version)
        WHERE h.res_type = $1 AND h.id = $2 AND {visible.sql("h", params)}
        """,
        *params,
    )
    return Stored(*rows[0].values()) if rows else None


async def is_taken(tx: Transaction, kind: str, id: str) -> bool:
    """Whether an id was ever used, whoever may see it. For ids that only the caller may choose."""
    await tx.settle()
    return bool(await tx.fetchval("SELECT EXISTS (SELECT 1 FROM resource_head WHERE res_type = $1 AND id = $2)", kind, id))


async def count_versions(tx: Transaction, kind: str, id: str, visible: Visible) -> int:
    """How many versions a resource has; 0 when there is nothing for this caller."""
    await tx.settle()
    params = Params([kind, id])
    sql = f"SELECT h.version FROM resource_head h WHERE h.res_type = $1 AND h.id = $2 AND {visible.sql('h', params)}"
    return int(await tx.fetchval(sql, *params) or 0)


async def versions(
    tx: Transaction, kinds: Sequence[str], visible_for: Callable[[str], Visible], span: Span, limit: int, *, id: str | None = None
) -> list[Stored]:
    """Versions of these types, newest first. An old one is visible only while its resource is, and what was entered in error is masked."""
    await tx.settle()
    if not kinds:
        return []
    params = Params()
    parts = [_of_type(kind, visible_for(kind), span, limit, id, params) for kind in kinds]
    sql = "\nUNION ALL\n".join(f"({part})" for part in parts)
    rows = await tx.fetch(f"SELECT * FROM ({sql}) AS v ORDER BY at DESC, res_type, id LIMIT {int(limit)}", *params)
    found = [Stored(*list(row.values())[:-1]) for row in rows]
    if any(row["masked"] for row in rows):
        found = await _veiled(tx, found)
    return found


async def _veiled(tx: Transaction, found: list[Stored]) -> list[Stored]:
    """The same versions, in the same order, each as its resource lets it be seen."""
    resources: dict[tuple[str, str], list[Stored]] = {}
    for one in found:
        resources.setdefault((one.type, one.id), []).append(one)
    shown = [veiled for versions in resources.values() for veiled in await masking.veiled(tx, versions)]
    by_key = {(one.type, one.id, one.version): one for one in shown}
    return [by_key[one.type, one.id, one.version] for one in found]


def _of_type(kind: str, visible: Visible, span: Span, limit: int, id: str | None, params: Params) -> str:
    where = [f"v.res_type = {params.add(kind)}", visible.sql("h", params)]
    if id is not None:
        where.append(f"v.id = {params.add(id)}")
    where += _bounds(kind, span, params)
    return f"""
        SELECT v.res_type, v.id, v.version, v.at, v.content, v.deleted, v.patient_id, h.owner_org, h.parties,
            coalesce(v.version < h.masked_before, false) AS masked
        FROM resource_version v JOIN resource_head h ON h.res_type = v.res_type AND h.id = v.id
        WHERE {" AND ".join(where)} ORDER BY v.at DESC, v.id LIMIT {int(limit)}"""


def _bounds(kind: str, span: Span, params: Params) -> list[str]:
    found: list[Any] = ["v.version = h.version"] if kind in span.last_only else []
    if span.since is not None:
        found.append(f"v.at >= {params.add(span.since)}")
    if span.between is not None:
        low, high = span.between
        found.append(f"v.at < {params.add(high)}")
        found.append(f"""NOT EXISTS (SELECT 1 FROM resource_version n WHERE n.res_type = v.res_type AND n.id = v.id
            AND n.version = v.version + 1 AND n.at <= {params.add(low)})""")
    if span.after is not None:
        at, last_kind, last_id = span.after
        here = params.add(at)
        if kind == last_kind:
            found.append(f"(v.at < {here} OR (v.at = {here} AND v.id > {params.add(last_id)}))")
        else:
            found.append(f"v.at {'<' if kind < last_kind else '<='} {here}")
    return found
