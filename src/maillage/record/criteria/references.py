"""References: literal, by business identifier, of one type, up and down a hierarchy (https://hl7.org/fhir/R4/search.html#reference)."""

from __future__ import annotations

from typing import Any

from maillage.codes.aliases import canonical
from maillage.codes.r4 import parse
from maillage.record import index
from maillage.record.criteria.notation import either, plain_values, refuse_modifier, split_values
from maillage.record.criteria.query import Criterion, Query
from maillage.record.criteria.tokens import token_text
from maillage.record.values import BY_IDENTIFIER

HIERARCHIES = {"Location": "partof", "Organization": "partof"}
"""Types whose parts name the whole: `:below` and `:above` follow this parameter."""

DEEPEST = 20


def reference(kind: str, parameter: Any, modifier: str) -> Criterion:
    """A criterion on a reference parameter."""
    code = parameter.code
    if modifier == "identifier":
        return _by_identifier(kind, code)
    if modifier in ("above", "below"):
        return _along(kind, parameter, modifier)
    if modifier and modifier not in index.named_types(parameter):
        raise refuse_modifier(code, modifier)
    column, scalar = index.first_column(kind, code), index.scalar_column(kind, code)

    def literal(query: Query, alias: str, value: str) -> str:
        texts = [text for one in plain_values(code, value) for text in targets(query, parameter, modifier, one)]
        if scalar and texts:
            return query.one_of(f"{alias}.{scalar}", texts)
        return f"{alias}.{column} && {query.array(texts)}"

    return literal


def targets(query: Query, parameter: Any, modifier: str, text: str) -> list[str]:
    """What a reference may look like in the index: `Type/id`; a bare id of each target type; an address."""
    if query.base and text.startswith(query.base):
        text = text.removeprefix(query.base)
    head, slash, rest = text.partition("/")
    if "://" in text or text.startswith("urn:"):
        return list(dict.fromkeys([text, canonical(text)])) if modifier in ("", parse(text).type) else []
    if slash:
        return [f"{head}/{rest.partition('/')[0]}"] if modifier in ("", head) else []
    kinds = (modifier,) if modifier else index.named_types(parameter)
    return [f"{target}/{text}" for target in kinds]


def _by_identifier(kind: str, code: str) -> Criterion:
    column = index.first_column(kind, code)

    def by_identifier(query: Query, alias: str, value: str) -> str:
        texts = [BY_IDENTIFIER + token_text(code, one, identifier=True) for one in split_values(code, value)]
        return f"{alias}.{column} && {query.array(texts)}"

    return by_identifier


def _along(kind: str, parameter: Any, modifier: str) -> Criterion:
    """References to a place or organisation and to its parts (`:below`), or to what it is a part of (`:above`)."""
    code = parameter.code
    ways = [target for target in index.targets(parameter) if target in HIERARCHIES]
    if not ways:
        raise refuse_modifier(code, modifier)
    column, scalar = index.first_column(kind, code), index.scalar_column(kind, code)

    def along(query: Query, alias: str, value: str) -> str:
        starts = [text for one in plain_values(code, value) for text in targets(query, parameter, "", one)]
        parts = []
        for target in ways:
            found = f"ARRAY({_walk(query, target, [s for s in starts if s.startswith(target + '/')], modifier)})"
            parts.append(f"{alias}.{scalar} = ANY ({found})" if scalar else f"{alias}.{column} && {found}")
        return either(parts)

    return along


def _walk(query: Query, target: str, starts: list[str], modifier: str) -> str:
    """Every reference from the starts on, along the parts or the wholes that the caller may see."""
    partof = index.first_column(target, HIERARCHIES[target])
    walked, other = query.alias(), query.alias()
    source = query.source(target, other)
    if modifier == "below":
        step = f"SELECT '{target}/' || {other}.id, {walked}.depth + 1 {_joined(source, walked)} AND {other}.{partof} && ARRAY[{walked}.ref]"
    else:
        step = f"SELECT unnest({other}.{partof}), {walked}.depth + 1 {_joined(source, walked)} AND '{target}/' || {other}.id = {walked}.ref"
    return f"""WITH RECURSIVE {walked} (ref, depth) AS (
        SELECT unnest({query.array(starts)}), 0 UNION {step} AND {walked}.depth < {DEEPEST}) SELECT ref FROM {walked}"""


def _joined(source: str, walked: str) -> str:
    return source.replace("FROM ", f"FROM {walked}, ", 1)
