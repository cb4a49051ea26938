"""Search over the index tables: one page of matches, what comes with them, the total, the way to the next page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from maillage.codes.folding import plain
from maillage.codes.terminology import Terminology
from maillage.record import includes, index, seal
from maillage.record.criteria import Query, refuse
from maillage.record.criteria.compartments import belongs
from maillage.record.criteria.notation import unescape
from maillage.record.criteria.strings import starting_alike
from maillage.record.order import BY_ID, SortKey, after
from maillage.record.requests import MOST, Form, form_of
from maillage.record.types import Stored, Visible
from maillage.store import Transaction

COUNTED = {"Slot": 1000}
"""Types whose total is told unasked, up to a number: the regulators' platform wants it (standards.md 6)."""


STRING_KEYS = (SortKey("s.value", nullable=False), SortKey("s.id", nullable=False))


@dataclass(frozen=True, slots=True)
class Page:
    """What a search found. `used` holds the parameters that took part, in order: the self link is made of them. `cut`: more was to be included."""

    matches: tuple[Stored, ...] = ()
    included: tuple[Stored, ...] = ()
    total: int | None = None
    next_cursor: str | None = None
    used: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()
    summary: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class _Arm:
    """The part of the statement that looks in one type: where it starts from, its conditions, its order."""

    kind: str
    source: str
    keys: tuple[SortKey, ...]


async def search(
    tx: Transaction,
    kind: str,
    parameters: Sequence[tuple[str, str]],
    visible_for: Callable[[str], Visible],
    *,
    strict: bool = False,
    key: bytes = b"",
    base: str = "",
    allows: Callable[[str], bool] = lambda _kind: True,
    compartment: tuple[str, str] | None = None,
    terms: Terminology | None = None,
) -> Page:
    """The page of `kind` that these parameters ask for, cut to what `visible_for` lets through on every table alias.

    `key` seals the cursor to the actor and the query; `base` is our own address, dropped from absolute references; `allows` says
    which types may be included; `compartment` is the type and id of whose resources alone are looked at; `terms` are the value sets
    that `:in` knows. Raises `Malformed` for a
    parameter that cannot be understood and, when `strict`, for an unknown one.
    """
    return await search_types(
        tx, (kind,), parameters, visible_for, strict=strict, key=key, base=base, allows=allows, compartment=compartment, terms=terms
    )


async def search_types(
    tx: Transaction,
    kinds: Sequence[str],
    parameters: Sequence[tuple[str, str]],
    visible_for: Callable[[str], Visible],
    *,
    strict: bool = False,
    key: bytes = b"",
    base: str = "",
    allows: Callable[[str], bool] = lambda _kind: True,
    compartment: tuple[str, str] | None = None,
    terms: Terminology | None = None,
    most: int = MOST,
) -> Page:
    """The same over several types at once, by the parameters that all of them have; `most`: how many matches a page may hold."""
    await tx.settle()
    form = form_of(kinds, parameters, strict=strict, most=most)
    query = Query(visible_for, tx.now, base, terms)
    arms = [_arm(form, query, place, parameters, compartment) for place in range(len(form.kinds))]
    used = form.used(parameters)
    if form.only_count:
        counted = await tx.peek(f"SELECT count(*) FROM ({_all(arms)}) x", *query.params)
        return Page(total=int(counted[0][0]), used=used, ignored=form.ignored, elements=form.elements, summary=form.summary)
    scope = (key, lambda: seal.scope(tx.actor, " ".join([*form.kinds, *(compartment or ())]), used))
    cursor = None if form.cursor is None else parameters[form.cursor][1]
    rows = await tx.peek(_statement(form, query, arms, cursor, scope), *query.params)
    matches = tuple([Stored(row[0], row[1], row[2], row[3], row[4], False, row[5]) for row in rows[: form.count]])
    following = None
    if len(rows) > form.count:
        following = seal.make_cursor(key, scope[1](), rows[form.count - 1][7:])
    included, cut = await includes.follow(tx, matches, form.includes, visible_for, allows) if form.includes else ((), False)
    total = _total(form, rows, following, cursor)
    return Page(matches, tuple(included), total, following, used, form.ignored, form.elements, form.summary, cut)


# --- conditions --------------------------------------------------------------
def _arm(form: Form, query: Query, place: int, parameters: Sequence[tuple[str, str]], compartment: tuple[str, str] | None) -> _Arm:
    kind, keys = form.kinds[place], form.keys[place]
    source = query.source(kind, "t")
    parts = [belongs(query, kind, "t", *compartment)] if compartment else []
    lead = None if keys else _lead(form, parameters)
    if lead is not None:
        source, keys = _by_string(query, kind, source, parameters[form.criteria[lead][0]])
    else:
        keys = (*keys, BY_ID)
    parts += [made[place](query, "t", parameters[at][1]) for n, (at, _, made) in enumerate(form.criteria) if n != lead]
    if len(form.kinds) > 1:
        keys = (*keys, SortKey(f"'{kind}'::text", nullable=False))
    return _Arm(kind, " AND ".join([source, *parts]), keys)


