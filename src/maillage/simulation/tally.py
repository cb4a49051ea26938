"""What one run amounts to: the figures of an emergency department, its histograms by minute, its curves by quarter of an hour.

Everything in a tally but the figures adds up, so that tables of patients are never kept.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maillage.simulation import areas, counting
from maillage.simulation.areas import CROWD, IDLE, MOST, OVER, PERSON, QUARTER, QUARTERS, TENTHS, TOTAL, USED, Drawn, Walked
from maillage.simulation.assembly import Program
from maillage.simulation.counting import DIRECT, DIRECT_BY_ED, DUE, EXITS, FIT, LONGEST, RETURNED, TAKEN, WORDS, Counts, Reading
from maillage.simulation.desk import Same
from maillage.simulation.memory import MARKS
from maillage.simulation.play import Played
from maillage.simulation.words import LABELS
from maillage.simulation.world import WARM_UP, World

STAFF: Final = ("ioa", "nurse", "doctor", "imaging", "og")
USES: Final = {
    "ioa": ("triage",),
    "nurse": ("care",),
    "doctor": ("contact1", "contact2"),
    "imaging": ("image",),
    "og": ("og_care",),
    "box": ("box",),
    "uhcd": ("uhcd",),
    "bed": ("bed",),
}
SETTLING: Final = ("census", "busy:bed")
"""The curves that tell when a run has forgotten its start."""
SHARES: Final = np.array([0.5, 0.75, 0.9])
_LOCAL = threading.local()


@dataclass(slots=True)
class Tally:
    """One run, or several added."""

    figures: dict[str, float]
    minutes: dict[str, NDArray[np.int64]]
    """Measure -> how many by minute."""
    mean_day: dict[str, NDArray[np.float64]]
    """Curve -> sum over days of the mean by quarter of the day."""
    crowd: dict[str, NDArray[np.int32]]
    """Curve -> quarter of the day, number present (rounded): how many days."""
    days: int
    daily: dict[str, NDArray[np.float64]]
    """Curve -> sum over runs of the mean of each day, those of the warm-up too."""

    def added(self, other: Tally) -> Tally:
        """Histograms and curves of both; figures belong to one run and are left out."""
        return Tally(
            {},
            {key: value + other.minutes[key] for key, value in self.minutes.items()},
            {key: value + other.mean_day[key] for key, value in self.mean_day.items()},
            {key: value + other.crowd[key] for key, value in self.crowd.items()},
            self.days + other.days,
            {key: value + other.daily[key] for key, value in self.daily.items()},
        )

    def take_in(self, other: Tally) -> None:
        """`added`, into this one."""
        self.figures = {}
        for name in ("minutes", "mean_day", "crowd", "daily"):
            for key, value in getattr(other, name).items():
                getattr(self, name)[key] += value
        self.days += other.days


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of what is counted for one pathway: measures by name, curves by name, and where the compiled pass finds them."""

    measures: tuple[str, ...]
    curves: tuple[str, ...]
    drawn: tuple[str, ...]
    zones: tuple[str, ...]
    reading: Reading
    wanted: Drawn
    interrupted: NDArray[np.int32]
    """By stamp, the curve of the resource that it is the beginning of (-1: of none)."""


@lru_cache(maxsize=16)
def _lines(text: Same[Program], again: tuple[float, ...], zones: tuple[str, ...], *, curves: bool) -> Lines:
    """What to count in the runs of a program."""
    program = text.value
    classes = program.names.classes
    names = _curves(classes, zones)
    index, column = {name: n for n, name in enumerate(program.marks)}, program.names.columns.index
    uses = [
        (
            *(MARKS + index[f"{what}:{use}"] for what in ("ask", "got", "end")),
            names.index(f"busy:{resource}"),
            names.index(f"queue:{resource}"),
        )
        for resource, each in USES.items()
        for use in each
    ]
    interrupted = np.full(len(program.marks), -1, np.int32)
    interrupted[[use[areas.GET] - MARKS for use in uses]] = [use[areas.BUSY] for use in uses]
    reading = Reading(
        words=np.array([MARKS + index[word] for word in WORDS], np.uint64),
        uses=np.array(uses, np.uint64),
        exits=np.array([program.exits.index(name) for name in EXITS], np.int32),
        fit=column("og_fit"),
        returned=column("og_returned"),
        by_door=program.starts["ed"],
        direct=program.starts["direct"],
        queue_box=names.index(f"queue:box:{classes[0]}"),
        census=names.index("census"),
        boarders=names.index("boarders"),
        again=np.array(again),
    )
    drawn = [name for name in names if name in LABELS] if curves else []
    wanted = Drawn(
        _places(names, drawn),
        _places(names, SETTLING if curves else ()),
        _places(names, [f"zone:{name}" for name in zones]),
        _places(names, [f"busy:{resource.name}" for resource in program.names.resources]),
    )
    return Lines(_measures(classes), tuple(names), tuple(drawn), zones, reading, wanted, interrupted)


