"""By when: each state and priority, the turn that comes back, the breach ladder, the patient's part."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from maillage.kernel.breach import TOLD, Clock, ladder, levels_reached, next_step, steps_to_write
from maillage.kernel.working_time import Delay, WorkingCalendar
from maillage.referrals.rules import (
    Dates,
    after_absence,
    clock_for,
    delay_of,
    left_of,
    refused_offer,
    removed,
    rescaled,
    unanswered_offer,
)
from maillage.referrals.rules.deadlines import share

CALENDAR = WorkingCalendar(holidays=frozenset({date(2026, 12, 25), date(2027, 1, 1)}))
MONDAY = datetime(2026, 11, 16, 8, tzinfo=UTC)  # 09:00 in Paris


def due(state: str, priority: str = "routine", dates: Dates | None = None) -> datetime:
    return clock_for(state, priority, MONDAY, dates or Dates(), CALENDAR).due


@pytest.mark.parametrize(
    ("state", "priority", "expected"),
    [
        ("sent", "asap", "2026-11-16T12:00"),
        ("sent", "urgent", "2026-11-17T08:00"),
        ("sent", "routine", "2026-11-18T08:00"),
        ("opened", "asap", "2026-11-17T08:00"),
        ("opened", "routine", "2026-11-23T08:00"),
        ("info-requested", "asap", "2026-11-17T08:00"),
        ("info-requested", "urgent", "2026-11-18T08:00"),
        ("info-requested", "routine", "2026-11-23T08:00"),
        ("insisted", "asap", "2026-11-17T08:00"),
        ("insisted", "routine", "2026-11-19T08:00"),
        ("to-book", "urgent", "2026-11-19T08:00"),
        ("to-book", "routine", "2026-11-30T08:00"),
        ("waiting-capacity", "asap", "2026-11-23T08:00"),
        ("waiting-capacity", "routine", "2027-01-15T08:00"),
        ("offered", "asap", "2026-11-16T12:00"),
        ("offered", "routine", "2026-11-18T08:00"),
        ("to-rebook", "routine", "2026-11-19T08:00"),
        ("seen", "asap", "2026-11-17T08:00"),
        ("seen", "routine", "2026-11-24T08:00"),
        ("letter-sent", "asap", "2026-11-18T08:00"),
        ("letter-sent", "routine", "2026-11-30T08:00"),
        ("declined", "stat", "2026-11-30T08:00"),
    ],
)
def test_a_deadline_by_state_and_priority(state: str, priority: str, expected: str) -> None:
    assert due(state, priority) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_the_decision_is_counted_from_the_sending() -> None:
    sent = MONDAY - timedelta(days=3)  # Friday
    assert due("opened", "routine", Dates(sent_at=sent)) == datetime(2026, 11, 20, 8, tzinfo=UTC)


def test_a_decision_that_is_already_late_keeps_a_quarter() -> None:
    sent = MONDAY - timedelta(days=30)
    clock = clock_for("opened", "routine", MONDAY, Dates(sent_at=sent), CALENDAR)
    assert clock.since == MONDAY
    assert clock.due == datetime(2026, 11, 17, 11, tzinfo=UTC)  # a quarter of 5 working days: 13 service hours


def test_attendance_is_counted_from_the_end_of_the_slot() -> None:
    end = datetime(2026, 12, 1, 13, 20, tzinfo=UTC)
    clock = clock_for("booked", "routine", MONDAY, Dates(slot_end=end), CALENDAR)
    assert (clock.since, clock.due) == (end, end + timedelta(hours=24))
    assert due("booked") == MONDAY + timedelta(hours=24)


def test_an_offer_lasts_as_long_as_its_hold() -> None:
    until = MONDAY + timedelta(hours=30)
    assert due("offered", "routine", Dates(hold_expires_at=until)) == until


def test_the_visit_is_counted_from_the_first_sending_without_the_patients_part() -> None:
    first = MONDAY - timedelta(days=10)
    dates = Dates(first_sent_at=first, removed=timedelta(days=5))
    assert due("waiting-capacity", "urgent", dates) == first + timedelta(days=26)
    late = Dates(first_sent_at=MONDAY - timedelta(days=100))
    assert due("waiting-capacity", "urgent", late) == MONDAY + timedelta(hours=126)  # a quarter of 21 days


@pytest.mark.parametrize(
    ("left", "expected"),
    [(1.0, "2026-11-23T08:00"), (0.6, "2026-11-19T08:00"), (0.1, "2026-11-17T11:00")],
)
def test_a_turn_that_comes_back_has_the_time_left_at_least_a_quarter(left: float, expected: str) -> None:
    found = due("info-received", "routine", Dates(left={"decided": left}))
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_what_is_left_is_a_share_of_the_whole() -> None:
    clock = Clock("decided", MONDAY, datetime(2026, 11, 23, 8, tzinfo=UTC), "wd")
    assert left_of(clock, MONDAY, CALENDAR, "routine") == 1
    assert left_of(clock, MONDAY + timedelta(days=2), CALENDAR, "routine") == pytest.approx(0.6)
    assert left_of(clock, MONDAY + timedelta(days=20), CALENDAR, "routine") == 0


@pytest.mark.parametrize(
    ("whole", "fraction", "part"),
    [
        (Delay(5, "wd"), 1.0, Delay(5, "wd")),
        (Delay(5, "wd"), 0.25, Delay(13, "bh")),
        (Delay(4, "bh"), 0.25, Delay(1, "bh")),
        (Delay(8, "d"), 0.5, Delay(96, "h")),
        (Delay(1, "h"), 0.0, Delay(1, "h")),
    ],
)
def test_a_share_of_a_delay(whole: Delay, fraction: float, part: Delay) -> None:
    assert share(whole, fraction, CALENDAR) == part


@pytest.mark.parametrize(
    ("days", "levels"),
    [(1, ()), (4, (75,)), (7, (75, 100)), (10, (75, 100, 150)), (14, (75, 100, 150)), (21, (75, 100, 150, 300)), (60, (75, 100, 150, 300))],
)
def test_the_ladder_of_a_decision_in_five_working_days(days: int, levels: tuple[int, ...]) -> None:
    clock = Clock("decided", MONDAY, datetime(2026, 11, 23, 8, tzinfo=UTC), "wd")
    assert levels_reached(clock, MONDAY + timedelta(days=days), CALENDAR) == levels


def test_ten_working_days_over_is_the_last_step_of_a_long_deadline() -> None:
    clock = Clock("visit", MONDAY, MONDAY + timedelta(days=60), "d")
    assert 300 not in levels_reached(clock, MONDAY + timedelta(days=70), CALENDAR)
    assert 300 in levels_reached(clock, MONDAY + timedelta(days=76), CALENDAR)


def test_a_deadline_that_falls_where_no_time_runs() -> None:
    saturday = datetime(2026, 11, 21, 10, tzinfo=UTC)
    clock = Clock("decided", saturday, saturday + timedelta(hours=2), "wd")
    assert ladder(clock, CALENDAR)[75] == ladder(clock, CALENDAR)[100] == clock.due
    assert ladder(clock, CALENDAR)[150] == datetime(2026, 11, 23, 7, 30, tzinfo=UTC)  # Monday 08:30 in Paris


def test_the_reminder_of_a_working_deadline_comes_before_the_weekend() -> None:
    thursday = datetime(2026, 11, 19, 8, tzinfo=UTC)
    clock = Clock("decided", thursday, datetime(2026, 11, 23, 8, tzinfo=UTC), "wd")
    assert ladder(clock, CALENDAR)[75] == datetime(2026, 11, 20, 13, tzinfo=UTC)


def test_the_scheduler_looks_again_at_the_next_step() -> None:
    clock = Clock("letter", MONDAY, MONDAY + timedelta(days=8), "d")
    assert next_step(clock, MONDAY, CALENDAR) == MONDAY + timedelta(days=6)
    assert next_step(clock, MONDAY + timedelta(days=8), CALENDAR) == MONDAY + timedelta(days=12)
    assert next_step(clock, MONDAY + timedelta(days=40), CALENDAR) is None


def test_a_step_is_written_once_and_in_order() -> None:
    clock = Clock("letter", MONDAY, MONDAY + timedelta(days=8), "d")
    late = MONDAY + timedelta(days=40)
    assert steps_to_write(clock, late, CALENDAR, ()) == (75, 100, 150, 300)
    assert steps_to_write(clock, late, CALENDAR, {75, 150}) == (100, 300)
    assert steps_to_write(clock, MONDAY, CALENDAR, ()) == ()


def test_each_step_has_somebody_to_tell() -> None:
    assert set(TOLD) == set(ladder(Clock("letter", MONDAY, MONDAY + timedelta(days=8), "d"), CALENDAR))
    assert all(TOLD.values())


def test_another_priority_is_counted_from_the_same_instant() -> None:
    clock = Clock("decided", MONDAY, datetime(2026, 11, 23, 8, tzinfo=UTC), "wd")
    assert rescaled(clock, "asap", MONDAY, CALENDAR).due == datetime(2026, 11, 17, 8, tzinfo=UTC)
    late = rescaled(clock, "asap", MONDAY + timedelta(days=3), CALENDAR)
    assert late.due == MONDAY + timedelta(days=3, hours=3)
    attendance = Clock("attendance", MONDAY, MONDAY + timedelta(hours=24), "h")
    assert rescaled(attendance, "asap", MONDAY, CALENDAR) == attendance


def test_a_service_may_have_its_own_table() -> None:
    own = {"decided": {"routine": Delay(3, "wd")}}
    assert delay_of("decided", "routine", own) == Delay(3, "wd")
    assert delay_of("decided", "urgent", own) == Delay(3, "wd")
    assert delay_of("letter", "urgent", own) == Delay(3, "wd")


@pytest.mark.parametrize(("hours", "priority", "start"), [(20, "routine", None), (30, "routine", 24), (2, "asap", None), (3, "asap", 2)])
def test_an_unanswered_offer_is_the_patients_from_its_24th_hour(hours: int, priority: str, start: int | None) -> None:
    found = unanswered_offer(MONDAY, MONDAY + timedelta(hours=hours), priority)
    assert (found.start if found else None) == (MONDAY + timedelta(hours=start) if start else None)


@pytest.mark.parametrize(
    ("notice", "priority", "before", "inside", "counted"),
    [
        (timedelta(days=3), "routine", 0, True, True),
        (timedelta(days=2), "routine", 0, True, False),
        (timedelta(hours=24), "asap", 0, True, True),
        (timedelta(days=5), "routine", 0, False, False),
        (timedelta(days=5), "routine", 1, True, True),
        (timedelta(days=5), "routine", 2, True, False),
    ],
)
def test_a_refused_reasonable_offer_is_the_patients_twice_at_most(
    notice: timedelta, priority: str, before: int, inside: bool, counted: bool
) -> None:
    found = refused_offer(MONDAY, MONDAY + notice, priority, refused_before=before, inside_constraints=inside)
    assert (found is not None) is counted
    if found:
        assert (found.kind, found.end - found.start) == ("P3", timedelta(days=14))


def test_an_absence_is_the_patients_for_fourteen_days_at_most() -> None:
    found = after_absence(MONDAY)
    assert (found.kind, found.start, found.end) == ("P4", MONDAY, MONDAY + timedelta(days=14))


def test_the_union_of_the_intervals_is_removed_once() -> None:
    day = timedelta(days=1)
    intervals = [(MONDAY, MONDAY + 3 * day), (MONDAY + 2 * day, MONDAY + 5 * day), (MONDAY + 20 * day, MONDAY + 30 * day)]
    assert removed(intervals, MONDAY + day, MONDAY + 22 * day) == 6 * day


@pytest.mark.parametrize(
    "sent", [datetime(2026, 11, 22, 4, 10, tzinfo=UTC), datetime(2026, 11, 21, 9, tzinfo=UTC), datetime(2026, 12, 25, 9, tzinfo=UTC)]
)
def test_nobody_is_late_before_the_service_has_opened(sent: datetime) -> None:
    clock = clock_for("sent", "urgent", sent, Dates(sent_at=sent), CALENDAR)
    opening = datetime(2026, 12, 28, 7, tzinfo=UTC) if sent.month == 12 else datetime(2026, 11, 23, 7, tzinfo=UTC)
    assert clock.due == opening + timedelta(days=1)
    assert ladder(clock, CALENDAR)[75] > opening
