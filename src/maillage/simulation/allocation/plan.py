"""Plans: a first one by hand's rule, the best that can be found in the time given, and who waits less and who more."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from maillage.simulation.allocation.by_rule import greedy
from maillage.simulation.allocation.model import Programme
from maillage.simulation.allocation.problem import Floats, Plan, Problem
from maillage.simulation.allocation.search import Search


@dataclass(frozen=True, slots=True)
class Solved:
    """A plan, what it costs, and what no plan can beat."""

    plan: Plan
    cost: float
    bound: float
    greedy_cost: float
    backlog: Floats
    steps: tuple[str, ...] = field(default=())

    @property
    def gap(self) -> float:
        """How far from the bound, as a share of it."""
        return (self.cost - self.bound) / abs(self.bound)


def solve(problem: Problem, seconds: float = 20.0, *, clock: Callable[[], float] = time.monotonic, seed: int = 1) -> Solved:
    """The best plan in so many seconds: the whole programme when it is small, else specialty by specialty, then neighbourhoods; with its bound."""
    end = clock() + seconds
    programme = Programme(problem)
    first = greedy(problem)
    (greedy_cost, backlog), relaxed = programme.judged(first), programme.relaxed()
    search = Search(problem, programme, relaxed, first, greedy_cost, backlog, lambda: end - clock())
    steps = []
    for name, plan in search.tries(seed):
        if plan is not None and search.keep(plan):
            steps.append(name)
        if search.left() < 1.0 or (search.cost - relaxed.cost) / abs(relaxed.cost) < 1e-4:
            break
    return Solved(search.plan, search.cost, relaxed.cost, greedy_cost, search.backlog, tuple(steps))


def explain(problem: Problem, solved: Solved, before: Floats | None = None) -> dict[str, Any]:
    """Who waits less and who waits more, worst first, in weeks of demand; what no site reaches; cost, bound, gap. No practitioner is ranked."""
    weekly = np.maximum(problem.demand.mean(axis=2), 1e-9)
    start = problem.backlog if before is None else before
    weeks = [(k, c, float(start[k, c] / weekly[k, c]), float(solved.backlog[k, c, -1] / weekly[k, c])) for k, c in np.ndindex(weekly.shape)]
    rows = [{"specialty": k, "commune": c, "before": round(a, 2), "after": round(b, 2)} for k, c, a, b in weeks]
    worse = sorted((row for row in rows if row["after"] > row["before"]), key=lambda row: row["before"] - row["after"])
    better = sorted((row for row in rows if row["after"] < row["before"]), key=lambda row: row["after"] - row["before"])
    return {
        "waits_more": worse,
        "waits_less": better,
        "unreachable": [{"specialty": k, "commune": c} for k, c in problem.unreachable()],
        "half_days": int(solved.plan.sum()),
        "sites_opened": int((solved.plan.sum(axis=2) > 0).sum()),
        "cost": round(solved.cost, 1),
        "bound": round(solved.bound, 1),
        "gap": round(solved.gap, 5),
        "first_plan_cost": round(solved.greedy_cost, 1),
        "proposal": True,
    }
