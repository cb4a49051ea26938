"""What comes next, from hourly counts of a department: arrivals, eligible flow, bed demand, with how good such forecasts were. Never about a person.

A file of counts holds no passage: how many came in each hour, how many of them the rule of the overflow stream would have sent to the city doctor, how
many are here by whole hours since they came, how often and after how long a bed is needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maillage.simulation import backtest, forecast
from maillage.simulation.backtest import Score
from maillage.simulation.compiled import version
from maillage.simulation.counts import WEEK, Counts, digest_of, read
from maillage.simulation.forecast import WEEKS, Distribution, Regression, band

AHEAD: Final = 24
"""Hours shown one by one."""
DAYS: Final = 3
HORIZONS: Final = (2, 4, 8, 24, 72)
BEDS: Final = (2, 4, 8, 24)
EVENING: Final = (18, 24)
EVERY: Final = 6
"""Hours between two origins of a back-test."""


@dataclass(slots=True)
class _Arrivals:
    """A regression fitted again each week on what was known then."""

    fitted: dict[int, Regression] = field(default_factory=dict)

    def __call__(self, past: NDArray[np.float64], at: int) -> Distribution:
        week = len(past) // WEEK
        if week not in self.fitted:
            known = past[: week * WEEK]
            self.fitted[week] = forecast.fit_arrivals(_features(np.arange(len(known))), known)
        [found] = self.fitted[week].predict(_features(np.array([at])))
        return found


def _features(hours: NDArray[np.int64]) -> NDArray[np.float64]:
    """Holidays are not known to a file of counts."""
    never = np.zeros(len(hours), bool)
    return forecast.features_of(hours, never, never)


def _eligible(arrivals: NDArray[np.float64]) -> Callable[[NDArray[np.float64], int], Distribution]:
    """Eligible people of one hour: `past` are the eligible ones of the hours before, of which the arrivals are known as far."""
    return lambda past, at: eligible_between(arrivals[: len(past)], past, [at])


def eligible_between(arrivals: NDArray[np.float64], eligible: NDArray[np.float64], hours: list[int]) -> Distribution:
    """Eligible people over these hours to come: same hours of the last weeks, the whole profile as a prior, the share of the last weeks."""
    same = np.array([[arrivals[_before(hour, k, len(arrivals))] for hour in hours] for k in range(1, WEEKS + 1)])
    by_hour = arrivals[: len(arrivals) // 24 * 24].reshape(-1, 24).mean(axis=0)
    shapes, means = forecast.hourly_rates(same, np.array([by_hour[hour % 24] for hour in hours]))
    known = slice(max(0, len(arrivals) - WEEKS * WEEK), len(arrivals))
    return forecast.eligible_flow(shapes, means, int(eligible[known].sum()), int(arrivals[known].sum()))


def _before(hour: int, weeks: int, known: int) -> int:
    """The same hour of the week, so many weeks before the last one that is known."""
    behind = hour - WEEK * max(1, math.ceil((hour - known + 1) / WEEK))
    return behind - WEEK * (weeks - 1)


def beds(counts: Counts, rates: NDArray[np.float64], hours: int) -> Distribution:
    """Beds asked for within so many hours: those who are here exactly, those who come after them as Poisson."""

    def gone(minutes: float) -> float:
        return float(np.interp(minutes / 60.0, np.arange(len(counts.after)), counts.after))

    share = counts.admitted
    here = [
        forecast.still_to_come(share, 60.0 * n + 30.0, 60.0 * hours, gone) for n, many in enumerate(counts.present) for _ in range(many)
    ]
    come = forecast.expected_to_come(lambda u: float(rates[int(u // 60.0)]) / 60.0, share, gone, 60.0 * hours)
    return forecast.total([forecast.poisson_binomial(here), forecast.poisson(come)])


def _scored(measure: str, hours: int, score: Score) -> dict[str, Any]:
    return {
        "measure": measure, "hours": hours, "loss": round(score.loss, 4), "loss_of_memory": round(score.loss_of_memory, 4),
        "coverage": round(score.coverage, 4), "skill": round(score.skill, 4), "believed": score.believed, "count": score.count,
    }  # fmt: skip


def back_test(counts: Counts, model: _Arrivals) -> list[dict[str, Any]]:
    """The last eight weeks, every six hours, from what was known then; beside what the same hour of the last weeks would have said."""
    first = len(counts.arrivals) - WEEKS * WEEK
    made = [
        _scored("arrivals", ahead, backtest.rolling(counts.arrivals, model, first=first, every=EVERY, horizon=ahead)) for ahead in HORIZONS
    ]
    flow = backtest.rolling(counts.eligible, _eligible(counts.arrivals), first=first, every=EVERY, horizon=HORIZONS[0])
    return [*made, _scored("eligible", HORIZONS[0], flow)]


def answer(text: str, seed: int = 0, told: Callable[[int, int], None] | None = None) -> dict[str, Any]:
    """Everything that a page shows. Raises `Wrong` when the file cannot be read."""
    counts, model = read(text), _Arrivals()
    tell = told or (lambda *_: None)
    tell(0, 2)
    scores = back_test(counts, model)
    tell(1, 2)
    begin, known = len(counts.arrivals), counts.arrivals
    hours = list(range(begin, begin + DAYS * 24))
    trusted = all(score["believed"] for score in scores if score["measure"] == "arrivals" and score["hours"] <= AHEAD)
    found = [model(known, at) if trusted else backtest.memory(known, _nearest(at, begin)) for at in hours]
    rates = np.array([float(np.arange(len(one)) @ one) for one in found])
    evening = next(at for at in hours if at % 24 == EVENING[0])
    shown = [eligible_between(known, counts.eligible, [at]) for at in hours[:AHEAD]]
    tell(2, 2)
    return {
        "scenario": "prevision",
        "scenario_hash": digest_of(text),
        "code_hash": version(),
        "seed": seed,
        "weeks": begin // WEEK,
        "from": counts.at(begin).isoformat(timespec="minutes"),
        "by": "regression" if trusted else "memory",
        "arrivals": [_banded(counts.at(at), one) for at, one in zip(hours[:AHEAD], found, strict=False)],
        "days": [_banded(counts.at(hours[24 * day]), forecast.total(found[24 * day : 24 * (day + 1)])) for day in range(DAYS)],
        "eligible": [_banded(counts.at(at), one) for at, one in zip(hours, shown, strict=False)],
        "evening": _banded(
            counts.at(evening), eligible_between(known, counts.eligible, list(range(evening, evening + EVENING[1] - EVENING[0])))
        ),
        "eligible_share": round(float(counts.eligible.sum() / max(1.0, known.sum())), 4),
        "beds": [{"hours": ahead, **asdict(band(beds(counts, rates, ahead)))} for ahead in BEDS],
        "present": sum(counts.present),
        "scores": scores,
    }


def _nearest(at: int, known: int) -> int:
    """The first hour not known yet that is the same hour of the week: what memory can speak of."""
    return at - WEEK * ((at - known) // WEEK)


def _banded(at: datetime, found: Distribution) -> dict[str, Any]:
    return {"at": at.isoformat(timespec="minutes"), **asdict(band(found))}
