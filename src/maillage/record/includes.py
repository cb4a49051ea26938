"""`_include` and `_revinclude`: what comes with the matches, never what the caller may not see (security.md 13, item 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from maillage.record import index
from maillage.record.criteria import refuse
from maillage.record.queries import stored
from maillage.record.types import SERVED, Stored, Visible
from maillage.store import Transaction
from maillage.store.sql import Params

MOST_INCLUDED = 1000
ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Include:
    """From `source` along its references `codes` to `targets` (or backwards), again on what was included when `iterate`."""

    source: str
    codes: tuple[str, ...]
    target: str
    reverse: bool
    iterate: bool


def read(kind: str, name: str, value: str) -> Include:
    """An `_include` or `_revinclude` as written in the URL. Raises `Malformed`."""
    head, _, modifier = name.partition(":")
    if modifier not in ("", "iterate", "recurse"):
        raise refuse(name, "the only modifier is :iterate", "not-supported")
    source, _, rest = f"{kind}:*".partition(":") if value == "*" and head == "_include" else value.partition(":")
    code, _, target = rest.partition(":")
    if source not in SERVED or not code or (target and target not in SERVED):
        raise refuse(name, "written Type:parameter or Type:parameter:Target, of types that are served")
    codes = tuple(c for c in index.reference_codes(source) if code in ("*", c))
    if not codes:
        raise refuse(name, f"{source} has no reference {code}")
    reverse = head == "_revinclude"
    return Include(source, codes, target, reverse, bool(modifier))


async def follow(
    tx: Transaction,
    matches: Sequence[Stored],
    wanted: Sequence[Include],
    visible_for: Callable[[str], Visible],
    allows: Callable[[str], bool],
) -> list[Stored]:
    """The included resources, each once, none of them a match."""
    seen = {(m.type, m.id) for m in matches}
    found: list[Stored] = []
    fresh = list(matches)
    for turn in range(ROUNDS):
        todo = [include for include in wanted if turn == 0 or include.iterate]
        if not todo or not fresh or len(found) >= MOST_INCLUDED:
            break
        before = len(found)
        for include in todo:
            step = _backwards if include.reverse else _forwards
            for resource in await step(tx, fresh, include, visible_for, allows):
                if (resource.type, resource.id) not in seen and len(found) < MOST_INCLUDED:
                    seen.add((resource.type, resource.id))
                    found.append(resource)
        fresh = found[before:]
    return found


async def _forwards(
    tx: Transaction, fresh: Iterable[Stored], include: Include, visible_for: Callable[[str], Visible], allows: Callable[[str], bool]
) -> list[Stored]:
    ids = [r.id for r in fresh if r.type == include.source]
    if not ids:
        return []
    columns = " || ".join(f"coalesce(x.{index.first_column(include.source, code)}, '{{}}')" for code in include.codes)
    rows = await tx.fetch(
        f"SELECT DISTINCT unnest({columns}) AS ref FROM {index.table(include.source)} x WHERE x.id = ANY ($1::text[])", ids
    )
    by_type: dict[str, list[str]] = {}
    for row in rows:
        kind, _, id = row["ref"].partition("/")
        if kind in SERVED and id and include.target in ("", kind) and allows(kind):
            by_type.setdefault(kind, []).append(id)
    found: list[Stored] = []
    for kind in sorted(by_type):
        found += await fetch_visible(tx, kind, by_type[kind], visible_for)
    return found


async def _backwards(
    tx: Transaction, fresh: Iterable[Stored], include: Include, visible_for: Callable[[str], Visible], allows: Callable[[str], bool]
) -> list[Stored]:
    references = [f"{r.type}/{r.id}" for r in fresh if include.target in ("", r.type)]
    if not references or not allows(include.source):
        return []
    params = Params([references])
    columns = " OR ".join(f"x.{index.first_column(include.source, code)} && $1::text[]" for code in include.codes)
    visible = visible_for(include.source).sql("x", params)
    rows = await tx.fetch(
        f"SELECT x.id FROM {index.table(include.source)} x WHERE ({visible}) AND ({columns}) ORDER BY x.id LIMIT {MOST_INCLUDED}", *params
    )
    return await fetch_visible(tx, include.source, [row["id"] for row in rows], visible_for)


async def fetch_visible(tx: Transaction, kind: str, ids: Sequence[str], visible_for: Callable[[str], Visible]) -> list[Stored]:
    """The current versions of these ids that the caller may see, by id."""
    params = Params([list(ids), kind])
    visible = visible_for(kind).sql("x", params)
    rows = await tx.fetch(
        f"""
        SELECT v.res_type, v.id, v.version, v.at, v.content, v.deleted, v.patient_id
        FROM {index.table(kind)} x JOIN resource_version v ON v.res_type = $2 AND v.id = x.id AND v.version = x.version
        WHERE x.id = ANY ($1::text[]) AND ({visible}) ORDER BY x.id LIMIT {MOST_INCLUDED}
        """,
        *params,
    )
    return [stored(row) for row in rows]
