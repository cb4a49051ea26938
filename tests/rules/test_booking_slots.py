"""Slots: wall time on clock-change nights, reservations and their release dates, quotas."""

from __future__ import annotations

import itertools
import tracemalloc
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maillage.booking.rules import Claim, check_quota, check_reservation, cut, release_at, reserve, session_period
from maillage.booking.rules.slots import reserved_count
from maillage.booking.types import Reservation, Reserved, Share
from maillage.kernel.answers import Allowed, Refused
from maillage.kernel.errors import Invalid
from maillage.kernel.working_time import WorkingCalendar

LONG_NIGHT, SHORT_NIGHT = date(2026, 10, 25), date(2026, 3, 29)
START = datetime(2026, 11, 24, 13, tzinfo=UTC)  # Tuesday 24 November, 14:00 in Paris
CALENDAR = WorkingCalendar(frozenset({date(2026, 11, 20)}))


@pytest.mark.parametrize(("day", "count"), [(LONG_NIGHT, 75), (SHORT_NIGHT, 69), (date(2026, 6, 2), 72), (date(2028, 2, 29), 72)])
def test_a_whole_day_of_twenty_minutes(day: date, count: int) -> None:
    slots = cut(session_period(day, time(0), time(0)), 20)
    assert len(slots) == count
    assert {slot.length for slot in slots} == {timedelta(minutes=20)}
    assert all(a.end == b.start for a, b in itertools.pairwise(slots))


@pytest.mark.parametrize("day", [date(2027, 3, 28), SHORT_NIGHT])
def test_a_local_time_in_the_gap_is_refused(day: date) -> None:
    with pytest.raises(Invalid) as refusal:
        session_period(day, time(2, 30), time(12))
    assert refusal.value.reason == "local-time-gap"


def test_a_doubled_hour_is_refused_rather_than_guessed() -> None:
    with pytest.raises(Invalid) as refusal:
        session_period(LONG_NIGHT, time(2, 30), time(12))
    assert refusal.value.reason == "local-time-doubled"


def test_a_session_past_midnight_ends_the_next_day() -> None:
    period = session_period(date(2026, 6, 2), time(22), time(1))
    assert period.length == timedelta(hours=3)


def test_what_does_not_fit_is_not_a_slot() -> None:
    assert len(cut(session_period(date(2026, 6, 2), time(14), time(15, 10)), 20)) == 3


@given(st.dates(date(2026, 1, 1), date(2038, 1, 31)), st.integers(5, 240))
def test_every_slot_lasts_what_it_says_on_any_day(day: date, minutes: int) -> None:
    period = session_period(day, time(0), time(0))
    slots = cut(period, minutes)
    assert all(slot.length == timedelta(minutes=minutes) for slot in slots)
    assert timedelta() <= period.end - slots[-1].end < timedelta(minutes=minutes)


def test_release_dates() -> None:
    assert release_at(Reserved.ASAP, START, CALENDAR) == datetime(2026, 11, 23, 13, tzinfo=UTC)
    assert release_at(Reserved.URGENT, START, CALENDAR) == datetime(2026, 11, 18, 7, tzinfo=UTC)  # Fri 20 is closed: Mon, Thu, Wed
    assert release_at(Reserved.SITE, START, CALENDAR) == datetime(2026, 11, 14, 7, tzinfo=UTC)


def test_release_keeps_the_wall_hour_across_the_clock_change() -> None:
    start = datetime(2026, 10, 30, 9, tzinfo=UTC)
    assert release_at(Reserved.SITE, start, CALENDAR) == datetime(2026, 10, 20, 6, tzinfo=UTC)  # 08:00 in summer time


def test_reservations_are_spread_over_the_session() -> None:
    spread = reserve(9, 1, 1, [Share("centre", 1)])
    assert spread == (
        None,
        Reservation(Reserved.SITE, "centre"),
        None,
        None,
        Reservation(Reserved.URGENT),
        None,
        None,
        Reservation(Reserved.ASAP),
        None,
    )


