"""SMART system scopes, read as the specification writes them: `system/Task.cru`, `system/*.rs`, `system/*.*`."""

from __future__ import annotations

from collections.abc import Iterable

_OLD = {"read": "rs", "write": "cud", "*": "cruds"}


def scope_allows(scopes: Iterable[str], resource_type: str, letter: str) -> bool:
    """Whether one of the scopes grants `letter` (c, r, u, d or s) on this resource type."""
    for scope in scopes:
        context, _, rest = scope.partition("/")
        type, _, letters = rest.partition("?")[0].partition(".")
        if context in ("system", "user") and type in ("*", resource_type) and letter in _OLD.get(letters, letters):
            return True
    return False
