"""A plan whose half-days all have their morning or afternoon: what found none goes back to the solver as a limit, and the rest is planned again."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from maillage.simulation.allocation.placement import Placed, place
from maillage.simulation.allocation.plan import Solved, solve
from maillage.simulation.allocation.problem import HALF_DAYS, Problem

ROUNDS: Final = 5
"""Whatever found no place in the last one is left to the planner, and said."""


def solve_and_place(problem: Problem, seconds: float) -> tuple[Solved, tuple[Placed, ...]]:
    """The plan and its weeks. The first round has the time given, each other one a third of it; the bound stays that of the question as it was asked."""
    solved = solve(problem, seconds)
    weeks, limited = _weeks(problem, solved), problem
    for _ in range(ROUNDS - 1):
        if not any(week.left for week in weeks):
            break
        limited = _limited(limited, solved, weeks)
        solved = replace(solve(limited, seconds / 3), bound=solved.bound)
        weeks = _weeks(problem, solved)
    return solved, weeks


def _weeks(problem: Problem, solved: Solved) -> tuple[Placed, ...]:
    return tuple(place(problem, solved.plan[:, :, w]) for w in range(solved.plan.shape[2]))


def _limited(problem: Problem, solved: Solved, weeks: tuple[Placed, ...]) -> Problem:
    """Who found no place for a half-day gets in that week, at each site, as many as found one; what is published stays."""
    most = np.full(solved.plan.shape, HALF_DAYS) if problem.most is None else problem.most.copy()
    for w, week in enumerate(weeks):
        for p in {p for p, _ in week.left}:
            lost = np.array([week.left.count((p, s)) for s in range(solved.plan.shape[1])])
            free = np.ones(len(lost), bool) if problem.published is None else problem.published[p, :, w] < 0
            most[p, free, w] = (solved.plan[p, :, w] - lost)[free]
    return replace(problem, most=most)
