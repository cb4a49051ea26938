"""Sessions proposed to sites: rules kept, bound and gap said, who waits more shown."""

from __future__ import annotations

import ctypes
import json
import re
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from tests.rules.test_simulation_sentences import FRENCH

from maillage.cli.plan import lines, plan
from maillage.cli.status import Failure
from maillage.simulation import allocation
from maillage.simulation.allocation import Problem, Solved, by_constraints, by_specialty, parts, placed, search, shown
from maillage.simulation.allocation.model import Programme
from maillage.simulation.allocation.placement import APART, Placed
from maillage.simulation.allocation.problem import FIELDS, HALF_DAYS, NEAR, Unusable


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


def test_no_plan_costs_less_than_the_bound() -> None:
    """Two practitioners, two sites, two weeks: every plan there is, rooms and half-days as they may be."""
    for seed, scarce in product(range(1, 5), (False, True)):
        problem = allocation.example(2, 2, 3, weeks=2, specialties=2, seed=seed, scarce=scarce)
        problem = replace(problem, allowed=np.ones((2, 2), bool), available=np.ones((2, 2), np.int64), rooms=np.ones(2, np.int64))
        programme = Programme(problem)
        every = (np.array(plan).reshape(2, 2, 2) for plan in product((0, 1), repeat=8))
        best = min(programme.judged(plan)[0] for plan in every if (plan.sum(axis=1) <= 1).all())
        solved = allocation.solve(problem, 5.0)
        assert programme.relaxed().cost <= best * (1 + 1e-6)
        assert solved.bound <= best * (1 + 1e-6)
        assert solved.cost == pytest.approx(best, rel=1e-4)


def test_sites_that_nobody_opens_see_nobody_which_raises_the_bound() -> None:
    """Without these rows the relaxed programme opens a third of a site; with them no plan becomes dearer."""
    problem, solved = small()
    programme = Programme(problem)
    with_rows = programme.relaxed()
    assert (with_rows.opened[~problem.allowed] == 0).all()
    programme.reach = programme.reach[:0]
    assert programme.relaxed().cost * 1.001 < with_rows.cost <= solved.cost * (1 + 1e-9)


def test_a_territory_solved_by_specialty_costs_hardly_more_than_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, solved = small()
    monkeypatch.setattr(search, "WHOLE", 0)
    found = allocation.solve(problem, 8.0)
    kept(problem, found.plan)
    assert found.bound == pytest.approx(solved.bound)
    assert "specialties" in " ".join(found.steps)
    assert solved.bound * (1 - 1e-9) <= found.cost <= solved.cost * 1.01


def test_no_specialty_is_planned_again_when_the_time_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, _ = small()
    now, begun = [0.0], []

    def slow(_problem: Problem, some: list[int], *_: object) -> None:
        begun.append(some)
        now[0] += 100.0

    monkeypatch.setattr(search, "WHOLE", 0)
    monkeypatch.setattr(by_specialty, "workers", lambda: 1)
    monkeypatch.setattr(by_specialty, "beside", slow)
    allocation.solve(problem, 50.0, clock=lambda: now[0])
    assert begun == [[0]]


def test_a_specialty_planned_beside_the_others_leaves_them_as_they_are() -> None:
    """What it costs beside the others is what the whole then costs."""
    problem, solved = small()
    half_days = by_specialty.beside(problem, [1], solved.plan, 0.0, 6.0)
    assert half_days is not None
    mine = problem.specialty == 1
    changed = solved.plan.copy()
    changed[mine] = half_days
    kept(problem, changed)
    part = parts.cut(problem, [1])
    apart = parts.cost(part, 50.0, half_days) - parts.cost(part, 50.0, solved.plan[mine])
    calm = replace(problem, weights=replace(problem.weights, equity=0.0))
    programme = Programme(calm)
    assert programme.judged(changed)[0] - programme.judged(solved.plan)[0] == pytest.approx(apart, abs=0.5)
    assert parts.cost(part, 0.0, half_days + 9) == np.inf


def test_specialties_that_want_a_full_site_are_planned_two_by_two() -> None:
    """One site with one room, more practitioners than it holds; each specialty alone would fill it."""
    problem, _ = small()
    tight = replace(problem, allowed=np.arange(5)[None, :] == np.zeros((6, 1)), available=np.full((6, 4), 4), rooms=np.ones(5, np.int64))
    nothing = np.zeros((6, 5, 4), np.int64)
    full = nothing.copy()
    full[0, 0] = HALF_DAYS
    assert by_specialty.crowded(tight, full) == [[0, 1], [0, 2], [1, 2]]
    assert not by_specialty.crowded(tight, nothing)


def test_a_specialty_takes_the_rooms_that_the_others_leave() -> None:
    problem, _ = small()
    tight = replace(problem, allowed=np.arange(5)[None, :] == np.zeros((6, 1)), available=np.full((6, 4), 4), rooms=np.ones(5, np.int64))
    plan = np.zeros((6, 5, 4), np.int64)
    plan[tight.specialty == 0, 0] = HALF_DAYS // 2 - 1  # two practitioners: two half-days are left
    half_days = by_specialty.beside(tight, [1], plan, 0.0, 6.0)
    assert half_days is not None
    plan[tight.specialty == 1] = half_days
    kept(tight, plan)
    assert half_days.sum(axis=0)[0].max() == 2


