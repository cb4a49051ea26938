"""Rung 2: schedules worked out on paper."""

from __future__ import annotations

import numpy as np
import pytest
from tests.simulation.networks import IMPATIENT, run

from maillage.simulation.place import Station

INF = float("inf")
DUTY = ((0.0, 1), (12.0, 0), (20.0, 1))
START, MINUTES, PATIENCE, HIGH_LOW = [0, 1, 2, 3, 12.5], [10, 5, 4, 6, 2], [INF, INF, INF, 8, INF], [0, 1, 0, 1, 0]


def five(policy: str, minutes: float = 0.0) -> tuple[list[float], list[float]]:
    station = Station("s", DUTY, policy, minutes)
    played = run(IMPATIENT, [station], START, {"d": MINUTES, "pat": PATIENCE}, cls=HIGH_LOW, classes=("high", "low"))
    assert played.mark("exit")[3] == 11.0
    assert played.left_by("gone").tolist() == [False, False, False, True, False]
    return played.mark("got:d").tolist(), played.mark("end:d").tolist()


def test_the_leaving_server_ends_the_patient_in_hand() -> None:
    starts, ends = five("finish")
    assert [starts[n] for n in (0, 1, 2, 4)] == [0, 22, 10, 20]
    assert [ends[n] for n in (0, 1, 2, 4)] == [10, 27, 14, 22]


def test_an_interrupted_service_goes_to_the_head_and_needs_the_rest() -> None:
    starts, ends = five("hand-over")
    assert [starts[n] for n in (0, 2, 4, 1)] == [0, 20, 22, 24]
    assert [ends[n] for n in (0, 2, 4, 1)] == [10, 22, 24, 29]


def test_a_hand_over_costs_its_minutes() -> None:
    _, ends = five("hand-over", 10.0)
    assert [ends[n] for n in (0, 2, 4, 1)] == [10, 32, 34, 39]


def test_winding_down_begins_nothing_new_and_empties_the_list() -> None:
    station = Station("s", ((0.0, 1), (100.0, 0)), "wind-down", 15.0)
    played = run(IMPATIENT, [station], [0, 10, 90], {"d": [95, 5, 5], "pat": [INF, INF, INF]}, classes=("1",))
    assert played.mark("end:d")[0] == 95.0
    assert played.left_by("gone").tolist() == [False, True, False]
    assert played.mark("exit")[1] == 85.0


@pytest.mark.parametrize(("reserve", "starts"), [((0, 0), [0, 0, 4]), ((0, 1), [0, 10, 4])])
def test_a_place_kept_in_reserve_waits_for_the_high(reserve: tuple[int, ...], starts: list[float]) -> None:
    station = Station("s", ((0.0, 2),), reserve=reserve)
    played = run(IMPATIENT, [station], [0, 0, 4], {"d": [10, 4, 3], "pat": [INF] * 3}, cls=[0, 1, 0], classes=("high", "low"))
    assert played.mark("got:d").tolist() == starts


TWO_STEPS = """
path p
 mark arrive
 {serve}
 serve t by class for e
 exit done
"""


def test_a_serve_is_a_seize_a_delay_and_a_release() -> None:
    rng = np.random.default_rng(3)
    start, minutes = np.cumsum(rng.exponential(1.0, 3000)), {"d": rng.exponential(1.7, 3000), "e": rng.exponential(0.9, 3000)}
    stations = [Station("s", ((0.0, 2), (500.0, 1), (900.0, 3))), Station("t", ((0.0, 1),))]
    cls, classes = rng.integers(0, 3, 3000), ("1", "2", "3")
    whole, parts = (
        run(TWO_STEPS.format(serve=steps), stations, start, minutes, cls=cls, classes=classes)
        for steps in ("serve s by class for d", "seize s by class\n delay d\n release s")
    )
    assert np.array_equal(whole.mark("got:e"), parts.mark("got:e"))
    assert np.array_equal(whole.mark("exit"), parts.mark("exit"))


@pytest.mark.parametrize("kind", ["clock", "open", "try"])
def test_the_steps_that_the_department_uses_little(kind: str) -> None:
    texts = {
        "clock": "path p\n clock d\n delay e\n wait d\n exit done",
        "open": "path p\n open s else x\n serve s by class for d\n exit done\nx:\n exit shut",
        "try": "path p\n try s by class else x\n delay d\n release s\n exit done\nx:\n exit shut",
    }
    station = Station("s", ((0.0, 1),), longest_list=0 if kind == "open" else 9)
    played = run(texts[kind], [station], [0, 1], {"d": [30, 2], "e": [10, 600]})
    expected = {"clock": [30, 601], "open": [0, 1], "try": [30, 1]}[kind]
    assert played.mark("exit").tolist() == expected


def test_a_stay_ends_at_its_hour_of_its_last_day_or_of_the_next() -> None:
    text, minutes = "path p\n stay d e\n exit done", {"d": [2, 30, 30], "e": [600, 10, -1]}
    played = run(text, [Station("s", ((0.0, 1),))], [1, 20, 20], minutes)
    assert played.mark("exit").tolist() == [600, 1450, 50]
