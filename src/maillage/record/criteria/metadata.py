"""Parameters of every type: `_id`, `_lastUpdated`, and what `meta` says (https://hl7.org/fhir/R4/search.html#all)."""

from __future__ import annotations

from collections.abc import Callable

from maillage.codes.aliases import canonical
from maillage.record.criteria.dates import at_instant
from maillage.record.criteria.notation import either, plain_values, refuse, refuse_modifier, split_values
from maillage.record.criteria.query import Criterion, Query
from maillage.record.criteria.tokens import token_text, value_set_texts
from maillage.record.criteria.uris import uri_test
from maillage.record.values import META


def _id(_kind: str, code: str, modifier: str) -> Criterion:
    if modifier == "missing":
        return _always
    if modifier not in ("", "not"):
        raise refuse_modifier(code, modifier)

    def ids(query: Query, alias: str, value: str) -> str:
        sql = f"{alias}.id = ANY ({query.array(plain_values(code, value))})"
        return f"NOT ({sql})" if modifier else sql

    return ids


def _last_updated(_kind: str, code: str, modifier: str) -> Criterion:
    if modifier == "missing":
        return _always
    if modifier:
        raise refuse_modifier(code, modifier)
    return lambda query, alias, value: either([at_instant(query, f"{alias}.at", code, one) for one in plain_values(code, value)])


def _always(_query: Query, _alias: str, value: str) -> str:
    """`:missing` of what is never missing."""
    if value not in ("true", "false"):
        raise refuse("_id", ":missing is true or false")
    return "false" if value == "true" else "true"


def _codes(_kind: str, code: str, modifier: str) -> Criterion:
    """`_tag`, `_security`."""
    mark = META[code]
    if modifier == "missing":
        return _missing(code)
    if modifier not in ("", "not", "in", "not-in"):
        raise refuse_modifier(code, modifier)

    def codes(query: Query, alias: str, value: str) -> str:
        if modifier in ("in", "not-in"):
            texts = [text for url in plain_values(code, value) for text in value_set_texts(query, code, url)]
        else:
            texts = [token_text(code, one) for one in split_values(code, value)]
        sql = f"{alias}.meta && {query.array([mark + text for text in texts])}"
        return f"NOT coalesce({sql}, false)" if modifier in ("not", "not-in") else sql

    return codes


def _addresses(_kind: str, code: str, modifier: str) -> Criterion:
    """`_profile`, `_source`."""
    if modifier == "missing":
        return _missing(code)
    if modifier not in ("", "above", "below"):
        raise refuse_modifier(code, modifier)

    def addresses(query: Query, alias: str, value: str) -> str:
        texts = plain_values(code, value)
        if code == "_profile":
            texts = [canonical(text) for text in texts]
        return uri_test(query, f"{alias}.meta", texts, modifier, META[code])

    return addresses


def _missing(code: str) -> Criterion:
    def missing(_query: Query, alias: str, value: str) -> str:
        if value not in ("true", "false"):
            raise refuse(code, ":missing is true or false")
        there = f"EXISTS (SELECT 1 FROM unnest({alias}.meta) x WHERE starts_with(x.x, '{META[code]}'))"
        return f"NOT {there}" if value == "true" else there

    return missing


METADATA: dict[str, Callable[[str, str, str], Criterion]] = {
    "_id": _id,
    "_lastUpdated": _last_updated,
    "_tag": _codes,
    "_security": _codes,
    "_profile": _addresses,
    "_source": _addresses,
}
