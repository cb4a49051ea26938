"""Whether a fit foretells weeks that it was not shown: the real arrivals replayed, daily medians of stay and daily census against what was recorded."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from maillage.simulation.calibration.extract import Extract, daily
from maillage.simulation.calibration.fit import Fit, applied
from maillage.simulation.calibration.replay import replayed
from maillage.simulation.fitted import HeldOut
from maillage.simulation.parameters import Scenario
from maillage.simulation.words import JUDGED

LEVELS: Final = (0.1, 0.5, 0.9)
WEEKS: Final = 8


def held_out(base: Scenario, extract: Extract, found: Fit, *, draws: int = 20, seed: int = 99) -> tuple[HeldOut, ...]:
    """Replay everything with draws of the fit, and look at the weeks after those of the fit."""
    last = extract.days // 7 * 7
    runs = np.array(
        [
            daily(replayed(applied(base, logs), extract.arrive, last, seed + n), found.days, last)
            for n, logs in enumerate(found.particles[:draws])
        ]
    )
    recorded, past = daily(extract, found.days, last), daily(extract, 0, last)
    return tuple(_scored(name, runs[:, :, n], recorded[:, n], past[:, n], found.days) for n, name in enumerate(JUDGED))


def _scored(name: str, runs: NDArray[np.float64], recorded: NDArray[np.float64], past: NDArray[np.float64], first: int) -> HeldOut:
    told = np.quantile(runs, LEVELS, axis=0)
    memory = np.array([np.quantile(_same_weekday(past, first + n), LEVELS) for n in range(len(recorded))]).T
    inside = (recorded >= told[0]) & (recorded <= told[2])
    return HeldOut(name, _loss(told, recorded), _loss(memory, recorded), float(inside.mean()), len(recorded))


def _same_weekday(past: NDArray[np.float64], day: int) -> NDArray[np.float64]:
    """The same weekday of the last eight weeks, by then."""
    values = past[[day - 7 * week for week in range(1, WEEKS + 1) if day - 7 * week >= 0]]
    return values[~np.isnan(values)] if (~np.isnan(values)).any() else np.zeros(1)


def _loss(told: NDArray[np.float64], recorded: NDArray[np.float64]) -> float:
    """Mean pinball loss."""
    gaps = recorded - told
    return float(np.nanmean([np.maximum(level * gap, (level - 1.0) * gap) for level, gap in zip(LEVELS, gaps, strict=True)]))