def _measures(classes: tuple[str, ...]) -> tuple[str, ...]:
    """What histograms are made of, in the order of `Counts`."""
    by_class = (*(f"door:{c}" for c in classes), "door", *(f"stay:{c}" for c in classes), "stay")
    return (*by_class, *(f"stay:{way}" for way in EXITS), "boarding")


def _curves(classes: tuple[str, ...], zones: tuple[str, ...]) -> list[str]:
    """The curves of a run: resources first, as `duty` is measured."""
    names = [f"busy:{name}" for name in USES] + [f"queue:{name}" for name in USES]
    return [*names, *(f"queue:box:{c}" for c in classes), *(f"zone:{name}" for name in zones), "census", "boarders"]


def _places(names: list[str], among: Any) -> NDArray[np.int32]:
    """For each name its place among others, or -1."""
    return np.array([list(among).index(name) if name in among else -1 for name in names], np.int32)


def quantiles_of(histogram: NDArray[np.int64], shares: tuple[float, ...]) -> list[float]:
    """The minutes at which these shares of a histogram are reached, interpolated inside the minute."""
    found = np.empty((1, len(shares) + 1))
    counting.quantiles(histogram.reshape(1, -1), np.array(shares), found)
    return [float(value) for value in found[0, : len(shares)]]


def tally(world: World, played: Played, *, warm_up: int = WARM_UP, curves: bool = True) -> Tally:
    """The tally of one run; those who arrived during the warm-up are not counted."""
    zones = (*(zone.name for zone in world.plan.zones), "unplaced", "unwatched")
    lines = _lines(Same(played.program), tuple(world.scenario.numbers("reevaluation.after")), zones, curves=curves)
    classes, days = len(played.program.names.classes), world.days - warm_up
    counts = Counts(
        np.zeros((len(lines.measures), LONGEST + 1), np.int64),
        np.zeros(len(lines.measures)),
        np.zeros(classes, np.int64),
        np.zeros((len(EXITS), classes), np.int64),
        np.zeros(6, np.int64),
    )
    shape = len(lines.curves), int(np.ceil(played.horizon / QUARTER)) + 2
    line = _LOCAL.__dict__.pop("curves", None)  # given back below: what an error leaves half filled is not used again
    line = np.zeros(shape, np.int64) if line is None or line.shape != shape else line
    counting.count(played.rows, played.words, played.width, lines.reading, warm_up * 1440.0, played.horizon, line, counts)
    areas.segments(played.trace, lines.curves.index(f"zone:{zones[0]}"), lines.interrupted, played.horizon, line)
    found = Walked(
        np.zeros((len(lines.curves), QUARTERS), np.int64),
        np.zeros((max(1, len(lines.drawn)), QUARTERS, CROWD), np.int32),
        np.zeros((len(SETTLING), world.days)),
        np.zeros((len(zones), TENTHS), np.int64),
        np.zeros((len(lines.curves), 5), np.int64),
        np.empty(QUARTERS, np.int64),
    )
    areas.walk(line, warm_up, world.days, lines.wanted, world.duty, found)
    _LOCAL.curves = line
    figures = _Figures(world, played, lines, days)
    figures.durations(counts)
    figures.occupancy(found)
    return Tally(
        figures.made,
        dict(zip(lines.measures, counts.minutes, strict=True)),
        dict(zip(lines.curves, found.mean_day / PERSON, strict=True)) if curves else {},
        dict(zip(lines.drawn, found.crowd, strict=False)),
        days,
        dict(zip(SETTLING, found.daily, strict=True)) if curves else {},
    )


