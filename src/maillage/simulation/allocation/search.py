"""The search for a plan that costs less: the whole at once where it is small; else specialty by specialty, then neighbourhoods of the best plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maillage.simulation.allocation import by_specialty
from maillage.simulation.allocation.by_rule import greedy
from maillage.simulation.allocation.model import Programme, Relaxed
from maillage.simulation.allocation.problem import Floats, Plan, Problem

WHOLE: Final = 3000
"""Up to so many integers the whole is given to the solver."""
STEP: Final = 4.0
LIKELY: Final = (0.1, 0.2)
ENOUGH: Final = 1.0
"""With less left, no further step is begun."""


@dataclass(slots=True)
class Search:
    """The best plan so far, and what is left of the time."""

    problem: Problem
    programme: Programme
    relaxed: Relaxed
    plan: Plan
    cost: float
    backlog: Floats
    left: Callable[[], float]

    @property
    def over(self) -> bool:
        """Whether the time is gone."""
        return self.left() < ENOUGH

    def tries(self, seed: int) -> Iterator[tuple[str, Plan | None]]:
        """Plans that may be better, each made when it is asked for, from the best one of that moment; without end."""
        if int(self.programme.integer.sum()) <= WHOLE:
            yield "whole", self._solved(max(1.0, self.left()), None)
        else:
            yield from self._likely()
            yield from self._again()
        for name, free in _neighbourhoods(self.problem, seed):
            yield name, self._solved(min(STEP, self.left()), free)

    def _likely(self) -> Iterator[tuple[str, Plan | None]]:
        """The rule of the first plan, at the sites that the relaxed programme opens somewhat: a good plan at once, whatever comes of the rest."""
        for share in LIKELY:
            there = self.problem.allowed & (self.relaxed.opened > share)
            if self.problem.published is not None:
                there |= (self.problem.published > 0).any(axis=2)
            yield f"sites opened by more than {share:g}", greedy(replace(self.problem, allowed=there))

    def _again(self) -> Iterator[tuple[str, Plan | None]]:
        """One specialty, then two that want the same rooms, beside the rest, until a round brings nothing."""
        before = np.inf
        while self.cost < before:
            before = self.cost
            yield from self._beside([[k] for k in by_specialty.specialties(self.problem)])
            yield from self._beside(by_specialty.crowded(self.problem, self.plan))

    def _beside(self, groups: list[list[int]]) -> Iterator[tuple[str, Plan | None]]:
        """As many groups at once as there are cores; where two of them take the same room, the second breaks a rule and is not kept."""
        at_once = by_specialty.workers()
        for start in range(0, len(groups), at_once):
            if self.over:  # groups for which nothing is found are not told, and one second is not enough for any
                return
            some = groups[start : start + at_once]
            for group, half_days in zip(some, list(by_specialty.spread(self._planned, some)), strict=True):
                changed = self.plan.copy()
                if half_days is not None:
                    changed[np.isin(self.problem.specialty, group)] = half_days
                    yield f"specialties {group}", changed

    def _planned(self, some: list[int]) -> Plan | None:
        seconds = min(self.left(), max(STEP, self.left() / 5))
        return by_specialty.beside(self.problem, some, self.plan, self._wait(some), seconds)

    def _wait(self, but: list[int]) -> float:
        """The longest wait at the end of all specialties but some, in weeks of demand."""
        demand = np.maximum(self.problem.demand.mean(axis=2), 1e-9)
        return float(np.delete(self.backlog[:, :, -1] / demand, but, axis=0).max(initial=0.0))

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
