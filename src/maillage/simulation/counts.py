"""A file of hourly counts: what a department knows of its flow, without a single passage."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maillage.simulation.calibration.extract import EXITS, Extract
from maillage.simulation.parameters import Wrong

WEEK: Final = 168
FEWEST, MOST = 16, 60
"""Weeks: eight for the back-test, eight that it looks back on; more than a year says little of next week."""
LONGEST: Final = 48
"""Hours of a stay that are told apart."""
MANY: Final = 1000


@dataclass(frozen=True, slots=True)
class Counts:
    """From a Monday at 0 h on, hour by hour; the last hour is whole."""

    monday: date
    arrivals: NDArray[np.float64]
    eligible: NDArray[np.float64]
    admitted: float
    """The share that needs a bed."""
    after: tuple[float, ...]
    """Of those, which share has left for it after 0, 1, 2... hours."""
    present: tuple[int, ...]
    """How many are here by whole hours since they came."""

    def at(self, hour: int) -> datetime:
        """The clock of an hour; days of 24 hours."""
        return datetime.combine(self.monday, time()) + timedelta(hours=hour)


def counted(extract: Extract, light: NDArray[np.bool_], monday: date) -> Counts:
    """The counts of an extract, up to the last whole hour; `light`: whom the rule of the overflow stream would have sent to the city doctor."""
    hours = int(extract.arrive[-1] // 60.0)
    first = max(0, hours // WEEK - MOST) * WEEK
    seen = (extract.arrive >= first * 60.0) & (extract.arrive < hours * 60.0)
    of = (extract.arrive[seen] // 60.0).astype(int) - first
    end = hours * 60.0
    left = extract.arrive + extract.stay
    here = seen & ((left > end) | (np.isnan(extract.stay) & (extract.arrive > end - LONGEST * 60.0)))
    ward = (extract.exit == EXITS.index("ward")) & seen & ~np.isnan(extract.stay)
    known = (extract.exit >= 0) & seen
    elapsed = np.minimum((end - extract.arrive[here]) // 60.0, LONGEST - 1).astype(int)
    return Counts(
        monday + timedelta(days=first // 24),
        np.bincount(of, minlength=hours - first).astype(float),
        np.bincount(of, weights=light[seen], minlength=hours - first).astype(float),
        float(ward.sum() / max(1, known.sum())),
        tuple(float((extract.stay[ward] <= 60.0 * n).mean()) if ward.any() else 1.0 for n in range(LONGEST + 1)),
        tuple(int(n) for n in np.bincount(elapsed, minlength=LONGEST)),
    )


def text_of(counts: Counts) -> str:
    """The file."""
    return json.dumps(
        {
            "maillage": "counts",
            "monday": counts.monday.isoformat(),
            "arrivals": " ".join(str(int(n)) for n in counts.arrivals),
            "eligible": " ".join(str(int(n)) for n in counts.eligible),
            "admitted": round(counts.admitted, 5),
            "after": [round(share, 5) for share in counts.after],
            "present": list(counts.present),
        }
    )


def digest_of(text: str) -> str:
    """By what a file is known again."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read(text: str) -> Counts:
    """A file of counts, or `Wrong` with what is wrong with it."""
    try:
        said: Any = json.loads(text)
    except ValueError as error:
        raise Wrong("file", "not-counts", "not a file of counts") from error
    if not isinstance(said, dict) or said.get("maillage") != "counts":
        raise Wrong("file", "not-counts", "not a file of counts")
    try:
        found = Counts(
            date.fromisoformat(said["monday"]),
            _series(said, "arrivals"),
            _series(said, "eligible"),
            float(said["admitted"]),
            tuple(float(share) for share in said["after"]),
            tuple(int(many) for many in said["present"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Wrong(str(error.args[0])[:40] if isinstance(error, KeyError) else "file", "not-counts", "missing, or not a number") from error
    _check(found)
    return found


def _series(said: dict[str, Any], key: str) -> NDArray[np.float64]:
    return np.array([int(word) for word in str(said[key]).split()], float)


def _check(found: Counts) -> None:
    """Refuse what no department counts."""
    weeks, came, fit = len(found.arrivals) / WEEK, found.arrivals, found.eligible
    grows = all(a <= b for a, b in zip((0.0, *found.after), (*found.after, 1.0), strict=True))
    rules = (
        ("monday", found.monday.weekday() == 0, "not a Monday"),
        ("arrivals", FEWEST <= weeks <= MOST + 1, f"{weeks:.1f} weeks: {FEWEST} to {MOST} are needed"),
        ("arrivals", bool(((came >= 0) & (came <= MANY)).all()) and came.sum() > 0, f"hours of 0 to {MANY} arrivals"),
        ("eligible", len(fit) == len(came) and bool(((fit >= 0) & (fit <= came)).all()), "as many hours as arrivals, never more people"),
        ("admitted", 0.0 <= found.admitted <= 1.0, "a share"),
        ("after", 2 <= len(found.after) <= 200 and grows, "shares that grow to 1"),
        ("present", len(found.present) <= 200 and all(0 <= many <= MANY for many in found.present), f"0 to {MANY} people for each hour"),
    )
    for key, holds, why in rules:
        if not holds:
            raise Wrong(key, "bad-counts", why)