@pytest.mark.parametrize(("asap", "urgent", "share"), [(2**31 - 1, 0, 0), (0, 2**31 - 1, 0), (0, 0, 2**31 - 1)])
def test_too_many_reservations_are_counted_before_they_are_made(asap: int, urgent: int, share: int) -> None:
    tracemalloc.start()
    with pytest.raises(Invalid) as refusal:
        reserve(9, asap, urgent, [Share("centre", share)])
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refusal.value.reason == "quota-above-slots"
    assert most < 1_000_000


@pytest.mark.parametrize("day", [date.min, date.max])
def test_a_session_of_another_era_is_refused(day: date) -> None:
    with pytest.raises(Invalid) as refusal:
        session_period(day, time(22), time(1))
    assert refusal.value.reason == "date-out-of-range"


@given(st.integers(0, 80), st.integers(0, 20), st.integers(0, 20), st.lists(st.integers(0, 10), max_size=4))
def test_every_reservation_finds_one_slot_or_all_are_refused(count: int, asap: int, urgent: int, quotas: list[int]) -> None:
    shares = [Share(f"org-{i}", n) for i, n in enumerate(quotas)]
    total = asap + urgent + sum(quotas)
    if total > count:
        with pytest.raises(Invalid) as refusal:
            reserve(count, asap, urgent, shares)
        assert refusal.value.reason == "quota-above-slots"
        return
    spread = reserve(count, asap, urgent, shares)
    assert len(spread) == count
    assert reserved_count(spread) == total
    assert sum(r is not None and r.kind is Reserved.ASAP for r in spread) == asap
    for share in shares:
        assert sum(r == Reservation(Reserved.SITE, share.organization) for r in spread) == share.slots


@pytest.mark.parametrize(
    ("kind", "priority", "allowed"),
    [
        ("asap", "stat", True),
        ("asap", "asap", True),
        ("asap", "urgent", False),
        ("asap", "routine", False),
        ("urgent", "asap", True),
        ("urgent", "urgent", True),
        ("urgent", "routine", False),
    ],
)
def test_who_may_take_a_fast_track_slot(kind: str, priority: str, allowed: bool) -> None:
    release = START - timedelta(hours=24)
    before, after = (Claim(priority, ("x",), release + timedelta(seconds=s)) for s in (-1, 0))
    reservation = Reservation(Reserved(kind))
    assert check_reservation(reservation, release, before) == (Allowed() if allowed else Refused("reserved"))
    assert check_reservation(reservation, release, after) == Allowed()


def test_a_site_slot_is_for_that_site_until_its_release() -> None:
    reservation, release = Reservation(Reserved.SITE, "centre"), START
    assert check_reservation(reservation, release, Claim("routine", ("centre",), START - timedelta(days=1))) == Allowed()
    assert check_reservation(reservation, release, Claim("asap", ("other",), START - timedelta(days=1))) == Refused("reserved")
    assert check_reservation(None, None, Claim("routine", ("other",), START)) == Allowed()


def test_a_capped_share_holds_until_its_release_and_never_for_very_urgent_requests() -> None:
    share, early, late = Share("centre", 2, 3), START - timedelta(days=20), START - timedelta(days=2)
    assert check_quota(share, 2, Claim("routine", ("centre",), early), START) == Allowed()
    assert check_quota(share, 3, Claim("routine", ("centre",), early), START) == Refused("quota-exhausted")
    assert check_quota(share, 3, Claim("urgent", ("centre",), early), START) == Refused("quota-exhausted")
    assert check_quota(share, 3, Claim("asap", ("centre",), early), START) == Allowed()
    assert check_quota(share, 3, Claim("routine", ("centre",), late), START) == Allowed()
    released = release_at(Reserved.SITE, START, CALENDAR)
    assert check_quota(share, 3, Claim("routine", ("centre",), released), START) == Allowed()
    assert check_quota(share, 3, Claim("routine", ("centre",), released - timedelta(seconds=1)), START) == Refused("quota-exhausted")
    assert check_quota(Share("centre", 2), 9, Claim("routine", ("centre",), early), START) == Allowed()
    assert check_quota(None, 9, Claim("routine", ("centre",), early), START) == Allowed()
