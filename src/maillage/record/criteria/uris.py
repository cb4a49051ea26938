"""URIs, whole, or above and below a path (https://hl7.org/fhir/R4/search.html#uri)."""

from __future__ import annotations

from typing import Any

from maillage.codes.aliases import canonical
from maillage.record import index
from maillage.record.criteria.notation import either, plain_values, refuse_modifier
from maillage.record.criteria.query import Criterion, Query

MOST_STEPS = 100


def uri(kind: str, parameter: Any, modifier: str) -> Criterion:
    """A criterion on a parameter of type uri."""
    code = parameter.code
    if modifier not in ("", "above", "below"):
        raise refuse_modifier(code, modifier)
    column = index.first_column(kind, code)

    def found(query: Query, alias: str, value: str) -> str:
        texts = list(dict.fromkeys(text for one in plain_values(code, value) for text in (one, canonical(one))))
        return uri_test(query, f"{alias}.{column}", texts, modifier)

    return found


def uri_test(query: Query, column: str, texts: list[str], modifier: str, mark: str = "") -> str:
    """One of the URIs of an array column, each behind a mark: equal to a text, above it, or below it."""
    if modifier == "below":
        tests = [
            f"x.x = {query.params.add(mark + one)} OR starts_with(x.x, {query.params.add(mark + one.rstrip('/') + '/')})" for one in texts
        ]
        return f"EXISTS (SELECT 1 FROM unnest({column}) x WHERE {either(tests)})"
    wanted = [step for one in texts for step in steps(one)] if modifier == "above" else texts
    return f"{column} && {query.array([mark + one for one in dict.fromkeys(wanted)])}"


def steps(address: str) -> list[str]:
    """The address and everything above it, down to its host: `http://a/b/c`, `http://a/b/`, `http://a/b`, `http://a/`, `http://a`."""
    scheme, mark, rest = address.partition("://")
    parts = rest.split("/") if mark else address.split("/")
    head = scheme + mark if mark else ""
    made = [address]
    for count in range(min(len(parts), MOST_STEPS) - 1, 0, -1):
        above = head + "/".join(parts[:count])
        made += [above + "/", above]
    return made
