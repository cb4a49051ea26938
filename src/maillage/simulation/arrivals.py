"""Who comes, and when. Candidates come at a ceiling rate and each is kept or not by a draw of its own: growth adds patients and moves none."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from maillage.simulation import draws, filling, quantiles
from maillage.simulation.compiled import compiled, inlined
from maillage.simulation.desk import Desk, Same
from maillage.simulation.draws import Purpose, unit
from maillage.simulation.memory import Array
from maillage.simulation.parameters import Scenario, Wrong, load
from maillage.simulation.quantiles import logarithm

YEAR: Final = 365.25
WEEK_HOURS: Final = 168
DIRECT_ROWS: Final = 1 << 40
PRESENT_ROWS: Final = 1 << 41
"""Direct admissions and those present at the start are numbered apart, so that no draw is shared."""
CEILING: Final = 2.0


class Drawn(NamedTuple):
    """People of one path: when they come, their row, how they are served, which numbers they are drawn with, where they begin."""

    start: Array
    row: Array
    cls: Array
    drawn_as: Array
    at: int


class Merged(NamedTuple):
    """The same for everyone, a path for each."""

    start: Array
    row: Array
    cls: Array
    drawn_as: Array
    at: Array


@inlined
def copied(source: Any, k: Any, n: Any, into: Any) -> None:
    """One person."""
    into.start[n], into.row[n], into.cls[n] = source.start[k], source.row[k], source.cls[k]
    into.drawn_as[n], into.at[n] = source.drawn_as[k], source.at


@inlined
def foretold(key: Any, first: Any, purpose: Any, thin: Any, mass: Any, kept: Any) -> None:
    """The draws of a block of candidates: what lies between each and the one before, and whether it is kept. One kind at a time: several go together."""
    for k in range(mass.shape[0]):
        mass[k] = unit(key, first + np.uint64(k), purpose)
    for k in range(mass.shape[0]):
        mass[k] = -logarithm(mass[k])
    for k in range(kept.shape[0]):
        kept[k] = unit(key, first + np.uint64(k), thin)


@compiled
def candidates(
    key: Any, first: Any, purpose: Any, thin: Any, most: int, ceiling: Any, share: Any, minutes: float, block: Any, out: Any, number: Any
) -> int:
    """Times and numbers of the candidates that are kept; `ceiling` per minute for each hour of a week that wraps, `share` kept for each hour."""
    hour, here, at = 0, 0.0, 0
    count = np.int64(0)
    hours, wrap, size = share.shape[0], ceiling.shape[0], block.shape[1]
    for begin in range(0, most, size):
        foretold(key, first + np.uint64(begin), purpose, thin, block[0], block[1])
        for n in range(begin, min(most, begin + size)):
            mass = block[0, n - begin]
            while mass > ceiling[at] * (minutes - here):
                mass -= ceiling[at] * (minutes - here)
                hour, here, at = hour + 1, 0.0, at + 1 if at + 1 < wrap else 0
                if hour >= hours:
                    return int(count)
            here += mass / ceiling[at]
            out[count] = hour * minutes + here
            number[count] = first + np.uint64(n)
            count += np.int64(block[1, n - begin] < share[hour])
    return -1


@compiled
def merge(present: Drawn, door: Drawn, direct: Drawn, into: Merged) -> None:
    """Those present, those who come by the door and those who are admitted directly, in order of arrival (at equal times in this order)."""
    i, j = 0, 0
    for n in range(into.start.shape[0]):
        if n < present.start.shape[0]:
            copied(present, n, n, into)
        elif i < door.start.shape[0] and (j == direct.start.shape[0] or door.start[i] <= direct.start[j]):
            copied(door, i, n, into)
            i += 1
        else:
            copied(direct, j, n, into)
            j += 1


@compiled
def choose(key: Any, ids: Any, times: Any, shares: Any, purpose: Any, out: Any) -> None:
    """The class of each row: the first whose cumulative share of its day passes the draw."""
    for n in range(ids.shape[0]):
        day, last, c = np.uint64(times[n] / 1440.0), shares.shape[1] - 1, np.int64(0)
        drawn = unit(key, ids[n], purpose) * shares[day, last]
        for k in range(last):
            c += np.int64(drawn >= shares[day, k])
        out[n] = c


@compiled
def planned(columns: Any, lying: int, cls: Any, last: int, out: Any) -> None:
    """The waiting plan of each row: of its class, or the last one for those who lie; the only one where there are no zones."""
    for n in range(cls.shape[0]):
        here = np.uint64(n)
        out[here] = max(last, 0) if columns[here, lying] > 0.0 or last < 0 else cls[here]


def thinned(
    seed: int, first: int, ceiling: NDArray[np.float64], kept: NDArray[np.float64], purpose: Purpose, desk: Desk | None = None
) -> tuple[NDArray[np.float64], NDArray[np.uint64]]:
    """Times and row numbers of those who come, one `kept` share for each hour. `ceiling-exceeded` when a share passes 1."""
    if kept.max(initial=0.0) > 1.0 + 1e-12:
        raise Wrong(
            "arrivals.volume", "ceiling-exceeded", f"the rate passes {CEILING:g} times the reference ({kept.max():.2f} of the ceiling)"
        )
    whole = ceiling[np.arange(len(kept)) % len(ceiling)].sum() * 60.0
    most = int(whole + 8.0 * math.sqrt(whole) + 50)
    desk = desk or Desk()
    times, number = desk.take(f"times of {purpose}", (most + 1,)), desk.take(f"numbers of {purpose}", (most + 1,), np.uint64)
    key, drawn, thin = np.uint64(draws.key_of(seed)), np.uint64(purpose), np.uint64(Purpose.THIN)
    block = desk.take("candidates", (2, filling.BLOCK))
    count = candidates(key, np.uint64(first), drawn, thin, most, ceiling, kept, 60.0, block, times, number)
    if count < 0:
        raise Wrong("arrivals.volume", "ceiling-exceeded", "more candidates than eight standard deviations allow")
    return times[:count], number[:count]


def ceiling_of(scenario: Scenario) -> NDArray[np.float64]:
    """Arrivals a minute at the ceiling, for each hour of the week: twice the reference volume in the shape of the model."""
    model = load(scenario.model).defaults()
    reference = scenario.number("arrivals.reference")
    return CEILING * reference / YEAR / 60.0 * _shape(model["arrivals.hour"], model["arrivals.weekday"])


def _shape(hour: Any, weekday: Any) -> NDArray[np.float64]:
    """Share of a mean day in each hour of the week."""
    return np.asarray(np.outer(np.array(weekday), np.array(hour) / 100.0).ravel())


def day_factors(scenario: Scenario, seed: int, days: int) -> NDArray[np.float64]:
    """G: one gamma draw a day, of mean 1."""
    cv = scenario.number("arrivals.dispersion")
    if cv <= 0.0:
        return np.ones(days)
    drawn = draws.drawn(seed, np.arange(days, dtype=np.uint64), Purpose.DAY)
    found = np.empty(days)
    quantiles.gamma_quantiles(drawn, 1.0 / cv**2, found)
    return found * cv**2


def calendar(scenario: Scenario, days: int) -> NDArray[np.float64]:
    """Cumulative share of each class for each day, dated factors applied (epidemic, holiday): the last column is the factor of the day."""
    shares = np.tile(np.array(scenario.numbers("arrivals.share")) / sum(scenario.numbers("arrivals.share")), (days, 1))
    rows: Any = scenario.values["arrivals.calendar"]
    for begin, end, factor, cls in rows:
        part = slice(None) if cls == 0 else slice(int(cls) - 1, int(cls))
        shares[int(begin) : int(end), part] *= factor
    return np.asarray(np.cumsum(shares, axis=1))


@lru_cache(maxsize=16)
def _expected(scenario: Same[Scenario], days: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """What every seed shares: classes by day, arrivals a minute for each hour of the run, the ceiling for each hour of a week."""
    said = scenario.value
    rate = said.number("arrivals.volume") / YEAR / 60.0 * _shape(said.values["arrivals.hour"], said.values["arrivals.weekday"])
    return calendar(said, days), rate[np.arange(days * 24) % WEEK_HOURS], ceiling_of(said)


def patients(
    scenario: Scenario, seed: int, days: int, desk: Desk | None = None
) -> tuple[NDArray[np.float64], NDArray[np.uint64], NDArray[np.int32]]:
    """Time, row number and class of everyone who comes by the door."""
    shares, rate, ceiling = _expected(Same(scenario), days)
    daily = day_factors(scenario, seed, days) * shares[:, -1]
    kept = rate * np.repeat(daily, 24) / np.resize(ceiling, days * 24)
    times, ids = thinned(seed, 0, ceiling, kept, Purpose.ARRIVAL, desk)
    return times, ids, classes_of(seed, times, ids, shares, desk)


def largest_volume(scenario: Scenario, seeds: Iterable[int], days: int) -> float:
    """Visits a year up to which no hour of these runs passes the ceiling: beyond, growth would move those who came before it."""
    shares, rate, ceiling = _expected(Same(scenario), days)
    shape = rate / np.resize(ceiling, days * 24)
    most = max(float((shape * np.repeat(day_factors(scenario, seed, days) * shares[:, -1], 24)).max()) for seed in seeds)
    return scenario.number("arrivals.volume") / most


def given(
    scenario: Scenario, seed: int, days: int, came: NDArray[np.float64], desk: Desk | None = None
) -> tuple[NDArray[np.float64], NDArray[np.uint64], NDArray[np.int32]]:
    """The same for people who came at these times: their rows are numbered in order, their class is drawn."""
    times = np.ascontiguousarray(came[came < days * 1440.0])
    ids = np.arange(len(times), dtype=np.uint64)
    return times, ids, classes_of(seed, times, ids, calendar(scenario, days), desk)


def classes_of(
    seed: int, times: NDArray[np.float64], ids: NDArray[np.uint64], shares: NDArray[np.float64], desk: Desk | None = None
) -> NDArray[np.int32]:
    """The class of everyone, by one draw each and the shares of the day."""
    cls = (desk or Desk()).take("classes", times.shape, np.int32)
    choose(np.uint64(draws.key_of(seed)), ids, times, shares, np.uint64(Purpose.LEVEL), cls)
    return cls


@lru_cache(maxsize=16)
def _admitted(scenario: Same[Scenario], days: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What every seed shares of the direct admissions: the ceiling for each hour of a day, what is kept for each hour of the run."""
    said = scenario.value
    parameter = load(said.model).parameters["direct.per_day"]
    begin, end = said.number("direct.from"), said.number("direct.to")
    hour = np.arange(24)
    overlap = np.clip(np.minimum(hour + 1, end) - np.maximum(hour, begin), 0.0, 1.0) / (end - begin)
    # Constant ceiling over the day, so that changing the hours moves nobody who still comes.
    ceiling = np.full(24, max(parameter.high, 1.0) / 10.0 / 60.0)
    return ceiling, np.tile(said.number("direct.per_day") * overlap / 60.0 / ceiling, days)


def direct(scenario: Scenario, seed: int, days: int, desk: Desk | None = None) -> tuple[NDArray[np.float64], NDArray[np.uint64]]:
    """Time and row number of the direct admissions, Poisson in the opening hours."""
    ceiling, kept = _admitted(Same(scenario), days)
    return thinned(seed, DIRECT_ROWS, ceiling, kept, Purpose.DIRECT, desk)
