"""Reading photographs: every statement starts from what the actor may see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from maillage.kernel.errors import Gone, NotFound
from maillage.record import masking
from maillage.record.types import Stored, Visible
from maillage.store import Transaction
from maillage.store.sql import Params


def stored(row: Any) -> Stored:
    """A database row as a `Stored`."""
    return Stored(row["res_type"], row["id"], row["version"], row["at"], row["content"], row["deleted"], row["patient_id"])


_READ = """SELECT h.version, h.at, h.deleted, v.content, h.patient_id, h.owner_org, h.parties
FROM resource_head h JOIN resource_version v USING (res_type, id, version) WHERE h.res_type = $1 AND h.id = $2 AND """


async def read(tx: Transaction, kind: str, id: str, visible: Visible) -> Stored:
    """The current version. Raises `NotFound` when absent or invisible, `Gone` when deleted."""
    await tx.settle()
    params = Params([kind, id])
    rows = await tx.peek(_READ + visible.sql("h", params), *params)
    if not rows:
        raise NotFound(kind, id)
    version, at, deleted, content, patient, owner, parties = rows[0]
    if deleted:
        raise Gone(kind, id)
    return Stored(kind, id, version, at, content, False, patient, owner, parties)


async def vread(tx: Transaction, kind: str, id: str, version: int, visible: Visible) -> Stored:
    """One version; an old one is visible only while its resource is, and what was entered in error is masked."""
    await tx.settle()
    params = Params([kind, id, version])
    rows = await tx.peek(
        f"""
        SELECT v.* FROM resource_head h JOIN resource_version v ON v.res_type = h.res_type AND v.id = h.id
        WHERE h.res_type = $1 AND h.id = $2 AND v.version = $3 AND {visible.sql("h", params)}
        """,
        *params,
    )
    if not rows:
        raise NotFound(kind, id)
    if rows[0]["deleted"]:
        raise Gone(kind, id)
    return (await masking.veiled(tx, [stored(rows[0])]))[0]


async def existing(tx: Transaction, kind: str, ids: Sequence[str], visible: Visible) -> set[str]:
    """Those of the ids that are here, not deleted, and visible."""
    return {id for _, id in await present(tx, {kind: ids}, lambda _kind: visible)}


async def present(tx: Transaction, wanted: Mapping[str, Sequence[str]], visible_for: Callable[[str], Visible]) -> set[tuple[str, str]]:
    """Those of the ids, by type, that are here, not deleted, and visible: one statement, whatever the types."""
    if not wanted:
        return set()
    await tx.settle()
    params = Params()
    parts = [
        f"SELECT h.res_type, h.id FROM resource_head h WHERE h.res_type = {params.add(kind)} AND {_among(ids, params)}"
        f" AND NOT h.deleted AND {visible_for(kind).sql('h', params)}"
        for kind, ids in sorted(wanted.items())
    ]
    return {(row[0], row[1]) for row in await tx.peek("\nUNION ALL\n".join(parts), *params)}


def _among(ids: Sequence[str], params: Params) -> str:
    """One id, as nearly always, is compared: of an array the planner expects ten, and plans each time anew instead of keeping a plan for any."""
    return f"h.id = {params.add(ids[0])}" if len(ids) == 1 else f"h.id = ANY ({params.add(list(ids))}::text[])"


async def taken(tx: Transaction, keys: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the (type, id) under which something is or was, whoever may see it: for whoever gives ids (no client is shown this)."""
    await tx.settle()
    sql = """SELECT h.res_type, h.id FROM unnest($1::text[], $2::text[]) AS asked (kind, id)
        JOIN resource_head h ON h.res_type = asked.kind AND h.id = asked.id ORDER BY 1, 2"""
    rows = await tx.beyond().fetch(sql, [kind for kind, _ in keys], [id for _, id in keys])
    return {(row[0], row[1]) for row in rows}


async def is_within(tx: Transaction, kind: str, id: str, demanded: Visible) -> bool:
    """Whether the last version of a resource meets a demand, what this transaction wrote included."""
    params = Params([kind, id])
    sql = f"SELECT EXISTS (SELECT 1 FROM resource_head h WHERE h.res_type = $1 AND h.id = $2 AND {demanded.sql('h', params)})"
    return bool(await tx.fetchval(sql, *params))


async def first_organization(tx: Transaction, kind: str, id: str) -> str:
    """The organisation for which the first version was written."""
    await tx.settle()
    sql = "SELECT author_organization FROM resource_version WHERE res_type = $1 AND id = $2 AND version = 1"
    return str(await tx.fetchval(sql, kind, id) or "")


async def lock_condition(tx: Transaction, kind: str, condition: str) -> None:
    """Let one transaction at a time act on a condition (`identifier=...`): the second sees what the first wrote."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 1))", f"{kind}?{condition}")


async def ids_of(tx: Transaction, kind: str) -> list[str]:
    """Every id of a type that is not deleted, for the comparison of rows and photographs (no actor sees this list)."""
    await tx.settle()
    rows = await tx.fetch("SELECT id FROM resource_head WHERE res_type = $1 AND NOT deleted ORDER BY id", kind)
    return [row["id"] for row in rows]


async def current(tx: Transaction, kind: str, id: str) -> str:
    """The content of the last photograph, for the same comparison."""
    await tx.settle()
    content: str = await tx.fetchval(
        "SELECT v.content FROM resource_head h JOIN resource_version v USING (res_type, id, version) WHERE h.res_type = $1 AND h.id = $2",
        kind,
        id,
    )
    return content


async def owner_of(tx: Transaction, kind: str, id: str) -> str:
    """The organisation whose resource this is, for who tells it something; nothing when there is none (no actor sees this)."""
    return str(await tx.beyond().fetchval("SELECT owner_org FROM resource_head WHERE res_type = $1 AND id = $2", kind, id) or "")
