"""Dates: what a date of any precision may mean, against the range of the query (https://hl7.org/fhir/R4/search.html#date)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from maillage.record import index
from maillage.record.bounds import date_span, split_prefix
from maillage.record.criteria.notation import either, plain_values, refuse, refuse_modifier
from maillage.record.criteria.query import Criterion, Query
from maillage.store import FIRST, LAST

INSTANT_FORMS = {
    "eq": "({lo} >= {low} AND {lo} < {high})",
    "ne": "({lo} < {low} OR {lo} >= {high})",
    "ap": "({lo} >= {low} AND {lo} < {high})",
    "gt": "{lo} >= {high}",
    "sa": "{lo} >= {high}",
    "ge": "{lo} >= {low}",
    "lt": "{lo} < {low}",
    "eb": "{lo} < {low}",
    "le": "{lo} < {high}",
}
"""A value that is one instant, against the range of the query."""

SPAN_FORMS = {
    "eq": "{lo} >= {low} AND {lo} < {high} AND {hi} <= {high}",
    "ne": "({lo} < {low} OR {hi} > {high})",
    "gt": "{hi} > {high}",
    "ge": "({hi} > {high} OR {lo} >= {low}) AND {hi} > {low}",
    "lt": "{lo} < {low}",
    "le": "({lo} < {low} OR {hi} <= {high}) AND {lo} < {high}",
    "sa": "{lo} >= {high}",
    "eb": "{hi} <= {low}",
    "ap": "{lo} < {high} AND {hi} > {low}",
}
"""A value that is a range, against the range of the query; the last condition of `ge` and `le` follows from the first and serves an index."""

NEAR = " AND {lo} > {low} - interval '367 days'"
FORMS = "not a date: YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss+zz:zz, with an optional prefix"


def date(kind: str, parameter: Any, modifier: str) -> Criterion:
    """A criterion on a date parameter."""
    code = parameter.code
    if modifier:
        raise refuse_modifier(code, modifier)
    shape = index.date_shape(kind, code)
    if shape == "many":
        return _many(kind, code)
    column = index.first_column(kind, code)
    end = column.removesuffix("_lo") + "_hi"

    def found(query: Query, alias: str, value: str) -> str:
        lo, hi = f"{alias}.{column}", f"{alias}.{end}"
        if shape == "instant":
            return either([at_instant(query, lo, code, one) for one in plain_values(code, value)])
        return either([in_span(query, (lo, hi), code, one, narrow=shape == "narrow") for one in plain_values(code, value)])

    return found


def _many(kind: str, code: str) -> Criterion:
    lows, highs = index.column(kind, code, "los"), index.column(kind, code, "his")

    def found(query: Query, alias: str, value: str) -> str:
        tests = either([in_span(query, ("q.lo", "q.hi"), code, one) for one in plain_values(code, value)])
        return f"EXISTS (SELECT 1 FROM unnest({alias}.{lows}, {alias}.{highs}) AS q (lo, hi) WHERE {tests})"

    return found


def at_instant(query: Query, column: str, code: str, text: str) -> str:
    """A column that holds one instant."""
    prefix, lower, upper = _read(query, code, text)
    return _filled(query, INSTANT_FORMS[prefix], {"lo": column}, lower, upper)


def in_span(query: Query, columns: tuple[str, str], code: str, text: str, *, narrow: bool = False) -> str:
    """Two columns that hold the bounds of a value; `narrow` ones are at most a year apart, which lets an index on the first serve every prefix."""
    prefix, lower, upper = _read(query, code, text)
    near = NEAR if narrow and prefix in ("gt", "ge", "ap") else ""
    return _filled(query, f"({SPAN_FORMS[prefix]}{near})", {"lo": columns[0], "hi": columns[1]}, lower, upper)


def _filled(query: Query, form: str, columns: dict[str, str], lower: datetime, upper: datetime) -> str:
    """The form with its columns, and with the bounds that it speaks of as parameters."""
    bounds = {name: f"{query.params.add(at)}::timestamptz" for name, at in (("low", lower), ("high", upper)) if f"{{{name}}}" in form}
    return form.format(**columns, **bounds)


def _read(query: Query, code: str, text: str) -> tuple[str, datetime, datetime]:
    """The prefix and the two bounds; `ap` widens them by a tenth of the distance to now."""
    prefix, rest = split_prefix(text)
    span = date_span(rest)
    if span is None:
        raise refuse(code, FORMS)
    if prefix != "ap":
        return prefix, *span
    slack = abs(query.now - span[0]) / 10
    return prefix, shifted(span[0], -slack), shifted(span[1], slack)


def shifted(at: datetime, by: timedelta) -> datetime:
    """Moved, and kept inside what can be told."""
    try:
        return at + by
    except OverflowError:
        return LAST if by > timedelta() else FIRST
