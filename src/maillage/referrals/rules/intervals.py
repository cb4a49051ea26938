"""The part of a wait that belongs to the patient (workflows.md 0.9)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from maillage.kernel.period import Period, net_length

UNANSWERED_AFTER: Final = {"asap": timedelta(hours=2)}
NOTICE: Final = {"asap": timedelta(hours=24)}
DEFAULT_UNANSWERED: Final = timedelta(hours=24)
DEFAULT_NOTICE: Final = timedelta(days=3)
AT_MOST: Final = timedelta(days=14)
REFUSALS_COUNTED: Final = 2


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of time caused by the patient: P1 unavailable, P2 offer unanswered, P3 offer refused, P4 absence."""

    kind: str
    start: datetime
    end: datetime


def unanswered_offer(offered_at: datetime, ended_at: datetime, priority: str) -> Interval | None:
    """P2: an offer unanswered, from its 24th hour (asap: its second) to the answer or the expiry."""
    start = offered_at + UNANSWERED_AFTER.get(priority, DEFAULT_UNANSWERED)
    return Interval("P2", start, ended_at) if start < ended_at else None


def refused_offer(
    offered_at: datetime, slot_start: datetime, priority: str, *, refused_before: int, inside_constraints: bool
) -> Interval | None:
    """P3: a reasonable offer refused, from the refused slot, at most 14 days, twice at most. The end may be cut by the next event."""
    reasonable = inside_constraints and slot_start - offered_at >= NOTICE.get(priority, DEFAULT_NOTICE)
    if not reasonable or refused_before >= REFUSALS_COUNTED:
        return None
    return Interval("P3", slot_start, slot_start + AT_MOST)


def after_absence(at: datetime) -> Interval:
    """P4: after an absence or a late cancellation by the patient, until reached or decided, at most 14 days."""
    return Interval("P4", at, at + AT_MOST)


def removed(intervals: Iterable[tuple[datetime, datetime]], start: datetime, end: datetime) -> timedelta:
    """How much of a wait belongs to the patient: the union of the intervals inside it, each instant once."""
    whole = Period(start, end)
    return whole.length - net_length(whole, [Period(*bounds) for bounds in intervals])