def test_published_sessions_are_constants_specialty_by_specialty_too(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, solved = small()
    published = np.where(np.arange(4) == 0, solved.plan, -1)
    monkeypatch.setattr(search, "WHOLE", 0)
    again = allocation.solve(replace(problem, published=published), 6.0)
    assert (again.plan[:, :, 0] == solved.plan[:, :, 0]).all()


def test_in_a_scarce_territory_a_good_plan_leaves_half_of_what_doing_nothing_costs() -> None:
    problem = allocation.example(scarce=True)
    programme, first = Programme(problem), allocation.greedy(problem)
    nothing = programme.judged(np.zeros_like(first))[0]
    assert 1.8e6 < nothing < 2.0e6
    assert 0.45 < programme.judged(first)[0] / nothing < 0.55
    assert 500 < first.sum() < 560


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


def test_the_parts_of_the_cost_make_the_whole() -> None:
    """A clause that cannot be kept is among them."""
    problem, _ = small()
    owed = replace(problem, clauses=((0, 2, 500.0),))
    solved = allocation.solve(owed, 5.0)
    found = allocation.explain(owed, solved)
    assert sum(found["cost_made_of"].values()) == pytest.approx(solved.cost, rel=1e-5)
    row = found["clauses"][0]
    assert found["cost_made_of"]["clauses"] == pytest.approx(500.0 * (500 - row["given"]))
    assert row["given"] == solved.plan[problem.specialty == 0, 2].sum()
    assert min(found["cost_made_of"].values()) >= 0
    assert found["cost_made_of"]["patients_travel"] > 0


def test_one_more_half_day_spares_what_is_said() -> None:
    """Given to anyone of the specialty there, the plan judged as a whole costs so much less."""
    problem, solved = small()
    rows = allocation.explain(problem, solved)["one_more_half_day"]
    assert [row["gain"] for row in rows] == sorted((row["gain"] for row in rows), reverse=True)
    first = rows[0]
    assert first["gain"] > 0
    more = Programme(replace(problem, available=problem.available + 1))
    gains = []
    for p in np.flatnonzero(problem.specialty == first["specialty"]):
        if solved.plan[p, first["site"]].sum():
            changed = solved.plan.copy()
            changed[p, first["site"], first["week"]] += 1
            gains.append(more.judged(solved.plan)[0] - more.judged(changed)[0])
    assert first["gain"] == pytest.approx(max(gains), abs=2.0)


def test_rooms_say_where_it_is_full() -> None:
    problem, solved = small()
    rows = {row["site"]: row for row in allocation.explain(problem, solved)["rooms"]}
    assert set(rows) == set(np.flatnonzero(solved.plan.sum(axis=(0, 2))).tolist())
    assert all(row["used"] == solved.plan[:, site].sum() and row["of"] == problem.rooms[site] * HALF_DAYS * 4 for site, row in rows.items())
    full = replace(problem, specialty=np.zeros(6, np.int64), rooms=np.ones(5, np.int64))
    plan = np.zeros_like(solved.plan)
    plan[:4, 2, 1], plan[4, 2, 1], plan[0, 3, 0] = 2, 2, 1
    assert shown.rooms(full, plan) == [
        {"site": 2, "used": 10, "of": 40, "full_weeks": 1},
        {"site": 3, "used": 1, "of": 40, "full_weeks": 0},
    ]


def as_text(problem: Problem, **more: object) -> str:
    return json.dumps({name: getattr(problem, name).tolist() for name in FIELDS} | more)


def test_a_plan_is_locked_asked_again_and_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The answer's plan, put in `published`, stays; against the earlier answer nothing moved and nobody waits more."""
    problem, solved = small()
    asked, earlier = tmp_path / "problem.json", tmp_path / "answer.json"
    earlier.write_text(json.dumps({"plan": solved.plan.tolist()}))
    asked.write_text(as_text(problem, published=solved.plan.tolist()))
    assert plan("sessions", asked, since=earlier, seconds=3, other_weights=True, json=True) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["plan"] == solved.plan.tolist()
    assert said["half_days_moved"] == 0
    assert not said["waits_more"]
    assert [row["heavier"] for row in said["other_weights"]] == ["equity", "patients_travel", "fewer_sites"]
    assert plan("sessions", asked, since=earlier, seconds=3) == 0
    text = capsys.readouterr().out
    assert "0 demi-journées déplacées" in text
    assert "Une demi-journée de plus" in text
    assert "trajets des patients" in text
    assert plan("sessions", asked, since=earlier, seconds=3, lang="en") == 0
    told = capsys.readouterr().out
    assert FRENCH.findall(told) == []
    assert "0 half-days moved" in told
    assert len(told.splitlines()) == len(text.splitlines())
    earlier.write_text(json.dumps({"plan": [1]}))
    with pytest.raises(Failure, match="is expected"):
        plan("sessions", asked, since=earlier)
    earlier.write_text("{}")
    with pytest.raises(Failure, match="no answer with a plan"):
        plan("sessions", asked, since=earlier)


def test_each_line_of_a_plan_is_told_in_both_languages() -> None:
    """Clauses that lack, other weights, communes that no site reaches: all that a plan may say."""
    problem, solved = small()
    found = allocation.explain(replace(problem, clauses=((0, 2, 500.0),)), solved, (solved.plan, problem.demand))
    row = {"cost": 3.0, "sites_opened": 2, "waits_more": 1}
    others = [{"heavier": name, **row} for name in allocation.other_weights(problem.weights)]
    said = {**found, "not_placed": 0, "other_weights": others, "unreachable": [{"specialty": 0, "commune": 3}]}
    french, english = lines(said, "fr"), lines(said, "en")
    assert (
        "Autres poids (trajets des patients, trois fois plus lourd) : coût 3 ; sites ouverts : 2 ; couples qui attendent davantage : 1"
        in french
    )
    assert "Other weights (travel of patients, three times as heavy): cost 3; sites open: 2; pairs waiting more: 1" in english
    assert any(re.fullmatch(r"  clause : spécialité 0, site 2 : \d+ demi-journées pour 500 dues", line) for line in french)
    assert len(french) == len(english)
    assert [line for line in english if FRENCH.search(line)] == []


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"published": [[1]]}, "published"),
        ({"clauses": [[9, 0, 3.0]]}, "clauses"),
        ({"urgency": [1.0]}, "urgency"),
        ({"specialty": [0, 1, 2, 0, 1, 7]}, "specialty"),
    ],
)
def test_what_does_not_fit_is_named(wrong: dict[str, object], why: str) -> None:
    with pytest.raises(Unusable, match=why):
        allocation.read(as_text(small()[0], **wrong))


