"""Sessions proposed to sites: rules kept, bound and gap said, who waits more shown."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from maillage.cli.plan import plan
from maillage.cli.status import Failure
from maillage.simulation import allocation
from maillage.simulation.allocation import Problem, Solved, by_constraints, by_specialty
from maillage.simulation.allocation.model import Programme
from maillage.simulation.allocation.placement import APART, Placed
from maillage.simulation.allocation.problem import HALF_DAYS, NEAR, Unusable


@cache
def small() -> tuple[Problem, Solved]:
    problem = allocation.example(6, 5, 6, weeks=4, specialties=3)
    return problem, allocation.solve(problem, 8.0)


def kept(problem: Problem, found: np.ndarray) -> None:
    assert (found >= 0).all()
    assert (found[~problem.allowed] == 0).all()
    assert (found.sum(axis=1) <= np.minimum(problem.available, HALF_DAYS)).all()
    assert (found.sum(axis=0) <= (problem.rooms * HALF_DAYS)[:, None]).all()


def test_a_plan_keeps_the_rules_and_lies_above_its_bound() -> None:
    problem, solved = small()
    kept(problem, solved.plan)
    kept(problem, allocation.greedy(problem))
    assert solved.bound <= solved.cost * (1 + 1e-9)
    assert solved.cost <= solved.greedy_cost
    assert solved.gap < 0.05


def test_a_territory_solved_by_specialty_has_a_bound_above_the_relaxed_one_and_under_every_plan() -> None:
    problem, solved = small()
    programme = Programme(problem)
    relaxed = programme.relaxed()
    bound, plan = by_specialty.solve(problem, relaxed, allocation.greedy(problem), 6.0)
    kept(problem, plan)
    assert relaxed.cost * (1 - 1e-6) <= bound <= solved.cost * (1 + 1e-6)
    assert bound <= programme.judged(plan)[0] * (1 + 1e-6)
    changed = by_specialty.again(problem, relaxed, plan, 1, 3.0)
    assert changed is not None
    kept(problem, changed)
    assert (changed[problem.specialty != 1] == plan[problem.specialty != 1]).all()


def test_specialties_that_want_the_same_room_share_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """One site with one room, more practitioners than it holds; each specialty alone would fill it."""
    problem, _ = small()
    tight = replace(problem, allowed=np.arange(5)[None, :] == np.zeros((6, 1)), available=np.full((6, 4), 4), rooms=np.ones(5, np.int64))
    monkeypatch.setattr(by_specialty, "_spread", lambda parts, _: map(by_specialty.specialty, parts))
    plan = by_specialty.solve(tight, Programme(tight).relaxed(), allocation.greedy(tight), 3.0)[1]
    kept(tight, plan)
    assert plan.sum(axis=(0, 1))[0] == HALF_DAYS  # those who wait at the start fill the first week
    published = np.full((6, 5, 4), -1)
    published[5, 0] = 4
    held = replace(tight, published=published)
    plan = by_specialty.solve(held, Programme(held).relaxed(), allocation.greedy(held), 3.0)[1]
    kept(held, plan)
    assert (plan[5, 0] == 4).all()


def test_half_days_without_a_room_are_left_out() -> None:
    plan, published = np.array([[[3, 2]], [[2, 2]]]), np.array([[[0, 0]], [[2, 0]]])
    assert by_specialty._housed(plan, 0 * published, np.array([[4, 1]])).tolist() == [[[3, 1]], [[1, 0]]]
    assert by_specialty._housed(plan, published, np.array([[4, 1]])).tolist() == [[[2, 1]], [[2, 0]]]


def test_the_cost_is_that_of_the_formula() -> None:
    """Balance of patients by hand: what is not seen waits, week after week."""
    problem, solved = small()
    cost, backlog = Programme(problem).judged(solved.plan)
    assert cost == pytest.approx(solved.cost, rel=1e-4)
    everyone = problem.backlog.sum() + problem.demand.sum()
    capacity = sum(float(solved.plan[p].sum() * problem.patients[problem.specialty[p]]) for p in range(len(problem.specialty)))
    assert everyone - capacity <= backlog[:, :, -1].sum() + 1e-6 <= everyone + 1e-6
    assert (np.diff(backlog, axis=2) <= problem.demand[:, :, 1:] + 1e-6).all()


def test_nobody_is_sent_far_and_what_no_site_reaches_is_said() -> None:
    problem, _ = small()
    programme = Programme(problem)
    assert (programme.y[:, problem.travel > NEAR] == -1).all()
    alone = replace(problem, travel=np.where(np.arange(len(problem.travel))[:, None] == 2, 90.0, problem.travel))
    assert {commune for _, commune in alone.unreachable()} >= {2}


def test_published_sessions_are_constants() -> None:
    problem, solved = small()
    published = np.where(np.arange(4) == 0, solved.plan, -1)
    again = allocation.solve(replace(problem, published=published), 4.0)
    assert (again.plan[:, :, 0] == solved.plan[:, :, 0]).all()


def test_who_waits_more_is_shown_worst_first() -> None:
    problem, solved = small()
    found = allocation.explain(problem, solved)
    gaps = [row["after"] - row["before"] for row in found["waits_more"]]
    assert gaps == sorted(gaps, reverse=True)
    assert all(gap > 0 for gap in gaps)
    assert found["proposal"]
    assert "practitioner" not in json.dumps(found)


def placed_well(problem: Problem, week: np.ndarray, found: Placed) -> None:
    for p in range(len(problem.specialty)):
        mine = [(s, h) for q, s, h in found.places if q == p]
        assert len({h for _, h in mine}) == len(mine)
        for s, h in mine:
            assert all(problem.between[s, e] <= APART for e, other in mine if other // 2 == h // 2)
    for s in range(len(problem.rooms)):
        for h in range(HALF_DAYS):
            assert sum((e, other) == (s, h) for _, e, other in found.places) <= problem.rooms[s]
    assert len(found.places) + len(found.left) == week.sum()


def test_both_solvers_place_as_many_half_days() -> None:
    """scipy's HiGHS and ortools in one process: the wheel of highspy could not."""
    problem, solved = small()
    for w in range(solved.plan.shape[2]):
        week = solved.plan[:, :, w]
        first, second = allocation.place(problem, week), by_constraints.place(problem, week)
        placed_well(problem, week, first)
        placed_well(problem, week, second)
        assert len(first.places) == len(second.places)


def test_the_command_proposes_and_publishes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert plan("sessions", example="4x3", seconds=3) == 0
    assert "rien n'est publié" in capsys.readouterr().out
    with pytest.raises(Failure, match="invalid literal"):
        plan("sessions", example="fourxthree")


def test_a_problem_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(Unusable, match="no problem"):
        allocation.read("{}")
