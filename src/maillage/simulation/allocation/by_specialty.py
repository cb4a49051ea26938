"""Large problems specialty by specialty: what ties specialties together, rooms and the longest wait, is paid at the prices of the relaxed programme.

The costs at these prices bound the whole from below whatever the prices are (Lagrange). A specialty is solved in two steps, of which the first says
almost everything: which sites are opened, half-days still divisible, gives the bound; half-days are then whole at the sites opened. Where two
specialties want the same room, the second is solved again with what is left.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, milp

from maillage.simulation.allocation.model import Programme, Relaxed
from maillage.simulation.allocation.problem import HALF_DAYS, Floats, Problem

Plan = NDArray[np.int64]
"""p, s, w -> half-days."""
WITHIN: Final = 1e-4
FIRST: Final = 0.65
"""Of the time: specialties without regard to one another; then those for whom there is no room."""
WIDE: Final = 8000
"""Above so many variables a specialty has no bound of its own: what it would gain on the relaxed programme is not worth the time that a plan needs."""
SHARE: Final = 0.02
"""A site that the relaxed programme opens by less is left out where the time does not suffice for all."""


@dataclass(frozen=True, slots=True)
class Part:
    """One specialty: its problem, its prices, and the time that it has."""

    problem: Problem
    relaxed: Relaxed
    seconds: float


@dataclass(frozen=True, slots=True)
class Solution:
    """No plan of this specialty costs less than `bound` at the prices; half-days by its practitioners, where any were found."""

    bound: float
    half_days: Plan | None


def solve(
    problem: Problem, relaxed: Relaxed, first: Plan, seconds: float, *, clock: Callable[[], float] = time.monotonic
) -> tuple[float, Plan]:
    """A bound of the whole, and a plan: every core takes one specialty after the other; then those are solved again for whom there is no room.

    A specialty for which nothing was found in time keeps its half-days of the `first` plan, as far as there are rooms.
    """
    end = clock() + seconds
    wait = relaxed.wait * min(1.0, problem.weights.equity / max(relaxed.wait.sum(), 1e-9))
    relaxed, specialties = replace(relaxed, wait=wait), np.unique(problem.specialty)
    workers = min(os.cpu_count() or 1, len(specialties))
    each = FIRST * seconds / -(-len(specialties) // workers)
    parts = [_part(problem, relaxed, int(k), each) for k in specialties]
    found = list(_spread(parts, workers))
    bound = sum(one.bound for one in found) + _unserved(problem, set(specialties.tolist()))
    bound -= float((relaxed.room.T * problem.rooms).sum()) * HALF_DAYS
    plan = (
        np.zeros((*problem.allowed.shape, problem.demand.shape[2]), np.int64)
        if problem.published is None
        else np.maximum(problem.published, 0)
    )
    promised = plan.copy()
    for number, (part, one, k) in enumerate(zip(parts, found, specialties, strict=True)):
        mine, half_days = problem.specialty == k, one.half_days
        left = _rooms(problem) - plan[~mine].sum(axis=0)
        if half_days is None or (half_days.sum(axis=0) > left).any():
            half_days = planned(part.problem, relaxed.longest, left, max(1.0, (end - clock()) / (len(parts) - number)))
        plan[mine] = _housed(first[mine], promised[mine], left) if half_days is None else half_days
    return bound, plan


def _housed(plan: Plan, promised: Plan, left: Plan) -> Plan:
    """What is published, then practitioner by practitioner what the rooms allow."""
    more = np.maximum(plan - promised, 0)
    before = more.cumsum(axis=0) - more + promised.sum(axis=0)
    return np.asarray(promised + np.clip(left - before, 0, more))


def again(problem: Problem, relaxed: Relaxed, plan: Plan, k: int, seconds: float) -> Plan | None:
    """The plan with one specialty solved again, the others as they are."""
    mine = problem.specialty == k
    left = _rooms(problem) - plan[~mine].sum(axis=0)
    half_days = planned(_part(problem, relaxed, k, seconds).problem, relaxed.longest, left, seconds)
    if half_days is None:
        return None
    found = plan.copy()
    found[mine] = half_days
    return found


def _rooms(problem: Problem) -> Plan:
    """s, w: half-days."""
    return np.repeat(problem.rooms[:, None] * HALF_DAYS, problem.demand.shape[2], axis=1)


def _spread(parts: list[Part], workers: int) -> Iterator[Solution]:
    """In processes: HiGHS, called from scipy, holds Python's lock."""
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        yield from pool.map(specialty, parts)