def test_a_heavier_opening_opens_no_more_sites() -> None:
    problem, solved = small()
    heavier = allocation.other_weights(problem.weights)["fewer_sites"]
    assert heavier.opening == 3 * problem.weights.opening
    other = allocation.solve(replace(problem, weights=heavier), 5.0)
    assert (other.plan.sum(axis=2) > 0).sum() <= (solved.plan.sum(axis=2) > 0).sum()


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


def test_what_finds_no_half_day_goes_back_to_the_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sites an hour apart: three half-days at each of three of them need six days of one practitioner."""
    problem, solved = small()
    far = replace(problem, between=np.where(np.eye(5, dtype=bool), 0.0, 60.0), rooms=np.full(5, 6))
    wanted, asked = np.zeros((6, 5, 4), np.int64), []
    wanted[0, :3, 0] = 3

    def answers(limited: Problem, _: float) -> Solved:
        asked.append(limited)
        return replace(solved, plan=wanted if limited.most is None else np.minimum(wanted, limited.most), bound=float(len(asked)))

    monkeypatch.setattr(placed, "solve", answers)
    found, weeks = allocation.solve_and_place(far, 3.0)
    assert found.plan[0, :3, 0].sum() == 8
    assert not any(week.left for week in weeks)
    assert found.bound == 1.0  # of the question as it was asked
    assert len(asked) == 2
    asked.clear()
    published = np.full((6, 5, 4), -1)
    published[0, :3, 0] = 3
    found, weeks = allocation.solve_and_place(replace(far, published=published), 3.0)
    assert (found.plan == wanted).all()
    assert [p for p, _ in weeks[0].left] == [0]  # what is published stays, and is said
    assert len(asked) == placed.ROUNDS


def test_what_is_limited_stays_under_its_limit_in_every_plan() -> None:
    problem, _ = small()
    most = np.full((6, 5, 4), HALF_DAYS)
    most[1] = 1
    limited = replace(problem, most=most)
    assert (allocation.greedy(limited)[1] <= 1).all()
    assert (allocation.solve(limited, 4.0).plan[1] <= 1).all()
    part = parts.cut(limited, [1])
    assert part.most is not None
    assert (part.most == most[problem.specialty == 1]).all()


def test_the_command_proposes_and_publishes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert plan("sessions", example="4x3", seconds=3) == 0
    assert "rien n'est publié" in capsys.readouterr().out
    with pytest.raises(Failure, match="invalid literal"):
        plan("sessions", example="fourxthree")


def test_the_answer_stands_alone_whatever_the_solver_prints(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """From C, as HiGHS does: Python's own standard output is not asked."""
    problem, solved = small()

    def noisy(*_: object) -> tuple[Solved, tuple[Placed, ...]]:
        ctypes.CDLL(None).puts(b"tmpSolver.run();")
        return solved, ()

    monkeypatch.setattr(allocation, "example", lambda *_: problem)
    monkeypatch.setattr(allocation, "solve_and_place", noisy)
    assert plan("sessions", example="6x5", json=True) == 0
    said = capfd.readouterr()
    assert json.loads(said.out)["proposal"]
    assert "tmpSolver" in said.err


def test_a_problem_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(Unusable, match="no problem"):
        allocation.read("{}")