def _lead(form: Form, parameters: Sequence[tuple[str, str]]) -> int | None:
    """The criterion that the rows are found by when no order is asked for: a string, by which they come in order."""
    for n in form.strings:
        value = parameters[form.criteria[n][0]][1]
        if value and "," not in value:
            return n
    return None


def _by_string(query: Query, kind: str, source: str, asked: tuple[str, str]) -> tuple[str, tuple[SortKey, ...]]:
    """Walk the index of the strings: a page of a frequent name costs no more than one of a rare name. Each resource comes with its first text."""
    code, value = asked
    if not (text := plain(unescape(value.strip()))):
        raise refuse(code, "a value is empty")
    of = f"s.res_type = '{kind}' AND s.param = '{code}' AND {starting_alike(query, 's', text)}"
    earlier = f"SELECT 1 FROM ix_string z WHERE {of.replace('s.', 'z.')} AND z.id = s.id AND (z.value, z.original) < (s.value, s.original)"
    joined = source.replace(f"FROM {index.table(kind)} t WHERE ", f"FROM ix_string s JOIN {index.table(kind)} t ON t.id = s.id WHERE ", 1)
    return f"{joined} AND {of} AND NOT EXISTS ({earlier})", STRING_KEYS


# --- the statement -------------------------------------------------------------
def _statement(form: Form, query: Query, arms: Sequence[_Arm], cursor: str | None, scope: tuple[bytes, Callable[[], str]]) -> str:
    """Ids are picked in the narrow tables before their content is joined; the limit is written out, so that the plan may be kept."""
    position: list[Any] | None = None
    total = _counting(form, arms)
    if cursor is not None:
        position = seal.open_cursor(scope[0], scope[1](), cursor, len(arms[0].keys))
    limit = form.count + 1
    picks = [_pick(arm, limit, "" if position is None else f" AND {after(arm.keys, position, query)}") for arm in arms]
    names = [f"k{n}" for n in range(len(arms[0].keys))]
    order = ", ".join([key.ordered(f"p.{name}") for key, name in zip(arms[0].keys, names, strict=True)])
    picked = picks[0]
    if len(picks) > 1:
        picked = f"SELECT * FROM ({' UNION ALL '.join(f'({pick})' for pick in picks)}) p ORDER BY {order} LIMIT {limit}"
    return f"""WITH p AS ({picked})
        SELECT v.res_type, v.id, v.version, v.at, v.content, v.patient_id, {total} AS total, p.{", p.".join(names)}
        FROM p JOIN resource_version v ON v.res_type = p.kind AND v.id = p.id AND v.version = p.version ORDER BY {order}"""


def _pick(arm: _Arm, limit: int, after: str) -> str:
    columns = "".join(f", {key.sql} AS k{n}" for n, key in enumerate(arm.keys))
    order = ", ".join(key.ordered() for key in arm.keys if not key.sql.startswith("'"))
    return f"SELECT '{arm.kind}' AS kind, t.id, t.version{columns} {arm.source}{after} ORDER BY {order} LIMIT {limit}"


def _all(arms: Sequence[_Arm], limit: str = "") -> str:
    return " UNION ALL ".join(f"(SELECT 1 {arm.source}{limit})" for arm in arms)


def _counting(form: Form, arms: Sequence[_Arm]) -> str:
    """How the matches are counted beside the page: only when that is asked for, or cheap and always wanted."""
    if form.total in ("accurate", "estimate"):
        return f"(SELECT count(*) FROM ({_all(arms)}) x)"
    most = _most_counted(form)
    return f"(SELECT count(*) FROM ({_all(arms, f' LIMIT {most + 1}')}) x)" if most else "NULL::bigint"


def _most_counted(form: Form) -> int:
    return COUNTED.get(form.kinds[0], 0) if len(form.kinds) == 1 and not form.total else 0


def _total(form: Form, rows: Sequence[Any], following: str | None, cursor: str | None) -> int | None:
    """Counted after filtering; known without counting when one page holds everything."""
    if form.total == "none":
        return None
    if following is None and cursor is None:
        return len(rows)
    counted = rows[0][6] if rows else None
    most = _most_counted(form)
    return None if counted is None or (most and counted > most) else int(counted)
