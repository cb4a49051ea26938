"""Large problems specialty by specialty, one on every core: one, then two that want the same site, beside the others, in the rooms that these leave."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from typing import TypeVar

import numpy as np

from maillage.simulation.allocation import parts
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
