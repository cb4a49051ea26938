"""The same placement by CP-SAT, an extra (`ortools`). It must never meet `highspy` in one process: scipy brings its own HiGHS."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from ortools.sat.python import cp_model

from maillage.simulation.allocation.placement import APART, Placed, placed
from maillage.simulation.allocation.problem import HALF_DAYS, Problem


def place(problem: Problem, week: NDArray[np.int64], seconds: float = 10.0) -> Placed:
    """The half-days of one week, as many as can be placed; one worker and a fixed seed, so that the same week gives the same answer."""
    model = cp_model.CpModel()
    wanted = [(int(p), int(s)) for p, s in np.argwhere(week > 0)]
    x = [[model.new_bool_var(f"{p}-{s}-{h}") for h in range(HALF_DAYS)] for p, s in wanted]
    for n, pair in enumerate(wanted):
        model.add(sum(x[n]) <= int(week[pair]))
    for h in range(HALF_DAYS):
        for q in {p for p, _ in wanted}:
            model.add_at_most_one(x[n][h] for n, (p, _) in enumerate(wanted) if p == q)
        for e in {s for _, s in wanted}:
            model.add(sum(x[n][h] for n, (_, s) in enumerate(wanted) if s == e) <= int(problem.rooms[e]))
    for n, (p, s) in enumerate(wanted):
        for m, (q, e) in enumerate(wanted):
            if p == q and problem.between[s, e] > APART:
                for day in range(HALF_DAYS // 2):
                    model.add_at_most_one([x[n][2 * day], x[m][2 * day + 1]])
    model.maximize(sum(v for row in x for v in row))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds, solver.parameters.num_workers, solver.parameters.random_seed = seconds, 1, 1
    status = solver.solve(model)
    there = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    taken = np.array([[there and bool(solver.value(v)) for v in row] for row in x], bool).reshape(len(wanted), HALF_DAYS)
    return placed(wanted, week, taken)
