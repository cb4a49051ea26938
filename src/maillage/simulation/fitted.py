"""How a scenario was fitted to what a department recorded: the figures that its file keeps, from which whoever shows them makes a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

from maillage.simulation.words import FACTORS, JUDGED, WAYS_OUT

NOT_INFORMED: Final = 0.8
LONGEST: Final = 1000
"""Weeks of an extract."""


@dataclass(frozen=True, slots=True)
class Factor:
    """What is known of one factor: median and 90 % interval, and whether the data said anything of it."""

    name: str
    median: float
    low: float
    high: float
    ratio: float
    """Standard deviation after, against before."""

    @property
    def informed(self) -> bool:
        """An extract alone cannot separate service from wait: what it leaves as wide as it was is not informed by the data."""
        return self.ratio <= NOT_INFORMED


@dataclass(frozen=True, slots=True)
class HeldOut:
    """How weeks that were held out compare with what was foretold, for one measure."""

    measure: str
    loss: float
    loss_of_memory: float
    coverage: float
    """Share of days in the band in which eight of ten should lie."""
    days: int

    @property
    def skill(self) -> float:
        """Share spared of the loss of « same weekday, last 8 weeks »."""
        return 1.0 - self.loss / self.loss_of_memory if self.loss_of_memory else 0.0


def calibrated(scores: tuple[HeldOut, ...]) -> bool:
    """Better than « same weekday, last 8 weeks » on every measure; else the department is said not to be fitted."""
    return all(score.skill > 0 for score in scores)


@dataclass(frozen=True, slots=True)
class Fitted:
    """By what a scenario was fitted, how well, and how it did on the weeks after those."""

    base: str
    seed: int
    code: str
    """Hash of the code that fitted."""
    begin: date
    """The Monday from which weeks are counted."""
    weeks: int
    held_out: int
    """Weeks after those, that the fit was not shown."""
    inside_band: float
    """Share of the summaries that lie in the 90 % predictive band."""
    factors: tuple[Factor, ...]
    kolmogorov: Mapping[str, float]
    """Distance between stays recorded and played, by way out."""
    back_test: tuple[HeldOut, ...]

    @property
    def calibrated(self) -> bool:
        """Whether the weeks held out were foretold better than by their own past."""
        return calibrated(self.back_test)


def figures(fitted: Fitted) -> dict[str, Any]:
    """The figures as a file keeps them: `read` gives the same back."""
    kept = asdict(fitted)
    return kept | {"begin": fitted.begin.isoformat(), "factors": list(kept["factors"]), "back_test": list(kept["back_test"])}


def read(kept: Mapping[str, Any]) -> Fitted:
    """From the table of a file, which may come from anywhere. Raises `ValueError` with what is wrong."""
    factors = tuple(_factor(row) for row in _rows(kept, "factors", "name", FACTORS))
    back_test = tuple(_held_out(row) for row in _rows(kept, "back_test", "measure", JUDGED))
    far = kept.get("kolmogorov")
    if not isinstance(far, dict) or far.keys() != WAYS_OUT.keys():
        raise ValueError(f"kolmogorov: one distance for each of {', '.join(WAYS_OUT)} is expected")
    return Fitted(
        _word(kept, "base"),
        _count(kept, "seed", 2**63),
        _word(kept, "code"),
        _day(kept, "begin"),
        _count(kept, "weeks", LONGEST),
        _count(kept, "held_out", LONGEST),
        _number(kept, "inside_band", 1.0),
        factors,
        {name: _number(far, name, 1.0) for name in WAYS_OUT},
        back_test,
    )


def _factor(row: Mapping[str, Any]) -> Factor:
    return Factor(row["name"], *(_number(row, key) for key in ("median", "low", "high", "ratio")))


def _held_out(row: Mapping[str, Any]) -> HeldOut:
    loss, of_memory, coverage = _number(row, "loss"), _number(row, "loss_of_memory"), _number(row, "coverage", 1.0)
    return HeldOut(row["measure"], loss, of_memory, coverage, _count(row, "days", 7 * LONGEST))


def _rows(kept: Mapping[str, Any], key: str, named: str, names: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """One row for each of these names, in their order."""
    rows = kept.get(key)
    if not isinstance(rows, list) or [row.get(named) if isinstance(row, dict) else None for row in rows] != list(names):
        raise ValueError(f"{key}: one row for each of {', '.join(names)} is expected")
    return rows


def _number(kept: Mapping[str, Any], key: str, most: float = 1e6) -> float:
    value = kept.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= most or math.isnan(value):
        raise ValueError(f"{key}: a number from 0 to {most:g} is expected")
    return float(value)


def _count(kept: Mapping[str, Any], key: str, most: int) -> int:
    value = kept.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError(f"{key}: a whole number from 0 to {most} is expected")
    return value


def _word(kept: Mapping[str, Any], key: str) -> str:
    value = kept.get(key)
    if not isinstance(value, str) or len(value) > 100:
        raise ValueError(f"{key}: a text of 100 characters at most is expected")
    return value


def _day(kept: Mapping[str, Any], key: str) -> date:
    try:
        return date.fromisoformat(_word(kept, key))
    except ValueError as error:
        raise ValueError(f"{key}: a date is expected, such as 2026-01-05") from error
