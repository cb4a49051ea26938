"""From half-days of a week to mornings and afternoons: one place at a time, rooms, no two sites far apart on one day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from maillage.simulation.allocation.model import Rows
from maillage.simulation.allocation.problem import HALF_DAYS, Problem

APART: Final = 15.0


@dataclass(frozen=True, slots=True)
class Placed:
    """Practitioner, site, half-day of the week; and what found no half-day."""

    places: tuple[tuple[int, int, int], ...]
    left: tuple[tuple[int, int], ...]


def place(problem: Problem, week: NDArray[np.int64], seconds: float = 10.0) -> Placed:
    """The half-days of one week (p, s -> how many), exactly: as many as can be placed."""
    wanted = [(int(p), int(s)) for p, s in np.argwhere(week > 0)]
    if not wanted:
        return Placed((), ())
    number = {pair: n for n, pair in enumerate(wanted)}
    x = np.arange(len(wanted) * HALF_DAYS).reshape(len(wanted), HALF_DAYS)
    rows = Rows()
    for pair, n in number.items():
        rows.add(x[n], 1.0, 0.0, float(week[pair]))
    for h in range(HALF_DAYS):
        for q in {p for p, _ in wanted}:
            rows.add([x[n, h] for (p, _), n in number.items() if p == q], 1.0, 0.0, 1.0)
        for e in {s for _, s in wanted}:
            rows.add([x[n, h] for (_, s), n in number.items() if s == e], 1.0, 0.0, float(problem.rooms[e]))
    for (p, s), n in number.items():
        for (q, e), m in number.items():
            if p == q and problem.between[s, e] > APART:
                for day in range(HALF_DAYS // 2):
                    rows.add([x[n, 2 * day], x[m, 2 * day + 1]], 1.0, 0.0, 1.0)
    found = milp(
        -np.ones(x.size), constraints=LinearConstraint(rows.matrix(x.size), rows.low, rows.high), integrality=np.ones(x.size), bounds=Bounds(0, 1),
        options={"time_limit": seconds},
    )  # fmt: skip
    taken = np.rint(found.x).astype(bool).reshape(x.shape) if found.x is not None else np.zeros(x.shape, bool)
    return placed(wanted, week, taken)


def placed(wanted: list[tuple[int, int]], week: NDArray[np.int64], taken: NDArray[np.bool_]) -> Placed:
    """What was placed, and what was not."""
    places = tuple((*wanted[n], int(h)) for n, h in np.argwhere(taken))
    left = tuple(pair for n, pair in enumerate(wanted) for _ in range(int(week[pair]) - int(taken[n].sum())))
    return Placed(places, left)
