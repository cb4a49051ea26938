"""A few specialties cut out of a problem, the others left as they are: which sites they open, then how many half-days."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, OptimizeResult, milp

from maillage.simulation.allocation.model import Programme
from maillage.simulation.allocation.problem import HALF_DAYS, Floats, Plan, Problem

SHARE: Final = 0.02
"""A site that the relaxed programme opens by less is left out where the time does not suffice for all."""
MOSTLY: Final = 0.3
"""Opened by more, a site is opened where no time was left to choose."""
OPENINGS: Final = 1e-3
HALVES: Final = 5e-4
"""The gaps at which a search stops: what is better still is sought elsewhere."""


def rooms(problem: Problem) -> Plan:
    """s, w: half-days."""
    return np.repeat(problem.rooms[:, None] * HALF_DAYS, problem.demand.shape[2], axis=1)


def cut(problem: Problem, specialties: list[int]) -> Problem:
    """The problem of these specialties and of their practitioners alone."""
    mine = np.isin(problem.specialty, specialties)
    return replace(
        problem,
        specialty=np.searchsorted(specialties, problem.specialty[mine]),
        patients=problem.patients[specialties],
        urgency=problem.urgency[specialties],
        demand=problem.demand[specialties],
        backlog=problem.backlog[specialties],
        trip=problem.trip[mine],
        available=problem.available[mine],
        allowed=problem.allowed[mine],
        published=None if problem.published is None else problem.published[mine],
        most=None if problem.most is None else problem.most[mine],
        clauses=tuple((specialties.index(a), e, owed) for a, e, owed in problem.clauses if a in specialties),
    )


def planned(problem: Problem, longest: float, left: Plan, shares: Floats, seconds: float) -> Plan | None:
    """A plan in the rooms that are left, at the sites which the relaxed programme opens somewhat: whole openings first, then whole half-days.

    Waits shorter than the `longest` of the others are worth nothing more.
    """
    end = time.monotonic() + seconds
    fewer = _tied(replace(problem, allowed=_likely(problem, shares)), longest, left)
    found = opened(fewer, 0.6 * seconds, OPENINGS)
    which = np.where(shares > MOSTLY, shares, 0.0) if found.x is None else fewer.shares(found.x)
    whole = _tied(replace(problem, allowed=_likely(problem, which)), longest, left)
    whole.low[whole.o[whole.o >= 0]] = 1.0
    found = solved(whole, whole.integer, end - time.monotonic(), HALVES)
    return None if found.x is None else whole.half_days(found.x)


def shares(problem: Problem, longest: float, left: Plan, seconds: float) -> Floats | None:
    """p, s: how far each site is opened in the rooms that are left, where openings may be cut; nothing when there is no plan."""
    programme = _tied(problem, longest, left)
    found = solved(programme, np.zeros(programme.size), seconds, 0.0)
    return None if found.x is None else programme.shares(found.x)


def cost(problem: Problem, longest: float, plan: Plan) -> float:
    """What a plan costs when the others wait `longest`; without end where it breaks a rule."""
    programme = _tied(problem, longest, rooms(problem))
    found = programme.judgement(plan)
    return found[0] if found else np.inf


def worth(problem: Problem, plan: Plan) -> Floats:
    """p, s, w: what one more half-day there would spare at most."""
    programme = Programme(problem)
    return np.where(programme.n >= 0, programme.prices(plan)[programme.n], -np.inf)


def _tied(problem: Problem, longest: float, left: Plan) -> Programme:
    programme = Programme(problem)
    programme.row_high[programme.room_rows] = left
    programme.low[programme.z[0]] = longest
    return programme


def _likely(problem: Problem, opened: Floats) -> NDArray[np.bool_]:
    """The sites opened by more than a share; and those where something is published already."""
    kept = opened > SHARE
    if problem.published is not None:
        kept |= (problem.published > 0).any(axis=2)
    return np.asarray(problem.allowed & kept)


def opened(programme: Programme, seconds: float, within: float) -> OptimizeResult:
    """Whole openings, divisible half-days."""
    integer = np.zeros(programme.size)
    integer[programme.o[programme.o >= 0]] = 1
    return solved(programme, integer, seconds, within)


def solved(programme: Programme, integer: Floats, seconds: float, within: float) -> OptimizeResult:
    """What HiGHS finds in so many seconds; it leaves Python's lock to the other threads."""
    options = {"time_limit": max(0.5, seconds), "mip_rel_gap": within}
    bounds = Bounds(programme.low, programme.high)
    return milp(programme.cost, constraints=programme.rows(), integrality=integer, bounds=bounds, options=options)
