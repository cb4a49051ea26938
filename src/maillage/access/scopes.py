"""SMART system scopes, read as the specification writes them: `system/Task.cru`, `system/*.rs`, `system/*.*`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from maillage.codes.r4 import resource_types

_OLD = {"read": "rs", "write": "cud", "*": "cruds"}


def scope_allows(scopes: Iterable[str], resource_type: str, letter: str) -> bool:
    """Whether one of the scopes grants `letter` (c, r, u, d or s) on this resource type."""
    for scope in scopes:
        context, _, rest = scope.partition("/")
        type, _, letters = rest.partition("?")[0].partition(".")
        if context in ("system", "user") and type in ("*", resource_type) and letter in _OLD.get(letters, letters):
            return True
    return False


_SCOPE = re.compile(r"(?:system|user)/(?P<type>\*|[A-Za-z]+)\.(?P<letters>\*|read|write|(?=[cruds])c?r?u?d?s?)")


def unreadable_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """Those that a machine client can't be given: of another form, of a type that is none, or narrowed by a query, which nothing applies here."""
    return tuple(scope for scope in scopes if not _readable(scope))


def _readable(scope: str) -> bool:
    found = _SCOPE.fullmatch(scope)
    return found is not None and (found["type"] == "*" or found["type"] in resource_types())
