"""Small networks whose answer is known: a pathway, stations, rows drawn by the test."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from maillage.simulation.assembly import assemble
from maillage.simulation.place import Station, build, names
from maillage.simulation.play import Played, play, rows

QUEUE = """
path p
 mark arrive
 serve s by class for d
 exit done
"""
IMPATIENT = """
path p
 mark arrive
 serve s by class for d within pat else gone
 exit done
gone:
 exit gone
"""


def run(
    text: str,
    stations: Sequence[Station],
    start: Any,
    columns: Mapping[str, Any],
    *,
    cls: Any = None,
    classes: Sequence[str] = ("1",),
    horizon: float = 1e12,
    streams: Mapping[str, Any] | None = None,
    path: Any = "p",
    **more: Any,
) -> Played:
    program = assemble(text, names(classes, stations, columns, streams or ()))
    who = rows(program, np.asarray(start, float), path, columns, cls=None if cls is None else np.asarray(cls), streams=streams)
    return play(program, build(program, stations), who, horizon, **more)


def z_score(values: Sequence[float], expected: float) -> float:
    """How many standard errors the mean of the replications lies from theory."""
    found = np.asarray(values)
    return float((found.mean() - expected) / (found.std(ddof=1) / np.sqrt(len(found))))


def replicate(one: Callable[[np.random.Generator], float], count: int = 200, seed: int = 7) -> list[float]:
    """The same experiment with independent numbers, always the same ones."""
    return [one(np.random.default_rng([seed, n])) for n in range(count)]
