"""Composites: two values of one element, written `first$second` (https://hl7.org/fhir/R4/search.html#composite)."""

from __future__ import annotations

from typing import Any

from maillage.codes.folding import plain
from maillage.record import index
from maillage.record.criteria.amounts import amount_test
from maillage.record.criteria.dates import in_span
from maillage.record.criteria.notation import either, refuse, refuse_modifier, split_escaped, split_values, unescape
from maillage.record.criteria.query import Criterion, Query
from maillage.record.criteria.references import targets
from maillage.record.criteria.tokens import token_text
from maillage.record.values import JOINED

ROWS = {"quantity": ("los", "his", "units"), "date": ("los", "his"), "string": ("words",)}
NAMES = {"los": "lo", "his": "hi", "units": "units", "words": "words"}


def composite(kind: str, parameter: Any, modifier: str) -> Criterion:
    """A criterion on a composite whose first component is a token."""
    code = parameter.code
    if modifier:
        raise refuse_modifier(code, modifier)
    second = parameter.components[1]
    if second in ("token", "reference"):
        return _joined(kind, parameter, second)
    return _beside(kind, code, second)


def _halves(code: str, text: str) -> tuple[str, str]:
    parts = split_escaped(text, "$")
    if len(parts) != 2 or not all(parts):
        raise refuse(code, "a composite is written first$second")
    return parts[0], parts[1]


def _joined(kind: str, parameter: Any, second: str) -> Criterion:
    """Both components are texts: they stand in the index as one."""
    code = parameter.code
    column = index.first_column(kind, code)

    def joined(query: Query, alias: str, value: str) -> str:
        texts = []
        for one in split_values(code, value):
            head, tail = _halves(code, one)
            tails = [token_text(code, tail)] if second == "token" else targets(query, parameter, "", unescape(tail))
            texts += [f"{token_text(code, head)}{JOINED}{text}" for text in tails]
        return f"{alias}.{column} && {query.array(texts)}"

    return joined


def _beside(kind: str, code: str, second: str) -> Criterion:
    """The first component as text, the parts of the second in arrays beside it."""
    first = index.column(kind, code, "firsts")
    columns = [first, *(index.column(kind, code, part) for part in ROWS[second])]
    names = ", ".join(["head", *(NAMES[part] for part in ROWS[second])])

    def beside(query: Query, alias: str, value: str) -> str:
        rows = ", ".join(f"{alias}.{column}" for column in columns)
        parts = []
        for one in split_values(code, value):
            head, tail = _halves(code, one)
            wanted = query.params.add(token_text(code, head))
            test = _test(query, code, second, tail)
            parts.append(
                f"({alias}.{first} && ARRAY[{wanted}::text] AND EXISTS ("
                f"SELECT 1 FROM unnest({rows}) AS q ({names}) WHERE q.head = {wanted} AND {test}))"
            )
        return either(parts)

    return beside


def _test(query: Query, code: str, second: str, text: str) -> str:
    if second == "quantity":
        return amount_test(query, code, second, text)
    if second == "date":
        return in_span(query, ("q.lo", "q.hi"), code, unescape(text))
    return f"starts_with(q.words, {query.params.add(plain(unescape(text)))})"
