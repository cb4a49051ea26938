"""Strings: without accents, case and punctuation, from their start (https://hl7.org/fhir/R4/search.html#string)."""

from __future__ import annotations

from typing import Any

from maillage.codes.folding import plain
from maillage.record.criteria.notation import either, plain_values, refuse_modifier
from maillage.record.criteria.query import Criterion, Query
from maillage.record.values import LONGEST_STRING

TOP = "\U0010ffff"


def string(kind: str, parameter: Any, modifier: str) -> Criterion:
    """A criterion on a string parameter: starts with, `:exact` as written, `:contains`."""
    code = parameter.code
    if modifier not in ("", "exact", "contains"):
        raise refuse_modifier(code, modifier)
    test = {"": starting, "exact": exact, "contains": containing}[modifier]

    def found(query: Query, alias: str, value: str) -> str:
        tests = either([test(query, "s", text) for text in plain_values(code, value)])
        return f"{alias}.id IN (SELECT s.id FROM ix_string s WHERE s.res_type = '{kind}' AND s.param = '{code}' AND {tests})"

    return found


def starting(query: Query, alias: str, text: str) -> str:
    """A range: an index serves it whatever the plan."""
    low = plain(text)[:LONGEST_STRING]
    return f"({alias}.value >= {query.params.add(low)} AND {alias}.value < {query.params.add(low + TOP)})"


def starting_alike(query: Query, alias: str, text: str) -> str:
    """The same range, estimated alike whatever the text, so that the plan may be kept."""
    low = plain(text)[:LONGEST_STRING]
    add = query.params.add
    return f"({alias}.value >= (SELECT {add(low)}::text) AND {alias}.value < (SELECT {add(low + TOP)}::text))"


def exact(query: Query, alias: str, text: str) -> str:
    """As written, letter by letter."""
    folded, written = query.params.add(plain(text)[:LONGEST_STRING]), query.params.add(text[:LONGEST_STRING])
    return f"({alias}.value = {folded} AND {alias}.original = {written})"


def containing(query: Query, alias: str, text: str) -> str:
    """Anywhere in the text."""
    return f"strpos({alias}.value, {query.params.add(plain(text))}) > 0"
