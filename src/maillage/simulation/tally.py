"""What one run amounts to: the figures of an emergency department, its histograms by minute, its curves by quarter of an hour.

Everything in a tally but the figures adds up, so that tables of patients are never kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maillage.simulation.areas import IDLE, MOST, OVER, QUARTER, QUARTERS, TOTAL, USED, Curves, Walked, add_minutes
from maillage.simulation.play import Played
from maillage.simulation.words import LABELS
from maillage.simulation.world import WARM_UP, World

LONGEST: Final = 2880
"""Minutes of a histogram; what is longer stands in its last bin."""
EXITS: Final = ("home", "og", "ward", "uhcd", "unseen")
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


@dataclass(slots=True)
class Tally:
    """One run, or several added."""

    figures: dict[str, float]
    minutes: dict[str, NDArray[np.int64]]
    """Measure -> how many by minute."""
    mean_day: dict[str, NDArray[np.float64]]
    """Curve -> sum over days of the mean by quarter of the day."""
    crowd: dict[str, NDArray[np.int64]]
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


def tally(world: World, played: Played, *, warm_up: int = WARM_UP, curves: bool = True) -> Tally:
    """The tally of one run; those who arrived during the warm-up are not counted."""
    made = _Counting(world, played, warm_up)
    made.durations()
    made.occupancy(curves=curves)
    return Tally(made.figures, made.minutes, made.mean_day, made.crowd, made.days, made.daily)


def quantiles_of(histogram: NDArray[np.int64], shares: tuple[float, ...]) -> list[float]:
    """The minutes at which these shares of a histogram are reached, interpolated inside the minute."""
    below = np.cumsum(histogram)
    total = int(below[-1])
    if not total:
        return [float("nan")] * len(shares)
    found = []
    for share in shares:
        at = int(np.searchsorted(below, share * total))
        before = int(below[at - 1]) if at else 0
        found.append(at + (share * total - before) / max(1, int(histogram[at])))
    return found


class _Counting:
    """The work of one tally."""

    def __init__(self, world: World, played: Played, warm_up: int) -> None:
        self.world, self.played = world, played
        self.begin, self.days = warm_up * 1440.0, world.days - warm_up
        self.names = {name: n for n, name in enumerate(played.program.marks)}
        self.marks = played.trace.marks
        self.arrive = self.mark("arrive")
        self.patients = played.rows.at == world.program.starts["ed"]
        self.counted = self.patients & (self.arrive >= self.begin)
        self.cls = played.rows.cls
        self.figures: dict[str, float] = {}
        self.minutes: dict[str, NDArray[np.int64]] = {}
        self.mean_day: dict[str, NDArray[np.float64]] = {}
        self.crowd: dict[str, NDArray[np.int64]] = {}
        self.daily: dict[str, NDArray[np.float64]] = {}

    def mark(self, name: str) -> NDArray[np.float64]:
        return np.asarray(self.marks[:, self.names[name]])

    def left(self, name: str) -> NDArray[np.bool_]:
        return self.played.left_by(name)

    def durations(self) -> None:
        """Door to doctor, stays, exits, boarding."""
        total = max(1, int(self.counted.sum()))
        self.figures["arrivals"] = total / self.days
        exits = {name: self.counted & self.left(name) for name in EXITS}
        gone = np.fmin(np.fmin(self.mark("uhcd"), self.mark("left_ed")), self.mark("exit"))
        exits["uhcd"] = self.counted & ~np.isnan(self.mark("uhcd"))
        exits["ward"] = self.counted & np.isnan(self.mark("uhcd")) & ~np.isnan(self.mark("left_ed"))
        self._waits("door", self.mark("doctor") - self.arrive, self.counted)
        self._within(total)
        stay = gone - self.arrive
        self._waits("stay", stay, self.counted)
        group = np.full(len(stay), -1)
        for n, rows in enumerate(exits.values()):
            group[rows] = n
        counts, sums = self._grouped(stay, group, len(exits))
        for n, (name, rows) in enumerate(exits.items()):
            self.figures[f"share:{name}"] = 100.0 * int(rows.sum()) / total
            self._said(f"stay:{name}", counts[n], sums[n])
        self.figures["unseen"] = self.figures["share:unseen"]
        for c, name in enumerate(self.played.program.names.classes):
            of = self.counted & (self.cls == c)
            self.figures[f"unseen:{name}"] = 100.0 * int((of & exits["unseen"]).sum()) / max(1, int(of.sum()))
        boarding = self.mark("got:bed") - self.mark("ask:bed")
        counts, sums = self._grouped(boarding, np.where(self.counted, 0, -1), 1)
        self._said("boarding", counts[0], sums[0])
        self.figures["boarding_hours"] = float(np.nansum(np.where(self.counted, boarding, np.nan))) / 60.0 / self.days
        self._overflow(total)

    def _waits(self, name: str, minutes: NDArray[np.float64], rows: NDArray[np.bool_]) -> None:
        """A measure for everyone and by class."""
        classes = self.played.program.names.classes
        counts, sums = self._grouped(minutes, np.where(rows, self.cls, -1), len(classes))
        for c, cls in enumerate(classes):
            self._said(f"{name}:{cls}", counts[c], sums[c])
        self._said(name, counts.sum(axis=0), float(sums.sum()))
        total = max(1, int(self.minutes[name].sum()))
        for hours in (4, 8):
            self.figures[f"{name}_over_{hours}h"] = 100.0 * float(self.minutes[name][hours * 60 :].sum()) / total

    @staticmethod
    def _grouped(minutes: NDArray[np.float64], group: NDArray[Any], groups: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        counts, sums = np.zeros((groups, LONGEST + 1), np.int64), np.zeros(groups)
        add_minutes(minutes, group.astype(np.int64), counts, sums)
        return counts, sums

    def _said(self, name: str, histogram: NDArray[np.int64], total: float) -> None:
        """Histogram by minute, mean and quantiles."""
        count = int(histogram.sum())
        self.minutes[name] = histogram
        self.figures[f"{name}_mean"] = float(total) / count if count else float("nan")
        p50, p75, p90 = quantiles_of(histogram, (0.5, 0.75, 0.9))
        self.figures |= {f"{name}_p50": p50, f"{name}_p75": p75, f"{name}_p90": p90}

    def _within(self, total: int) -> None:
        """Share seen by a doctor within the delay of the FRENCH scale, of those who came."""
        kept = 0
        for delay, cls in zip(self.world.scenario.numbers("delay.doctor"), self.played.program.names.classes, strict=True):
            seen = int(self.minutes[f"door:{cls}"][: int(delay) + 1].sum())
            came = int((self.counted & (self.cls == self.played.program.names.classes.index(cls))).sum())
            self.figures[f"door_within:{cls}"] = 100.0 * seen / max(1, came)
            kept += seen
        self.figures["door_within"] = 100.0 * kept / total

    def _overflow(self, total: int) -> None:
        """The overflow stream: taken, missed, returned; direct admissions that came through the department."""
        fit = self.counted & (self._column("og_fit") > 0)
        taken = fit & ~np.isnan(self.mark("got:og_care"))
        returned = taken & (self._column("og_returned") > 0)
        self.figures["og_taken"] = 100.0 * int(taken.sum()) / total
        self.figures["og_missed"] = 100.0 * int((fit & ~taken).sum()) / max(1, int(fit.sum()))
        self.figures["og_returned"] = 100.0 * int(returned.sum()) / max(1, int(taken.sum()))
        direct = (self.played.rows.at == self.world.program.starts["direct"]) & (self.arrive >= self.begin)
        self.figures["direct_by_ed"] = 100.0 * int((direct & ~np.isnan(self.mark("ask:box"))).sum()) / max(1, int(direct.sum()))
        wait = np.where(np.isnan(self.mark("got:box")), self.mark("exit"), self.mark("got:box")) - self.mark("triaged")
        after = np.array(self.world.scenario.numbers("reevaluation.after"))[self.cls]
        waits = self.counted & (after > 0) & (wait >= after)
        due = float(np.floor(wait[waits] / after[waits]).sum())
        self.figures["reevaluations"] = due / self.days
        self.figures["reevaluation_minutes"] = due / self.days * self.world.scenario.number("reevaluation.minutes")

    def _column(self, name: str) -> NDArray[np.float64]:
        return np.asarray(self.played.rows.columns[:, self.played.program.names.columns.index(name)])

    def occupancy(self, *, curves: bool) -> None:
        """Use by resource, queues by class, zones, census: by quarter of an hour."""
        classes = self.played.program.names.classes
        zones = [*(zone.name for zone in self.world.plan.zones), "unplaced", "unwatched"]
        names = [f"busy:{name}" for name in USES] + [f"queue:{name}" for name in USES]
        names += [f"queue:box:{c}" for c in classes] + [f"zone:{name}" for name in zones] + ["census", "boarders"]
        areas = Curves(names, self.played.horizon)
        for resource, uses in USES.items():
            for use in uses:
                begin, got, end = (self.mark(f"{what}:{use}") for what in ("ask", "got", "end"))
                areas.add(f"busy:{resource}", got, end)
                areas.add(f"queue:{resource}", begin, np.where(np.isnan(got), end, got))
        asked, got = self.mark("ask:box"), self.mark("got:box")
        leaves = np.where(np.isnan(got), self.mark("end:box"), got)
        areas.spread(self.cls.astype(np.int64) + names.index(f"queue:box:{classes[0]}"), asked, leaves)
        gone = np.fmin(np.fmin(self.mark("uhcd"), self.mark("left_ed")), self.mark("exit"))
        areas.add("census", np.where(self.patients, self.arrive, np.nan), gone)
        held = self.patients & np.isnan(self.mark("uhcd"))
        areas.add("boarders", np.where(held, self.mark("ask:bed"), np.nan), self.mark("got:bed"))
        self._log(areas, names, zones)
        duty = np.stack([self.world.duty[name] for name in USES])
        drawn = [name for name in names if name in LABELS] if curves else []
        self._curves(areas.walked(int(self.begin / QUARTER), duty, drawn), names, drawn, zones)

    def _log(self, areas: Curves, names: list[str], zones: list[str]) -> None:
        """Stays in zones, and services that a hand-over interrupted."""
        log, times = self.played.log
        kind = log[:, 0]
        into = np.where(kind >= 0, kind + names.index(f"zone:{zones[0]}"), -1).astype(np.int64)
        for resource, uses in USES.items():
            for use in uses:
                into[kind == -1 - self.names[f"got:{use}"]] = names.index(f"busy:{resource}")
        areas.spread(into, np.ascontiguousarray(times[:, 0]), np.ascontiguousarray(times[:, 1]))

    def _curves(self, found: Walked, names: list[str], drawn: list[str], zones: list[str]) -> None:
        quarters, hours = self.days * QUARTERS, QUARTER / 60.0 / self.days
        for name in (station.name for station in self.world.stations):
            of = found.facts[names.index(f"busy:{name}")]
            duty = max(1e-9, float(of[USED] + of[IDLE]))
            self.figures[f"use:{name}"] = 100.0 * float(of[USED]) / duty if duty > 1 else 0.0
            self.figures[f"idle:{name}"] = float(of[IDLE]) * hours
            self.figures[f"overtime:{name}"] = float(of[OVER]) * hours
        for name in zones:
            line = names.index(f"zone:{name}")
            self.figures[f"zone:{name}_p95"] = float(np.searchsorted(np.cumsum(found.tenths[line]), 0.95 * quarters)) / 10.0
            self.figures[f"zone:{name}_max"] = float(found.facts[line, MOST])
            self.figures[f"zone:{name}_hours"] = float(found.facts[line, TOTAL]) * hours
        self.figures["boarders_8h"] = float(found.mean_day[names.index("boarders"), 8 * 4]) / self.days
        self.figures["census_mean"] = float(found.facts[names.index("census"), TOTAL]) / quarters
        if drawn:
            self.mean_day = dict(zip(names, found.mean_day, strict=True))
            self.crowd = dict(zip(drawn, found.crowd, strict=True))
            self.daily = {name: found.daily[names.index(name), : self.world.days] / QUARTERS for name in SETTLING}


def figures_of(played: Any, world: World) -> dict[str, float]:
    """The figures alone."""
    return tally(world, played, curves=False).figures
