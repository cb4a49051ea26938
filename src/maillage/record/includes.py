"""`_include` and `_revinclude`: what comes with the matches, never what the caller may not see (security.md 13, item 3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from maillage.record import index
from maillage.record.criteria import refuse
from maillage.record.queries import stored
from maillage.record.types import SERVED, Stored, Visible
from maillage.store import Transaction
from maillage.store.sql import Params

MOST_INCLUDED = 1000
MOST_INCLUDES = 60
ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Include:
    """From `source` along its references `codes` to `targets` (or backwards), again on what was included when `iterate`."""

    source: str
    codes: tuple[str, ...]
    target: str
    reverse: bool
    iterate: bool


def add(wanted: list[Include], kind: str, name: str, value: str) -> None:
    """Read an `_include` or `_revinclude` as written in the URL. Raises `Malformed`."""
    head, _, modifier = name.partition(":")
    if modifier not in ("", "iterate", "recurse"):
        raise refuse(name, "the only modifier is :iterate", "not-supported")
    reverse = head == "_revinclude"
    if value == "*" and kind:
        sources = [source for source in SERVED if _back(source, kind)] if reverse else [kind]
        made = [
            Include(source, _back(source, kind) if reverse else index.reference_codes(source), "", reverse, bool(modifier))
            for source in sources
        ]
    else:
        made = [_read(name, value, reverse=reverse, iterate=bool(modifier))]
    wanted += [include for include in made if include not in wanted]
    if len(wanted) > MOST_INCLUDES:
        raise refuse(name, f"more than {MOST_INCLUDES} includes")


def _read(name: str, value: str, *, reverse: bool, iterate: bool) -> Include:
    source, _, rest = value.partition(":")
    code, _, target = rest.partition(":")
    if source not in SERVED or not code or (target and target not in SERVED):
        raise refuse(name, "written Type:parameter or Type:parameter:Target, of types that are served")
    codes = tuple(c for c in index.reference_codes(source) if code in ("*", c))
    if not codes:
        raise refuse(name, f"{source} has no reference {code[:60]}")
    return Include(source, codes, target, reverse, iterate)


def _back(source: str, kind: str) -> tuple[str, ...]:
    """The references of a type that may lead to another."""
    return tuple(code for code in index.reference_codes(source) if kind in index.targets(index.parameters(source)[code]))


async def follow(
    tx: Transaction,
    matches: Sequence[Stored],
    wanted: Sequence[Include],
    visible_for: Callable[[str], Visible],
    allows: Callable[[str], bool],
) -> tuple[list[Stored], bool]:
    """The included resources, each once, none of them a match; and whether there were more than may come. One statement for each round."""
    seen = {(m.type, m.id) for m in matches}
    found: list[Stored] = []
    fresh = list(matches)
    for turn in range(ROUNDS):
        todo = [include for include in wanted if turn == 0 or include.iterate]
        if not todo or not fresh:
            break
        before = len(found)
        for resource in await _round(tx, fresh, todo, visible_for, allows):
            if (resource.type, resource.id) not in seen:
                seen.add((resource.type, resource.id))
                found.append(resource)
        if len(found) > MOST_INCLUDED:
            return found[:MOST_INCLUDED], True
        fresh = found[before:]
    return found, False


async def _round(
    tx: Transaction, fresh: Sequence[Stored], todo: Sequence[Include], visible_for: Callable[[str], Visible], allows: Callable[[str], bool]
) -> list[Stored]:
    params = Params()
    references: list[str] = []
    arms: list[str] = []
    for include in todo:
        if include.reverse:
            arms += _backwards(fresh, include, params, visible_for) if allows(include.source) else []
        elif ids := [r.id for r in fresh if r.type == include.source]:
            kinds = [kind for kind in _targets(include) if allows(kind)]
            references.append(_references(include, f"r{len(references)}", params.add(ids)))
            arms += [_forwards(kind, f"r{len(references) - 1}", params, visible_for) for kind in kinds]
    if not arms:
        return []
    rows = await tx.peek(
        f"""
        WITH {", ".join([*references, f"f AS ({' UNION '.join(arms)})"])}
        SELECT v.res_type, v.id, v.version, v.at, v.content, v.deleted, v.patient_id
        FROM f JOIN resource_version v ON v.res_type = f.kind AND v.id = f.id AND v.version = f.version
        ORDER BY f.kind, f.id LIMIT {len(fresh) + 2 * MOST_INCLUDED}
        """,
        *params,
    )
    return [stored(row) for row in rows]


def _targets(include: Include) -> tuple[str, ...]:
    if include.target:
        return (include.target,)
    parameters = index.parameters(include.source)
    return tuple(kind for kind in SERVED if any(kind in index.targets(parameters[code]) for code in include.codes))


def _references(include: Include, name: str, ids: str) -> str:
    columns = " || ".join(f"coalesce(x.{index.first_column(include.source, code)}, '{{}}')" for code in include.codes)
    return f"{name} AS MATERIALIZED (SELECT DISTINCT unnest({columns}) AS ref FROM {index.table(include.source)} x WHERE x.id = ANY ({ids}::text[]))"


def _forwards(kind: str, references: str, params: Params, visible_for: Callable[[str], Visible]) -> str:
    # An array, not a set to join: a plan kept for any value would join with the whole type (one second over 20,000 Schedules).
    ids = f"ARRAY(SELECT substr(r.ref, {len(kind) + 2}) FROM {references} r WHERE starts_with(r.ref, '{kind}/'))"
    visible = visible_for(kind).sql("x", params)
    return f"SELECT '{kind}' AS kind, x.id, x.version FROM {index.table(kind)} x WHERE x.id = ANY ({ids}) AND ({visible})"


def _backwards(fresh: Sequence[Stored], include: Include, params: Params, visible_for: Callable[[str], Visible]) -> list[str]:
    references = [f"{r.type}/{r.id}" for r in fresh if include.target in ("", r.type)]
    if not references:
        return []
    to = params.add(references)
    columns = " OR ".join(f"x.{index.first_column(include.source, code)} && {to}::text[]" for code in include.codes)
    visible = visible_for(include.source).sql("x", params)
    source = f"FROM {index.table(include.source)} x WHERE ({visible}) AND ({columns})"
    return [f"(SELECT '{include.source}' AS kind, x.id, x.version {source} ORDER BY x.id LIMIT {MOST_INCLUDED + 1})"]


async def fetch_visible(tx: Transaction, kind: str, ids: Sequence[str], visible_for: Callable[[str], Visible]) -> list[Stored]:
    """The current versions of these ids that the caller may see, by id."""
    await tx.settle()
    params = Params([list(ids), kind])
    visible = visible_for(kind).sql("x", params)
    rows = await tx.peek(
        f"""
        SELECT v.res_type, v.id, v.version, v.at, v.content, v.deleted, v.patient_id
        FROM {index.table(kind)} x JOIN resource_version v ON v.res_type = $2 AND v.id = x.id AND v.version = x.version
        WHERE x.id = ANY ($1::text[]) AND ({visible}) ORDER BY x.id LIMIT {MOST_INCLUDED}
        """,
        *params,
    )
    return [stored(row) for row in rows]
