"""From the name of a parameter, with its modifiers, chain or `_has`, to the criterion that reads its value."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from maillage.record import index
from maillage.record.criteria.amounts import amount
from maillage.record.criteria.composites import composite
from maillage.record.criteria.dates import date
from maillage.record.criteria.metadata import METADATA
from maillage.record.criteria.notation import either, refuse
from maillage.record.criteria.places import place
from maillage.record.criteria.query import Criterion, Query, Unknown
from maillage.record.criteria.references import HIERARCHIES, reference
from maillage.record.criteria.strings import string
from maillage.record.criteria.tokens import token
from maillage.record.criteria.uris import uri
from maillage.record.types import SERVED

DEEPEST_CHAIN = 4
MOST_CHAIN_TARGETS = 8
LONGEST_NAME = 200
NOT_SERVED = frozenset({"_text", "_content", "_filter", "_query", "_list", "_contained", "_containedType", "_type"})
"""Parameters of R4 that are not served: to ignore them would answer with what was not asked for."""

KINDS: dict[str, Callable[[str, Any, str], Criterion]] = {
    "string": string,
    "token": token,
    "reference": reference,
    "uri": uri,
    "date": date,
    "number": amount,
    "quantity": amount,
    "composite": composite,
    "special": place,
}


def modifiers(parameter: Any) -> tuple[str, ...]:
    """The modifiers that a parameter takes, a type of target apart; `missing` is one of each."""
    found = {"string": ("exact", "contains"), "uri": ("above", "below"), "reference": ("identifier",)}.get(parameter.kind, ())
    if parameter.kind == "reference" and any(target in HIERARCHIES for target in index.targets(parameter)):
        found = (*found, "above", "below")
    if parameter.kind == "token":
        last = ("of-type",) if index.is_identifier(parameter) else ("above", "below")
        found = ("not", "in", "not-in", *(("text",) if index.has_texts(parameter) else ()), *last)
    return ("missing", *found)


@lru_cache(maxsize=4096)
def criterion(kind: str, name: str, depth: int = 0) -> Criterion:
    """The criterion for one `name` of the URL on a type. Raises `Unknown` or `Malformed`."""
    if depth > DEEPEST_CHAIN or len(name) > LONGEST_NAME:
        raise refuse(name, "the chain is too long")
    if name.startswith("_has:"):
        return _has(kind, name, depth)
    head, dot, rest = name.partition(".")
    code, _, modifier = head.partition(":")
    if dot:
        return _chain(kind, name, (code, modifier, rest), depth)
    if code in NOT_SERVED:
        raise refuse(name, f"{code} is not served", "not-supported")
    if code in METADATA:
        return _not_empty(name, METADATA[code](kind, code, modifier))
    parameter = index.parameter(kind, code)
    if parameter is None:
        raise Unknown(code)
    if modifier == "missing":
        return _missing(kind, parameter)
    return _not_empty(name, KINDS[parameter.kind](kind, parameter, modifier))


def _not_empty(name: str, inner: Criterion) -> Criterion:
    def checked(query: Query, alias: str, value: str) -> str:
        if not value:
            raise refuse(name, "the value is empty")
        return inner(query, alias, value)

    return checked


def _missing(kind: str, parameter: Any) -> Criterion:
    code = parameter.code

    def missing(_query: Query, alias: str, value: str) -> str:
        if value not in ("true", "false"):
            raise refuse(code, ":missing is true or false")
        if parameter.kind == "string":
            there = f"EXISTS (SELECT 1 FROM ix_string s WHERE s.res_type = '{kind}' AND s.param = '{code}' AND s.id = {alias}.id)"
        else:
            there = f"{alias}.{index.first_column(kind, code)} IS NOT NULL"
        return f"NOT ({there})" if value == "true" else there

    return missing


# --- chains ----------------------------------------------------------------
def _chain(kind: str, name: str, link: tuple[str, str, str], depth: int) -> Criterion:
    code, type_, rest = link
    parameter = index.parameter(kind, code)
    if parameter is None:
        raise Unknown(code)
    if parameter.kind != "reference" or (type_ and type_ not in index.targets(parameter)):
        raise refuse(name, f"{code} does not lead there")
    targets = _chain_targets(parameter, type_, rest)
    if not targets or (len(targets) > MOST_CHAIN_TARGETS and not type_):
        raise refuse(name, f"say which type {code} leads to, and a parameter that it has")
    inner = {target: _beyond(target, rest, depth) for target in targets}
    scalar = index.scalar_column(kind, code)
    column = index.first_column(kind, code)

    def chained(query: Query, alias: str, value: str) -> str:
        parts = []
        for target, condition in inner.items():
            other = query.alias()
            found = f"ARRAY(SELECT '{target}/' || {other}.id {query.source(target, other)} AND {condition(query, other, value)})"
            parts.append(f"{alias}.{scalar} = ANY ({found})" if scalar else f"{alias}.{column} && {found}")
        return either(parts)

    return chained


def _chain_targets(parameter: Any, type_: str, rest: str) -> list[str]:
    """The types that have the next parameter of the chain."""
    wanted = (type_,) if type_ else index.targets(parameter)
    following = rest.partition(".")[0].partition(":")[0]
    return [t for t in wanted if t in SERVED and (following.startswith("_") or index.parameter(t, following))]


def _has(kind: str, name: str, depth: int) -> Criterion:
    parts = name.split(":", 3)
    if len(parts) < 4:
        raise refuse(name, "_has is written _has:Type:reference:parameter")
    _, source, code, rest = parts
    parameter = index.parameter(source, code) if source in SERVED else None
    if parameter is None or parameter.kind != "reference" or kind not in index.targets(parameter):
        raise refuse(name, f"no reference {code[:60]} leads from there to {kind}")
    inner = _beyond(source, rest, depth)
    column = index.first_column(source, code)

    def has(query: Query, alias: str, value: str) -> str:
        other = query.alias()
        references = f"SELECT unnest({other}.{column}) {query.source(source, other)} AND {inner(query, other, value)}"
        ids = f"SELECT substr(r.ref, {len(kind) + 2}) FROM ({references}) r (ref) WHERE starts_with(r.ref, '{kind}/')"
        return f"{alias}.id IN ({ids})"

    return has


def _beyond(kind: str, rest: str, depth: int) -> Criterion:
    """The criterion at the other end of a reference; there, an unknown parameter is an error."""
    try:
        return criterion(kind, rest, depth + 1)
    except Unknown as unknown:
        raise refuse(rest, f"{kind} has no search parameter {str(unknown)[:60]}") from unknown
