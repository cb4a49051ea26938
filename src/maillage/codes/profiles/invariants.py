"""The invariants of profiles, evaluated as FHIRPath: off the hot path, only for what claims a profile that is loaded."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any

Expression = Callable[..., list[Any]]


def broken(expression: str, root: dict[str, Any], value: Any, path: str) -> bool | None:
    """Whether the invariant fails for a value of the resource; None when it cannot be evaluated."""
    try:
        found = _compiled(expression if value is root else f"({path}).select({expression})")(root, {"resource": root})
    except Exception:  # noqa: BLE001  # the library raises bare Exception for what it does not know
        return None
    if not found:
        return False
    return not bool(found[0]) if type(found[0]) is bool else False


@lru_cache(maxsize=2048)
def _compiled(expression: str) -> Expression:
    """The library is imported with the first invariant: its grammar is slow to load, and few ever need it."""
    made: Expression = import_module("fhirpathpy").compile(expression, import_module("fhirpathpy.models").models["r4"])
    return made
