"""Rung 14: what must hold whatever the numbers."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from maillage.simulation import parameters
from maillage.simulation.play import Played, play
from maillage.simulation.study import Study, compare, study
from maillage.simulation.tally import tally
from maillage.simulation.world import World, people, prepare, run

BASE = parameters.shipped("percy-35000-overflow")


@cache
def a_year() -> tuple[World, Played]:
    world = prepare(BASE)
    return world, run(world, 1)


def test_arrivals_are_exits_and_those_present() -> None:
    _, played = a_year()
    there = (played.trace.exits == -1) & ~np.isnan(played.mark("arrive"))
    assert int((played.trace.exits >= 0).sum() + there.sum()) == len(played.rows.start)
    assert 0 < there.sum() < 400


def test_little_by_list() -> None:
    """The mean number in a list is what arrives at it times the mean wait: areas on one side, stamps on the other."""
    world, played = a_year()
    found = tally(world, played, warm_up=0)
    for resource, use in (("box", "box"), ("doctor", None), ("nurse", "care")):
        uses = [use] if use else ["contact1", "contact2"]
        waits = 0.0
        for name in uses:
            asked, got, end = (played.mark(f"{what}:{name}") for what in ("ask", "got", "end"))
            until = np.minimum(np.where(np.isnan(got), np.where(np.isnan(end), np.inf, end), got), played.horizon)
            waits += float(np.nansum(until - asked))
        area = float(found.mean_day[f"queue:{resource}"].sum()) * 15.0
        assert area == pytest.approx(waits, rel=1e-9)


def test_little_by_zone() -> None:
    world, played = a_year()
    found = tally(world, played, warm_up=0)
    log, times = played.log
    for number, zone in enumerate(world.plan.zones):
        spent = float((times[log[:, 0] == number, 1] - times[log[:, 0] == number, 0]).sum())
        assert float(found.mean_day[f"zone:{zone.name}"].sum()) * 15.0 == pytest.approx(spent, rel=1e-9)


def test_without_limits_nobody_waits() -> None:
    many = dict.fromkeys(("ioa.base", "doctor.base", "nurse.base", "imaging.base", "uhcd.base", "bed.base", "box.base"), 0)
    most = {key: parameters.load().parameters[key].high for key in many}
    world = prepare(BASE.changing({**most, "bed.filled": 1}), 60)
    played = run(world, 3)
    for use in ("triage", "box", "care", "contact1", "image", "contact2", "uhcd", "bed"):
        asked, got = played.mark(f"ask:{use}"), played.mark(f"got:{use}")
        assert np.array_equal(asked, got, equal_nan=True)


def test_all_times_doubled_doubles_every_stamp() -> None:
    from maillage.simulation.filling import BERNOULLI, BETWEEN, EITHER

    world = prepare(BASE.changing({"discharge.on": 0}), 40)
    rows = people(world, 4)
    durations = ~np.isin(world.columns.form, (BERNOULLI, BETWEEN, EITHER))
    doubled = rows._replace(start=rows.start * 2, rank=rows.rank * 2, columns=np.where(durations, rows.columns * 2, rows.columns))
    slow = world.place._replace(change_at=world.place.change_at * 2, zone_walk=world.place.zone_walk * 2)
    once = play(world.program, world.place, rows, 40 * 1440.0)
    twice = play(world.program, slow, doubled, 80 * 1440.0)
    assert np.array_equal(once.trace.marks * 2, twice.trace.marks, equal_nan=True)


def test_without_a_bed_nobody_reaches_the_ward() -> None:
    played = run(prepare(BASE.changing({"bed.base": 0}), 40), 1)
    assert not played.left_by("ward").any()
    assert np.isnan(played.mark("left_ed")).all()


def test_rank_is_kept() -> None:
    """Nobody of a class gets a box before one of the same class who came earlier and was already waiting."""
    _, played = a_year()
    asked, got, rank = played.mark("ask:box"), played.mark("got:box"), played.rows.rank
    for c in range(6):
        of = np.flatnonzero((played.rows.cls == c) & ~np.isnan(got))
        order = of[np.argsort(got[of], kind="stable")]
        for before, after in pairwise(order.tolist()):
            assert rank[before] <= rank[after] or asked[after] >= got[before]


def test_growth_keeps_every_row() -> None:
    few, many = (people(prepare(BASE.changing({"arrivals.volume": volume}), 60), 9) for volume in (20_000, 35_000))
    more = {start: tuple(columns) for start, columns in zip(many.start.tolist(), many.columns.tolist(), strict=True)}
    shared = [start for start in few.start.tolist() if start > 0]
    assert all(start in more for start in shared)
    assert all(more[start] == tuple(columns) for start, columns in zip(few.start.tolist(), few.columns.tolist(), strict=True) if start > 0)
    assert len(many.start) > 1.5 * len(few.start)


def test_the_remote_zone_never_holds_the_grave() -> None:
    world, played = a_year()
    remote = [zone.name for zone in world.plan.zones].index("remote")
    log, _ = played.log
    inside = log[log[:, 0] == remote, 1]
    assert len(inside) > 100
    assert played.rows.cls[inside].min() >= world.program.names.classes.index("3B")


def test_more_are_busy_than_on_duty_only_after_a_fall() -> None:
    _, played = a_year()
    got, end = (np.concatenate([played.mark(f"{what}:{use}") for use in ("contact1", "contact2")]) for what in ("got", "end"))
    begun = np.sort(got[~np.isnan(got)])
    ended = np.sort(end[~np.isnan(end)])
    busy = np.arange(1, len(begun) + 1) - np.searchsorted(ended, begun, side="right")
    assert busy.max() == 3
    night = (begun % 1440) < 480
    assert busy[night].max() <= 2  # nothing is begun above capacity; what runs on past midnight was begun before


@cache
def of(**changed: float) -> Study:
    """Nobody leaves: who stays and is counted changes what a mean wait means."""
    patient = {"patience.mean": [float("inf")] * 6, "arrivals.volume": 30_000}
    return study(BASE.changing({**patient, **{key.replace("_", "."): value for key, value in changed.items()}}), replications=10, days=182)


@pytest.mark.parametrize(("key", "more"), [("doctor_base", 3), ("nurse_base", 5), ("imaging_base", 2), ("bed_base", 96)])
def test_more_staff_never_lengthens_waits(key: str, more: int) -> None:
    found = compare(of(), of(**{key: more}), ["door_mean"])["door_mean"].estimate
    assert found.mean - 4 * found.deviation / found.count**0.5 <= 0


def test_more_demand_never_shortens_waits() -> None:
    found = compare(of(), of(arrivals_volume=32_000), ["door_mean"])["door_mean"].estimate
    assert found.low > 0


SMOKE = {
    "percy-35000-overflow": {"door_mean": (53.9, 1.3), "unseen": (1.2, 0.5), "share:og": (5.2, 0.1), "share:ward": (11.0, 0.2), "share:uhcd": (4.8, 0.1), "boarding_mean": (115, 58)},
    "percy-20000": {"door_mean": (49.9, 1.5), "unseen": (1.3, 0.5)},
    "percy-35000": {"door_mean": (233, 10), "unseen": (57, 2.5)},
}  # fmt: skip


@pytest.mark.parametrize("name", SMOKE)
def test_the_smoke_values_lie_within_two_standard_deviations(name: str) -> None:
    off = {"arrivals.dispersion": 0, "box.reserve": 0, "near.walk": 0, "remote.walk": 0, "zones.on": 0, "discharge.on": 0,
           "cleaning.minutes": 0, "direct.wait": float("inf")}  # fmt: skip
    found = study(parameters.shipped(name).changing(off), replications=16)
    for figure, (expected, deviation) in SMOKE[name].items():
        assert abs(found.estimate(figure).mean - expected) <= 2 * deviation
