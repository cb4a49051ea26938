"""Large problems specialty by specialty, one on every core: first apart, then again one or two beside the others, in the rooms that these leave."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import combinations
from typing import TypeVar

import numpy as np

from maillage.simulation.allocation import parts
from maillage.simulation.allocation.model import Relaxed
from maillage.simulation.allocation.problem import Plan, Problem

Asked = TypeVar("Asked")
Found = TypeVar("Found")


def workers() -> int:
    """How many specialties at once."""
    return os.cpu_count() or 1


def spread(work: Callable[[Asked], Found], on: Iterable[Asked]) -> Iterator[Found]:
    """In threads: HiGHS leaves Python's lock while it works."""
    with ThreadPoolExecutor(workers()) as pool:
        yield from pool.map(work, on)


def specialties(problem: Problem) -> list[int]:
    """Those that somebody practises."""
    return [int(k) for k in np.unique(problem.specialty)]


def apart(problem: Problem, relaxed: Relaxed, first: Plan, seconds: float) -> Plan:
    """Each specialty planned as if it had every room; where nothing is found in time, its half-days of the `first` plan."""
    plan, every = first.copy(), specialties(problem)
    each, left = seconds / -(-len(every) // workers()), parts.rooms(problem)

    def planned(k: int) -> Plan | None:
        opened = relaxed.opened[problem.specialty == k]
        return parts.planned(parts.cut(problem, [k]), relaxed.longest, left, opened, each)

    for k, half_days in zip(every, spread(planned, every), strict=True):
        if half_days is not None:
            plan[problem.specialty == k] = half_days
    return plan


def together(problem: Problem, longest: float, plans: list[Plan]) -> Plan:
    """One plan out of several: for each specialty the half-days that cost least, as far as those before it leave rooms."""
    whole = np.zeros_like(plans[0]) if problem.published is None else np.maximum(problem.published, 0)
    promised = whole.copy()
    for k in specialties(problem):
        mine = problem.specialty == k
        part, left = parts.cut(problem, [k]), parts.rooms(problem) - whole[~mine].sum(axis=0)
        housed = [_housed(plan[mine], promised[mine], left) for plan in plans]
        whole[mine] = min(housed, key=partial(parts.cost, part, longest))
    return whole


def _housed(plan: Plan, promised: Plan, left: Plan) -> Plan:
    """What is published, then practitioner by practitioner what the rooms allow."""
    more = np.maximum(plan - promised, 0)
    before = more.cumsum(axis=0) - more + promised.sum(axis=0)
    return np.asarray(promised + np.clip(left - before, 0, more))


def beside(problem: Problem, some: list[int], plan: Plan, longest: float, seconds: float) -> Plan | None:
    """Half-days of some specialties in the rooms that the plan leaves to them; the others wait `longest` at most."""
    part, left = parts.cut(problem, some), parts.rooms(problem) - plan[~np.isin(problem.specialty, some)].sum(axis=0)
    opened = parts.shares(part, longest, left, 0.5 * seconds)
    return None if opened is None else parts.planned(part, longest, left, opened, 0.5 * seconds)


def crowded(problem: Problem, plan: Plan) -> list[list[int]]:
    """Specialties, two by two, that want a site which is full in some week."""
    full = (plan.sum(axis=0) >= parts.rooms(problem)).any(axis=1)
    goes = {k: (problem.allowed[problem.specialty == k].any(axis=0)) & full for k in specialties(problem)}
    return [[a, b] for a, b in combinations(goes, 2) if (goes[a] & goes[b]).any()]
