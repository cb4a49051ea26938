"""Numbers and quantities, with the precision that they are written with (https://hl7.org/fhir/R4/search.html#number, #quantity)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from maillage.codes.aliases import canonical
from maillage.record import index
from maillage.record.bounds import NumberSpan, number_span, split_prefix
from maillage.record.criteria.notation import either, refuse, refuse_modifier, split_escaped, split_values, unescape
from maillage.record.criteria.query import Criterion, Query
from maillage.record.values import NEXT

FORMS = {
    "gt": "q.hi > {value}",
    "ge": "q.hi >= {value}",
    "lt": "q.lo < {value}",
    "le": "q.lo <= {value}",
    "sa": "q.lo > {value}",
    "eb": "q.hi < {value}",
}
"""A value, or a range of them, against a number taken as it is."""


def amount(kind: str, parameter: Any, modifier: str) -> Criterion:
    """A criterion on a number or quantity parameter."""
    code, of = parameter.code, parameter.kind
    if modifier:
        raise refuse_modifier(code, modifier)
    columns = [index.column(kind, code, part) for part in ("los", "his", "units")]

    def found(query: Query, alias: str, value: str) -> str:
        tests = either([amount_test(query, code, of, one) for one in split_values(code, value)])
        rows = ", ".join(f"{alias}.{column}" for column in columns)
        return f"EXISTS (SELECT 1 FROM unnest({rows}) AS q (lo, hi, units) WHERE {tests})"

    return found


def amount_test(query: Query, code: str, of: str, text: str) -> str:
    """The condition on `q.lo`, `q.hi` and `q.units` for `[prefix]number`, with `|system|code` behind it for a quantity."""
    number, *unit = split_escaped(text, "|")
    prefix, rest = split_prefix(number)
    try:
        span = number_span(rest)
    except ValueError as error:
        raise refuse(code, "not a number, with an optional prefix") from error
    sql = _compared(query, prefix, span)
    if not unit:
        return sql
    if of == "number":
        raise refuse(code, "a number has no unit")
    if len(unit) != 2 or not unit[1]:
        raise refuse(code, "a quantity is number, number|system|code or number||code")
    system, symbol = canonical(unescape(unit[0])), unescape(unit[1])
    wanted = f"{NEXT}{system}|{symbol}{NEXT}" if system else f"{NEXT}{symbol}{NEXT}"
    return f"({sql} AND strpos(q.units, {query.params.add(wanted)}) > 0)"


def _compared(query: Query, prefix: str, span: NumberSpan) -> str:
    def add(number: Decimal) -> str:
        return f"{query.params.add(number)}::numeric"

    if prefix in FORMS:
        return FORMS[prefix].format(value=add(span.value))
    if prefix == "ap":
        slack = abs(span.value) / 10
        return f"(q.lo < {add(span.hi + slack)} AND q.hi >= {add(span.lo - slack)})"
    inside = f"(q.lo >= {add(span.lo)} AND q.hi < {add(span.hi)})"
    return f"NOT {inside}" if prefix == "ne" else inside
