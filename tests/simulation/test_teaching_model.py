"""Rung 13: a published teaching model of a treatment centre (Nelson 2013, as taught by Monks and Harper 2021) as a pathway, the engine untouched.

Two kinds of patients, FIFO resources, exponential, lognormal by mean and variance, normal with a floor, Bernoulli; arrivals from a profile of eighteen
hours that wraps; durations as random streams that the model hands in, each use taking the next value; a horizon with people inside.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from tests.simulation.walker import Walk

from maillage.simulation import arrivals, draws, quantiles
from maillage.simulation.assembly import assemble
from maillage.simulation.draws import Purpose
from maillage.simulation.place import Station, build, names
from maillage.simulation.play import Played, play, rows

CENTRE = """
path trauma
 mark arrive
 serve triage by rank for triage_time
 serve stabilisation by rank for stabilise_time
 serve trauma_cubicle by rank for trauma_time
 exit treated

path other
 mark arrive
 serve triage by rank for triage_time
 serve registration by rank for registration_time
 serve exam by rank for exam_time
 unless treat goto leave
 serve cubicle by rank for treatment_time
leave:
 exit done
"""
SERVERS = {"triage": 1, "stabilisation": 2, "trauma_cubicle": 1, "registration": 1, "exam": 3, "cubicle": 1}
HOURS = np.array([2.4, 2.8, 3.5, 7.1, 10.9, 11.8, 14.2, 15.6, 15.3, 12.0, 12.9, 13.2, 11.1, 9.4, 9.0, 8.2, 7.6, 5.6])
"""Arrivals in each hour of the eighteen for which the centre is open; the profile wraps."""
DAY = 60.0 * len(HOURS)
STREAMS = ("triage_time", "stabilise_time", "trauma_time", "registration_time", "exam_time", "treatment_time", "treat")


def lognormal(z: np.ndarray, mean: float, variance: float) -> np.ndarray:
    spread = math.log1p(variance / mean**2)
    return np.exp(math.log(mean) - spread / 2 + math.sqrt(spread) * z)


def streams_of(seed: int, count: int) -> dict[str, np.ndarray]:
    """The model's own random streams: one purpose each, used in the order in which patients come to the step."""
    u = {name: draws.drawn(seed, np.arange(count, dtype=np.uint64), 100 + n) for n, name in enumerate(STREAMS)}
    z = {name: np.array([quantiles.quantile(float(x)) for x in values]) for name, values in u.items()}
    return {
        "triage_time": -3.0 * np.log(u["triage_time"]),
        "stabilise_time": -90.0 * np.log(u["stabilise_time"]),
        "trauma_time": lognormal(z["trauma_time"], 30.0, 4.0),
        "registration_time": lognormal(z["registration_time"], 5.0, 2.0),
        "exam_time": np.maximum(0.0, 16.0 + 3.0 * z["exam_time"]),
        "treatment_time": lognormal(z["treatment_time"], 13.3, 2.0),
        "treat": (u["treat"] < 0.6).astype(float),
    }


def who(seed: int, days: float) -> tuple[np.ndarray, list[str]]:
    """When they come, and which path each takes: trauma is an attribute of the row."""
    kept = np.tile(np.full(len(HOURS), 1.0), math.ceil(days))
    times, ids = arrivals.thinned(seed, 0, HOURS / 60.0, kept, Purpose.ARRIVAL)
    trauma = draws.drawn(seed, ids, Purpose.DISPOSITION) < 0.12
    return times, ["trauma" if one else "other" for one in trauma]


def centre(seed: int, days: float = 1.0, servers: dict[str, int] = SERVERS) -> Played:
    start, paths = who(seed, days)
    stations = [Station(name, ((0.0, count),)) for name, count in servers.items()]
    program = assemble(CENTRE, names(("1",), stations, (), STREAMS))
    made = rows(program, start, paths, {}, streams=streams_of(seed, len(start)))
    return play(program, build(program, stations), made, days * DAY)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_stamp_is_that_of_simpy_with_people_inside_at_the_end(seed: int) -> None:
    played = centre(seed)
    start, paths = who(seed, 1.0)
    walked = Walk(CENTRE, SERVERS, start.tolist(), {}, [0] * len(start), paths)
    walked.streams = {name: values.tolist() for name, values in streams_of(seed, len(start)).items()}
    walked.run(DAY)
    for mark in played.program.marks:
        assert np.array_equal(played.mark(mark), walked.mark(mark), equal_nan=True), mark
    assert int((played.trace.exits == -1).sum()) > 0


@cache
def many() -> list[Played]:
    return [centre(seed) for seed in range(1, 61)]


def started(played: Played, use: str) -> float:
    """The mean wait of those who started a stage; those who still wait are not in it."""
    return float(np.nanmean(played.mark(f"got:{use}") - played.mark(f"ask:{use}")))


def use(played: Played, use: str, count: int, horizon: float) -> float:
    """Use of a resource, a service that is not over at the end counted up to the end."""
    begun = played.mark(f"got:{use}")
    return float(np.nansum(np.fmin(np.where(np.isnan(played.mark(f"end:{use}")), horizon, played.mark(f"end:{use}")), horizon) - begun)) / (
        count * horizon
    )


def test_its_arrivals_are_those_of_its_profile() -> None:
    counts = [len(played.rows.start) for played in many()]
    assert abs(np.mean(counts) - HOURS.sum()) < 4 * math.sqrt(HOURS.sum() / len(counts))


def test_uses_are_rates_times_durations_where_nobody_lacks_a_place() -> None:
    """Triage: all of them, three minutes each. Those who came late are counted for what was done by the end."""
    found = [use(played, "triage_time", 1, DAY) for played in many()]
    expected = HOURS.sum() * 3.0 / DAY
    assert abs(np.mean(found) - expected) < 4 * np.std(found) / math.sqrt(len(found)) + 0.01


def test_registration_is_where_they_wait_and_one_more_clerk_ends_it() -> None:
    fewer = np.mean([started(played, "registration_time") for played in many()[:20]])
    more = np.mean([started(centre(seed, servers={**SERVERS, "registration": 2}), "registration_time") for seed in range(1, 21)])
    assert fewer > 20
    assert more < fewer / 5


def test_the_profile_wraps() -> None:
    start, _ = who(4, 3.0)
    by_day = np.bincount((start // DAY).astype(int), minlength=3)
    assert (by_day > 100).all()
    assert start.max() > 2.5 * DAY


def test_each_treatment_takes_the_next_value_of_its_stream() -> None:
    played = centre(5)
    begun = played.mark("got:exam_time")
    order = np.argsort(begun[~np.isnan(begun)])
    length = (played.mark("end:exam_time") - begun)[~np.isnan(begun)][order]
    expected = streams_of(5, len(begun))["exam_time"][: len(length)]
    done = ~np.isnan(length)
    assert length[done] == pytest.approx(expected[done], abs=1e-9)