def _part(problem: Problem, relaxed: Relaxed, k: int, seconds: float) -> Part:
    mine = problem.specialty == k
    alone = replace(
        problem,
        specialty=np.zeros(int(mine.sum()), np.int64),
        patients=problem.patients[k : k + 1],
        urgency=problem.urgency[k : k + 1],
        demand=problem.demand[k : k + 1],
        backlog=problem.backlog[k : k + 1],
        trip=problem.trip[mine],
        available=problem.available[mine],
        allowed=problem.allowed[mine],
        published=None if problem.published is None else problem.published[mine],
        clauses=tuple((0, e, owed) for a, e, owed in problem.clauses if a == k),
    )
    return Part(alone, replace(relaxed, wait=relaxed.wait[k : k + 1]), seconds)


def _unserved(problem: Problem, served: set[int]) -> float:
    """The backlog of specialties that nobody practises: nothing can be decided of it."""
    weight, cost = problem.weights.backlog, 0.0
    for k in set(range(len(problem.patients))) - served:
        cost += weight * float(problem.urgency[k] * (problem.backlog[k][:, None] + problem.demand[k].cumsum(axis=1)).sum())
    return cost


def specialty(part: Part) -> Solution:
    """The bound with every site, then a plan at the sites opened; without a bound (minus infinity) that of the relaxed programme holds."""
    left, longest = _rooms(part.problem), part.relaxed.longest
    priced = _priced(part.problem, part.relaxed)
    if priced.size > WIDE:
        return Solution(-np.inf, planned(part.problem, longest, left, part.seconds))
    first = _opened(priced, 0.6 * part.seconds)
    bound = -np.inf if first.mip_dual_bound is None else float(first.mip_dual_bound)
    if first.x is None or first.fun - bound > 10 * WITHIN * abs(bound):
        return Solution(bound, planned(part.problem, longest, left, 0.4 * part.seconds))
    return Solution(bound, _whole(part.problem, longest, left, _shares(priced, first), 0.4 * part.seconds))


def planned(problem: Problem, longest: float, left: Plan, seconds: float) -> Plan | None:
    """One specialty in the rooms that are left: at which sites if openings may be cut, at which of these if not, then how many half-days."""
    whole = _tied(problem, longest, left)
    relaxed = _milp(whole, np.zeros(whole.size), seconds)
    if relaxed.x is None:
        return None
    fewer = _tied(replace(problem, allowed=_likely(problem, _shares(whole, relaxed))), longest, left)
    found = _opened(fewer, 0.5 * seconds)
    return None if found.x is None else _whole(problem, longest, left, _shares(fewer, found), 0.4 * seconds)


def _shares(programme: Programme, found: OptimizeResult) -> Floats:
    """p, s: how far each site is opened."""
    return np.where(programme.o >= 0, found.x[programme.o], 0.0)


def _tied(problem: Problem, longest: float, left: Plan) -> Programme:
    """The programme of one specialty where the others leave so many rooms; waits shorter than the longest of the others are worth nothing more."""
    programme = Programme(problem)
    programme.row_high[programme.room_rows] = left
    programme.low[programme.z[0]] = longest
    return programme


def _likely(problem: Problem, shares: Floats) -> NDArray[np.bool_]:
    """The sites opened by more than a share; and those where something is published already."""
    kept = shares > SHARE
    if problem.published is not None:
        kept |= (problem.published > 0).any(axis=2)
    return np.asarray(problem.allowed & kept)


def _priced(problem: Problem, relaxed: Relaxed) -> Programme:
    """The programme of one specialty where rooms and the longest wait cost their price, and the wait of the whole nothing more."""
    programme = Programme(problem)
    there = programme.n >= 0
    programme.cost[programme.n[there]] += np.broadcast_to(relaxed.room, there.shape)[there]
    demand = problem.demand.mean(axis=2)
    there = demand > 0
    programme.cost[programme.b[:, :, -1][there]] += relaxed.wait[there] / demand[there]
    programme.cost[programme.z[0]] = 0.0
    return programme


def _opened(programme: Programme, seconds: float) -> OptimizeResult:
    """Whole openings, divisible half-days."""
    integer = np.zeros(programme.size)
    integer[programme.o[programme.o >= 0]] = 1
    return _milp(programme, integer, seconds)


def _whole(problem: Problem, longest: float, left: Plan, shares: Floats, seconds: float) -> Plan | None:
    """Whole half-days at the sites opened."""
    programme = _tied(replace(problem, allowed=_likely(problem, shares)), longest, left)
    programme.low[programme.o[programme.o >= 0]] = 1.0
    found = _milp(programme, programme.integer, seconds)
    return None if found.x is None else programme.half_days(found.x)


def _milp(programme: Programme, integer: Floats, seconds: float) -> OptimizeResult:
    rows = LinearConstraint(programme.matrix, programme.row_low, programme.row_high)
    options = {"time_limit": max(0.5, seconds), "mip_rel_gap": WITHIN}
    bounds = Bounds(programme.low, programme.high)
    return milp(programme.cost, constraints=rows, integrality=integer, bounds=bounds, options=options)