class _Figures:
    """The figures of one run, from what was counted."""

    def __init__(self, world: World, played: Played, lines: Lines, days: int) -> None:
        self.world, self.lines, self.days = world, lines, days
        self.classes = played.program.names.classes
        self.made: dict[str, float] = {}

    def durations(self, counts: Counts) -> None:
        """Door to doctor, stays, exits, boarding."""
        total = max(1, int(counts.came.sum()))
        self.made["arrivals"] = total / self.days
        found = np.empty((len(self.lines.measures), len(SHARES) + 1))
        counting.quantiles(counts.minutes, SHARES, found)
        for name, (p50, p75, p90, count), whole in zip(self.lines.measures, found.tolist(), counts.sums.tolist(), strict=True):
            self.made[f"{name}_mean"] = whole / count if count else float("nan")
            self.made |= {f"{name}_p50": p50, f"{name}_p75": p75, f"{name}_p90": p90}
        for name in ("door", "stay"):
            line = self.lines.measures.index(name)
            for hours in (4, 8):
                later = int(counts.minutes[line, hours * 60 :].sum())
                self.made[f"{name}_over_{hours}h"] = 100.0 * later / max(1.0, found[line, -1])
        for way, left in zip(EXITS, counts.left, strict=True):
            self.made[f"share:{way}"] = 100.0 * int(left.sum()) / total
        self.made["unseen"] = self.made["share:unseen"]
        for cls, gone, came in zip(self.classes, counts.left[counting.UNSEEN].tolist(), counts.came.tolist(), strict=True):
            self.made[f"unseen:{cls}"] = 100.0 * gone / max(1, came)
        self.made["boarding_hours"] = float(counts.sums[-1]) / 60.0 / self.days
        self._within(counts, total)
        self._overflow(counts, total)

    def _within(self, counts: Counts, total: int) -> None:
        """Share seen by a doctor within the delay of the FRENCH scale, of those who came."""
        kept = 0
        for c, (delay, cls) in enumerate(zip(self.world.scenario.numbers("delay.doctor"), self.classes, strict=True)):
            seen = int(counts.minutes[c, : int(delay) + 1].sum())
            self.made[f"door_within:{cls}"] = 100.0 * seen / max(1, int(counts.came[c]))
            kept += seen
        self.made["door_within"] = 100.0 * kept / total

    def _overflow(self, counts: Counts, total: int) -> None:
        """The overflow stream: taken, missed, returned; direct admissions that came through the department; who is seen again while waiting."""
        number = counts.number.tolist()
        self.made["og_taken"] = 100.0 * number[TAKEN] / total
        self.made["og_missed"] = 100.0 * (number[FIT] - number[TAKEN]) / max(1, number[FIT])
        self.made["og_returned"] = 100.0 * number[RETURNED] / max(1, number[TAKEN])
        self.made["direct_by_ed"] = 100.0 * number[DIRECT_BY_ED] / max(1, number[DIRECT])
        self.made["reevaluations"] = number[DUE] / self.days
        self.made["reevaluation_minutes"] = number[DUE] / self.days * self.world.scenario.number("reevaluation.minutes")

    def occupancy(self, found: Walked) -> None:
        """Use by resource, zones, census."""
        quarters, hours, line = self.days * QUARTERS, QUARTER / 60.0 / self.days, self.lines.curves.index
        for name in (station.name for station in self.world.stations):
            of = (found.facts[line(f"busy:{name}")] / PERSON).tolist()
            duty = max(1e-9, of[USED] + of[IDLE])
            self.made[f"use:{name}"] = 100.0 * of[USED] / duty if duty > 1 else 0.0
            self.made[f"idle:{name}"] = of[IDLE] * hours
            self.made[f"overtime:{name}"] = of[OVER] * hours
        for n, name in enumerate(self.lines.zones):
            of = (found.facts[line(f"zone:{name}")] / PERSON).tolist()
            self.made[f"zone:{name}_p95"] = float(np.searchsorted(np.cumsum(found.tenths[n]), 0.95 * quarters)) / 10.0
            self.made[f"zone:{name}_max"] = of[MOST]
            self.made[f"zone:{name}_hours"] = of[TOTAL] * hours
        self.made["boarders_8h"] = float(found.mean_day[line("boarders"), 8 * 4]) / PERSON / self.days
        self.made["census_mean"] = float(found.facts[line("census"), TOTAL]) / PERSON / quarters


def figures_of(played: Any, world: World) -> dict[str, float]:
    """The figures alone."""
    return tally(world, played, curves=False).figures
