"""Plans: a first one by hand's rule, the best that can be found in the time given, and who waits less and who more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maillage.simulation.allocation import by_specialty
from maillage.simulation.allocation.model import Programme, Relaxed
from maillage.simulation.allocation.problem import HALF_DAYS, NEAR, Floats, Problem

Plan = NDArray[np.int64]
"""p, s, w -> half-days."""
WHOLE: Final = 3000
"""Up to so many integers the whole is given to the solver; above, windows and neighbourhoods."""
STEP: Final = 4.0
PART: Final = 0.8
"""Of the time left once the relaxed programme is solved: what the specialties have, one by one."""


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


def greedy(problem: Problem) -> Plan:
    """Week by week, half-day by half-day, where the largest weighted backlog is; what is published stays."""
    p, s, _, _, w = problem.shape
    plan = np.zeros((p, s, w), np.int64)
    backlog, near = problem.backlog.copy(), problem.near().T.astype(float)
    for week in range(w):
        backlog += problem.demand[:, :, week]
        if problem.published is not None:
            plan[:, :, week] = np.maximum(problem.published[:, :, week], 0)
            for q, e in np.argwhere(plan[:, :, week] > 0):
                _serve(problem, backlog, int(q), int(e), int(plan[q, e, week]))
        _fill(problem, plan, week, backlog, near)
    return plan


def _fill(problem: Problem, plan: Plan, week: int, backlog: Floats, near: Floats) -> None:
    """The half-days of one week, the most useful first, until none is worth its travel."""
    left = np.minimum(problem.available[:, week], HALF_DAYS) - plan[:, :, week].sum(axis=1)
    room = problem.rooms * HALF_DAYS - plan[:, :, week].sum(axis=0)
    closed = ~problem.allowed if problem.published is None else ~problem.allowed | (problem.published[:, :, week] >= 0)
    opened = plan.sum(axis=2) > 0
    worth = (problem.urgency * problem.weights.backlog * float(plan.shape[2] - week))[problem.specialty]
    while True:
        reach = np.minimum(near @ backlog.T, problem.patients[None, :])
        gain = reach[:, problem.specialty].T * worth[:, None]
        gain -= problem.trip / problem.weights.practitioner_minutes + np.where(opened, 0.0, problem.weights.opening)
        gain[closed | (left <= 0)[:, None] | (room <= 0)[None, :]] = -1.0
        q, e = (int(n) for n in np.unravel_index(int(gain.argmax()), gain.shape))
        if gain[q, e] <= 0:
            return
        plan[q, e, week] += 1
        left[q], room[e] = left[q] - 1, room[e] - 1
        opened[q, e] = True
        _serve(problem, backlog, q, e, 1)


def _serve(problem: Problem, backlog: Floats, practitioner: int, site: int, half_days: int) -> None:
    """Half-days see the nearest first."""
    k = problem.specialty[practitioner]
    patients = float(problem.patients[k]) * half_days
    for c in np.argsort(problem.travel[:, site]):
        if problem.travel[c, site] <= NEAR and patients > 0:
            seen = min(patients, float(backlog[k, c]))
            backlog[k, c] -= seen
            patients -= seen


@dataclass(slots=True)
class _Search:
    """The best plan so far, and what is left of the time."""

    problem: Problem
    programme: Programme
    relaxed: Relaxed
    plan: Plan
    cost: float
    backlog: Floats
    bound: float
    left: Callable[[], float]

    def tries(self, seed: int) -> Iterator[tuple[str, Plan | None]]:
        """Plans that may be better, each made when it is asked for, from the best one of that moment; without end."""
        if int(self.programme.integer.sum()) <= WHOLE:
            yield "whole", self._solved(max(1.0, self.left()), None)
        else:
            lower, plan = by_specialty.solve(self.problem, self.relaxed, self.plan, PART * max(1.0, self.left()))
            self.bound = max(self.bound, lower)
            yield "specialties", plan
            yield from self._again()
        for name, free in _neighbourhoods(self.problem, seed):
            yield name, self._solved(min(STEP, self.left()), free)

    def _again(self) -> Iterator[tuple[str, Plan | None]]:
        """One specialty after the other beside the rest, until a round brings nothing."""
        before = np.inf
        while self.cost < before:
            before = self.cost
            for k in np.unique(self.problem.specialty).tolist():
                seconds = min(STEP, self.left())
                yield f"specialty {k} again", by_specialty.again(self.problem, self.relaxed, self.plan, k, seconds)

    def _solved(self, seconds: float, free: NDArray[np.bool_] | None) -> Plan | None:
        found = self.programme.solve(seconds, free=free, plan=self.plan, below=self.cost - 1e-6 * abs(self.cost))
        return found[1] if found else None

    def keep(self, plan: Plan) -> bool:
        """Keep a plan that is better."""
        found = self.programme.judgement(plan)
        better = found is not None and found[0] < self.cost
        if found is not None and better:
            (self.cost, self.backlog), self.plan = found, plan
        return better


def solve(problem: Problem, seconds: float = 20.0, *, clock: Callable[[], float] = time.monotonic, seed: int = 1) -> Solved:
    """The best plan in so many seconds: the whole programme when it is small, else specialty by specialty, then neighbourhoods; with its bound."""
    end = clock() + seconds
    programme = Programme(problem)
    first = greedy(problem)
    (greedy_cost, backlog), relaxed = programme.judged(first), programme.relaxed()
    search = _Search(problem, programme, relaxed, first, greedy_cost, backlog, relaxed.cost, lambda: end - clock())
    steps = []
    for name, plan in search.tries(seed):
        if plan is not None and search.keep(plan):
            steps.append(name)
        if search.left() < 1.0 or (search.cost - search.bound) / abs(search.bound) < 1e-4:
            break
    return Solved(search.plan, search.cost, search.bound, greedy_cost, search.backlog, tuple(steps))


def _neighbourhoods(problem: Problem, seed: int) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """What to free next: a window of weeks, a specialty, sites that lie together; for ever, in an order that the seed decides."""
    p, s, _, k, w = problem.shape
    rng = np.random.default_rng(seed)
    shape = (p, s, w)
    while True:
        turn = [("weeks", n) for n in range(0, w, 2)] + [("specialty", n) for n in range(k)] + [("sites", n) for n in range(0, s, 2)]
        for kind, n in (turn[m] for m in rng.permutation(len(turn))):
            free = np.zeros(shape, bool)
            if kind == "weeks":
                free[:, :, n : n + 3] = True
            elif kind == "specialty":
                free[problem.specialty == n] = True
            else:
                free[:, np.argsort(problem.between[n])[: max(3, s // 6)], :] = True
            yield f"{kind} {n}", free


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
