"""One way to compile: cached machine code, no Python lock, no reordering of floating point.

The cache lies beside the sources, or in the user's cache folder when the installation is read-only; where neither can be written, code is compiled
at each start. `python -m maillage.simulation` writes it once at set-up, so that no user and no test worker waits for a compiler.

Compiled code makes no array and keeps none: it counts no references, which costs more than the work itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any, Final, TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])
OPTIONS: Final[dict[str, Any]] = {"nogil": True, "error_model": "numpy", "_nrt": False}
SOURCES: Final = ("compiled", "steps", "assembly", "draws", "memory", "engine", "arrivals", "tally", "areas")
"""The files whose text decides the machine code: functions, and the constants that are built into them."""


@cache
def digest() -> str:
    """A hash of the sources of compiled code: a change in any makes every cached function stale."""
    folder = files("maillage.simulation")
    found = [folder.joinpath(f"{name}.py") for name in SOURCES]
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in found if file.is_file())).hexdigest()


@cache
def version() -> str:
    """A hash of everything that a figure depends on but the scenario and the seed: the sources and the pathways of this package."""
    folder = files("maillage.simulation")
    found = sorted((item.name, item.read_bytes()) for item in folder.iterdir() if item.name.endswith(".py"))
    found += sorted((item.name, item.read_bytes()) for item in folder.joinpath("model").iterdir() if item.is_file())
    return hashlib.sha256(b"\0".join(name.encode() + b"\0" + text for name, text in found)).hexdigest()[:16]


def compiled(function: F) -> F:
    """The function as cached machine code that runs beside other threads."""
    try:
        made: Any = njit(cache=True, **OPTIONS)(function)
    except RuntimeError:  # numba found no folder to write its cache to
        made = njit(**OPTIONS)(function)
        plain: F = made
        return plain
    file = made._cache._cache_file  # numba stamps the file of the function alone, not the constants that it imports
    file._source_stamp = (file._source_stamp, digest())  # the same
    kept: F = made
    return kept


def inlined(function: F) -> F:
    """A part of a compiled function, written apart to be read: it is put back where it is called."""
    made: F = njit(forceinline=True, **OPTIONS)(function)
    return made
