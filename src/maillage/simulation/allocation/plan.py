"""The best plan that can be found in the time given, and what no plan can beat."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

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


def judged(problem: Problem, plan: Plan) -> Floats:
    """k, c, w: who waits with this plan."""
    return Programme(problem).judged(plan)[1]


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
        if search.over or (search.cost - relaxed.cost) / abs(relaxed.cost) < 1e-4:
            break
    return Solved(search.plan, search.cost, relaxed.cost, greedy_cost, search.backlog, tuple(steps))
