"""A query that stands for good, as a condition on any alias that has the id of a resource: what a right is narrowed by.

Only what the index of the type itself answers, and whose meaning neither the day nor a package that is loaded later can change.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from maillage.kernel.errors import MaillageError
from maillage.record import index
from maillage.record.criteria.names import criterion
from maillage.record.criteria.query import Query, Unknown
from maillage.record.types import SERVED, Visible
from maillage.store.sql import Params

Pairs = Sequence[tuple[str, str]]
MODIFIERS = frozenset({"", "not", "exact", "missing", "identifier", "of-type"})
ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""No criterion that may stand looks at the present."""


def can_stand(kind: str, pairs: Pairs) -> bool:
    """Whether the query is known to the type, without chain, value set, hierarchy, or date about now."""
    try:
        return kind in SERVED and all(_plain(kind, name, value) and _condition(kind, name, value, Params()) for name, value in pairs)
    except (Unknown, MaillageError):
        return False


def standing(kind: str, alias: str, pairs: Pairs, params: Params) -> str:
    """The condition, all of the pairs at once."""
    tests = " AND ".join(_condition(kind, name, value, params) for name, value in pairs)
    return f"EXISTS (SELECT 1 FROM {index.table(kind)} narrow WHERE narrow.id = {alias}.id AND {tests})"


def _condition(kind: str, name: str, value: str, params: Params) -> str:
    return criterion(kind, name)(Query(_no_other, ANY_TIME, params=params), "narrow", value)


def _no_other(kind: str) -> Visible:
    raise LookupError(f"a standing query looks at no other type: {kind}")


def _plain(kind: str, name: str, value: str) -> bool:
    code, _, modifier = name.partition(":")
    parameter = index.parameter(kind, code)
    about_now = code == "_lastUpdated" or (parameter is not None and parameter.kind == "date")
    return "." not in name and modifier in MODIFIERS and not (about_now and "ap" in value)
