"""What an extract tells by itself: volume, profile of the day and of the week, dispersion, ways out."""

from __future__ import annotations

from typing import Any

import numpy as np

from maillage.simulation.arrivals import YEAR
from maillage.simulation.calibration.extract import DAY, EXITS, Extract
from maillage.simulation.parameters import Scenario


def read_off(scenario: Scenario, extract: Extract) -> Scenario:
    """The scenario with the arrivals and the ways out that were recorded."""
    days = extract.days // 7 * 7
    part = extract.between(0, days)
    by_day = np.bincount((part.arrive // DAY).astype(int), minlength=days)[:days]
    weekday = by_day.reshape(-1, 7).mean(axis=0)
    hour = np.bincount((part.arrive % DAY // 60.0).astype(int), minlength=24)
    volume = float(np.clip(len(part.arrive) / days * YEAR, 500, 400_000))
    expected = np.tile(weekday, days // 7)
    excess = float(((by_day - expected) ** 2).sum() * _unbiased(days) - expected.sum()) / float((expected**2).sum())
    values: dict[str, Any] = {
        "arrivals.volume": round(volume),
        "arrivals.reference": round(volume),
        "arrivals.hour": [round(float(x), 3) for x in 100.0 * hour / hour.sum()],
        "arrivals.weekday": [round(float(x), 4) for x in weekday / weekday.mean()],
        "arrivals.dispersion": round(float(np.sqrt(np.clip(excess, 0.0, 0.25))), 4),
    }
    return scenario.changing({**values, **_ways_out(scenario, part)})


def _unbiased(days: int) -> float:
    """Seven means were taken from the same days."""
    return days / max(1, days - 7)


def _ways_out(scenario: Scenario, extract: Extract) -> dict[str, list[float]]:
    """Shares to a ward and to the observation unit, by level in the proportions of the scenario, in all as recorded among those who were seen."""
    seen = (extract.exit >= 0) & (extract.exit != EXITS.index("unseen"))
    share = np.array(scenario.numbers("arrivals.share")) / sum(scenario.numbers("arrivals.share"))
    made: dict[str, list[float]] = {}
    for name, key in (("ward", "ward.share"), ("uhcd", "uhcd.share")):
        recorded = 100.0 * float((extract.exit[seen] == EXITS.index(name)).mean()) if seen.any() else 0.0
        supposed = np.array(scenario.numbers(key))
        made[key] = [round(float(x), 3) for x in np.clip(supposed * recorded / max(1e-9, float(share @ supposed)), 0.0, 100.0)]
    return {**made, "uhcd.share": [min(u, 100.0 - w) for w, u in zip(made["ward.share"], made["uhcd.share"], strict=True)]}
