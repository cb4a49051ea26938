"""Conditions in place of an id (https://hl7.org/fhir/R4/http.html#concurrency): one lock per condition, so that racing clients agree on what it finds."""

from __future__ import annotations

from collections.abc import Iterable

from maillage import record
from maillage.doors.fhir.context import READABLE, Context
from maillage.doors.fhir.http import encode_query, read_query
from maillage.doors.fhir.problems import SeveralMatch, UnknownPlace
from maillage.kernel.errors import Invalid, Issue, Malformed
from maillage.record import SERVED, Stored

Pairs = list[tuple[str, str]]

NO_CRITERIA = frozenset({"_count", "_sort", "_cursor", "_total", "_format", "_pretty", "_summary", "_elements", "_include", "_revinclude"})
MOST_DELETED = 100


def read(condition: str) -> Pairs:
    """The criteria of `identifier=x|y`, `Patient?identifier=x|y` or a query, sorted. Raises `Malformed` when there are none.

    A first capital is a slip that a published interface makes (`?Identifier=`).
    """
    pairs = read_query(condition.partition("?")[2] if "?" in condition.partition("=")[0] else condition)
    criteria = sorted((name[:1].lower() + name[1:], value) for name, value in pairs if name.partition(":")[0] not in NO_CRITERIA)
    if not any(value for _, value in criteria):
        raise Malformed(Issue("error", "value", "condition-empty", "", "A condition names at least one search parameter."))
    return criteria


async def lock(context: Context, asked: Iterable[tuple[str, Pairs]]) -> None:
    """Let nobody else act on these conditions, each of one type, until the transaction ends; in sorted order, so that nobody waits in a ring."""
    for kind, text in sorted({(kind, text) for kind, criteria in asked for text in _locks(criteria)}):
        await record.lock_condition(context.tx, kind, text)


def _locks(criteria: Pairs) -> list[str]:
    """An identifier is one lock however its system is written; any other condition is the lock of its whole text."""
    codes = [value.rpartition("|")[2] for name, values in criteria if name == "identifier" for value in values.split(",")]
    if not codes:
        return [encode_query(criteria)]
    return [f"identifier={''.join(code.split()).upper()}" for code in codes]


async def find(context: Context, kind: str, criteria: Pairs, base: str, most: int = 2) -> list[Stored]:
    """What the caller sees that matches, at most `most`. Raises `Malformed` when a parameter is not understood."""
    if kind not in SERVED:
        raise UnknownPlace if kind not in READABLE else Invalid.one("written-by-the-server", kind)
    context.require(kind, "s")
    context.refuse_withheld([kind], criteria)
    parameters = [*criteria, ("_count", str(most)), ("_total", "none")]
    page = await record.search(context.tx, kind, parameters, context.searchable, strict=True, key=context.key, base=base)
    return list(page.matches)


async def find_one(context: Context, kind: str, condition: str, base: str, *, locked: bool = False) -> Stored | None:
    """The one resource that a condition finds, None when there is none; `locked` keeps others from creating it meanwhile.

    Raises `SeveralMatch` when there are several.
    """
    context.require(kind, "s")
    criteria = read(condition)
    if locked:
        await lock(context, [(kind, criteria)])
    found = await find(context, kind, criteria, base)
    if len(found) > 1:
        raise SeveralMatch
    return found[0] if found else None
