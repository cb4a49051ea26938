"""The problem as a mixed-integer programme by week, in arrays that HiGHS reads (scipy)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, linprog, milp
from scipy.sparse import csr_matrix, vstack

from maillage.simulation.allocation.problem import HALF_DAYS, Floats, Problem

MANY: Final = 10_000


@dataclass(slots=True)
class Rows:
    """Constraints as they are written: coefficients, then low and high of each row."""

    row: list[NDArray[np.int64]] = field(default_factory=list)
    column: list[NDArray[np.int64]] = field(default_factory=list)
    value: list[Floats] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)

    def add(self, columns: Any, values: Any, low: float, high: float) -> int:
        """One row; its number."""
        at = np.asarray(columns, np.int64).ravel()
        self.row.append(np.full(len(at), len(self.low)))
        self.column.append(at)
        self.value.append(np.broadcast_to(np.asarray(values, float), at.shape))
        self.low.append(low)
        self.high.append(high)
        return len(self.low) - 1

    def matrix(self, width: int) -> csr_matrix:
        """What was written, for so many variables."""
        shape = (len(self.low), width)
        if not self.low:
            return csr_matrix(shape)
        return csr_matrix((np.concatenate(self.value), (np.concatenate(self.row), np.concatenate(self.column))), shape=shape)


@dataclass(frozen=True, slots=True)
class Relaxed:
    """The programme when half-days and openings may be cut: no plan costs less."""

    cost: float
    longest: float
    """Wait, in weeks of demand."""
    opened: Floats
    """p, s: how far each site is opened."""


class Programme:
    """Variables n (half-days), o (site opened), y (patients seen), b (backlog), z (equity), clause slacks."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        p, s, c, k, w = problem.shape
        self.size = 0
        self.n = self._block(np.broadcast_to(problem.allowed[:, :, None], (p, s, w)))
        self.o = self._block(problem.allowed)
        served = np.zeros((k, s), bool)
        np.logical_or.at(served, problem.specialty, problem.allowed)
        seen = served[:, None, :, None] & problem.near()[None, :, :, None] & np.ones((1, 1, 1, w), bool)
        self.y = self._block(seen)
        self.b = self._block(np.ones((k, c, w), bool))
        self.z = self._block(np.ones(1, bool))
        self.slack = self._block(np.ones(max(1, len(problem.clauses)), bool))
        self.cost = self._costs()
        self.integer = np.zeros(self.size)
        self.integer[self.n[self.n >= 0]] = 1
        self.integer[self.o[self.o >= 0]] = 1
        self.low, self.high = np.zeros(self.size), np.full(self.size, np.inf)
        self.high[self.o[self.o >= 0]] = 1
        self._limits()
        self.room_rows = np.full((s, w), -1)
        rows = self._rows()
        self.matrix = rows.matrix(self.size)
        self.row_low, self.row_high = np.array(rows.low), np.array(rows.high)
        self.reach = self._reach()

    def _block(self, there: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Numbers of variables, -1 where there is none."""
        made = np.full(there.shape, -1, np.int64)
        made[there] = self.size + np.arange(int(there.sum()))
        self.size += int(there.sum())
        return made

    def _costs(self) -> Floats:
        problem, weights, cost = self.problem, self.problem.weights, np.zeros(self.size)
        _set(cost, self.b, weights.backlog * problem.urgency[:, None, None])
        _set(cost, self.y, problem.travel[None, :, :, None] / weights.patient_minutes)
        _set(cost, self.n, problem.trip[:, :, None] / weights.practitioner_minutes)
        _set(cost, self.o, weights.opening)
        cost[self.z[0]] = weights.equity
        cost[self.slack] = weights.clause
        return cost

    def _limits(self) -> None:
        most = np.minimum(self.problem.available[:, None, :], HALF_DAYS) + np.zeros(self.n.shape)
        if self.problem.most is not None:
            most = np.minimum(most, self.problem.most)
        _set(self.high, self.n, most)
        if self.problem.published is not None:
            fixed = (self.problem.published >= 0) & (self.n >= 0)
            self.low[self.n[fixed]] = self.high[self.n[fixed]] = self.problem.published[fixed]

    def _rows(self) -> Rows:
        rows, problem = Rows(), self.problem
        p, s, c, k, w = problem.shape
        for a, d, t in np.ndindex(k, c, w):
            seen = self.y[a, d, :, t]
            seen = seen[seen >= 0]
            before = [self.b[a, d, t - 1]] if t else []
            start = 0.0 if t else float(problem.backlog[a, d])
            columns = np.r_[self.b[a, d, t], before, seen]
            value = np.r_[1.0, -np.ones(len(before)), np.ones(len(seen))]
            rows.add(columns, value, float(problem.demand[a, d, t]) + start, float(problem.demand[a, d, t]) + start)
        for a, e, t in np.ndindex(k, s, w):
            seen, half = self.y[a, :, e, t], self.n[problem.specialty == a, e, t]
            seen, half = seen[seen >= 0], half[half >= 0]
            if len(seen):
                rows.add(np.r_[seen, half], np.r_[np.ones(len(seen)), np.full(len(half), -problem.patients[a])], -np.inf, 0.0)
        for q, t in np.ndindex(p, w):
            mine = self.n[q, :, t][self.n[q, :, t] >= 0]
            rows.add(mine, 1.0, -np.inf, min(float(problem.available[q, t]), float(HALF_DAYS)))
        for e, t in np.ndindex(s, w):
            there = self.n[:, e, t][self.n[:, e, t] >= 0]
            self.room_rows[e, t] = rows.add(there, 1.0, -np.inf, float(problem.rooms[e] * HALF_DAYS))
        for q, e, t in np.argwhere(self.n >= 0):
            rows.add([self.n[q, e, t], self.o[q, e]], [1.0, -max(1.0, float(self.high[self.n[q, e, t]]))], -np.inf, 0.0)
        self._shared(rows)
        return rows

    def _shared(self, rows: Rows) -> None:
        """Equity and clauses."""
        problem = self.problem
        last = problem.demand.mean(axis=2)
        for a, d in np.argwhere(last > 0):
            rows.add([self.z[0], self.b[a, d, -1]], [1.0, -1.0 / last[a, d]], 0.0, np.inf)
        for number, (a, e, owed) in enumerate(problem.clauses):
            half = self.n[problem.specialty == a, e].ravel()
            half = half[half >= 0]
            rows.add(np.r_[half, self.slack[number]], 1.0, float(owed), np.inf)

    def _reach(self) -> csr_matrix:
        """Rows that hold for every plan, and cost the relaxed programme much: a commune sends nobody to a site that nobody opens.

        Over the weeks, at most all who wait or come there, times the practitioners who open the site.
        """
        problem, rows = self.problem, Rows()
        everyone = problem.backlog + problem.demand.sum(axis=2)
        for a, d, e in np.argwhere((self.y >= 0).any(axis=3)):
            opened = self.o[problem.specialty == a, e]
            opened = opened[opened >= 0]
            seen = self.y[a, d, e]
            rows.add(np.r_[seen, opened], np.r_[np.ones(len(seen)), np.full(len(opened), -everyone[a, d])], -np.inf, 0.0)
        return rows.matrix(self.size)

    def relaxed(self) -> Relaxed:
        """What no plan can beat."""
        found = self._divisible(self.low, self.high)
        return Relaxed(float(found.fun), float(found.x[self.z[0]]), self.shares(found.x))

    def prices(self, plan: NDArray[np.int64]) -> Floats:
        """By variable: what one more of it would spare at most beside this plan."""
        low, high = self.low.copy(), self.high.copy()
        there = self.n >= 0
        low[self.n[there]] = high[self.n[there]] = plan[there]
        opened = (plan.sum(axis=2) > 0) & (self.o >= 0)
        low[self.o[opened]] = 1.0
        found = self._divisible(low, high)
        return np.asarray(-(found.lower.marginals + found.upper.marginals))

    def _divisible(self, low: Floats, high: Floats) -> OptimizeResult:
        """Half-days and openings may be cut. The interior point is faster where there are many variables."""
        equal = self.row_low == self.row_high
        upper, lower = np.isfinite(self.row_high) & ~equal, np.isfinite(self.row_low) & ~equal
        return linprog(
            self.cost, vstack([self.matrix[upper], -self.matrix[lower], self.reach]),
            np.r_[self.row_high[upper], -self.row_low[lower], np.zeros(self.reach.shape[0])],
            self.matrix[equal], self.row_low[equal], np.stack([low, high], axis=1),
            method="highs-ipm" if self.size > MANY else "highs",
        )  # fmt: skip

    def shares(self, found: Floats) -> Floats:
        """p, s: how far each site is opened in a solution."""
        return np.where(self.o >= 0, found[self.o], 0.0)

    def solve(
        self, seconds: float, *, free: NDArray[np.bool_] | None = None, plan: NDArray[np.int64] | None = None, below: float = np.inf
    ) -> tuple[float, NDArray[np.int64], Floats] | None:
        """The best plan found in so many seconds; what is not `free` keeps the half-days of `plan`; nothing when none is below `below`."""
        low, high = self.low.copy(), self.high.copy()
        if free is not None and plan is not None:
            held = (self.n >= 0) & ~free
            low[self.n[held]] = high[self.n[held]] = plan[held]
        constraints = self.rows() if free is None or free.any() else self.rows()[:1]
        if np.isfinite(below):
            constraints.append(LinearConstraint(csr_matrix(self.cost), -np.inf, below))
        options = {"time_limit": max(0.1, seconds), "mip_rel_gap": 1e-4}  # one below zero is taken for none at all
        found = milp(self.cost, constraints=constraints, integrality=self.integer, bounds=Bounds(low, high), options=options)
        if found.x is None:
            return None
        return float(found.fun), self.half_days(found.x), found.x[self.b]

    def rows(self) -> list[LinearConstraint]:
        """Every row; those that only help the solver last."""
        return [LinearConstraint(self.matrix, self.row_low, self.row_high), LinearConstraint(self.reach, -np.inf, 0.0)]

    def half_days(self, found: Floats) -> NDArray[np.int64]:
        """p, s, w: the plan in a solution."""
        half = np.zeros(self.n.shape, np.int64)
        half[self.n >= 0] = np.rint(found[self.n[self.n >= 0]]).astype(np.int64)
        return half

    def judged(self, plan: NDArray[np.int64]) -> tuple[float, Floats]:
        """Cost and backlog of a plan when its patients are spread as well as can be."""
        found = self.judgement(plan)
        if found is None:
            raise ValueError("a plan that breaks a rule")
        return found

    def judgement(self, plan: NDArray[np.int64]) -> tuple[float, Floats] | None:
        """The same; nothing for a plan that breaks a rule."""
        found = self.solve(60.0, free=np.zeros(self.n.shape, bool), plan=plan)
        return (found[0], found[2]) if found else None


def _set(into: Floats, numbers: NDArray[np.int64], values: Any) -> None:
    """Write the values of the variables that exist."""
    there = numbers >= 0
    into[numbers[there]] = np.broadcast_to(values, numbers.shape)[there]
