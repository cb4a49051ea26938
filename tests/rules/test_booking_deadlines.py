"""Every open state has a date; a closed one has none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from maillage.booking.rules import APPOINTMENT, SESSION
from maillage.booking.rules.deadlines import appointment_clock, is_short_notice, session_clock, session_due, visit_due, waiting_due
from maillage.kernel.breach import Clock
from maillage.kernel.period import Period
from maillage.kernel.working_time import WorkingCalendar

NOW = datetime(2026, 11, 16, 8, tzinfo=UTC)  # a Monday, 09:00 in Paris
PERIOD = Period(datetime(2026, 12, 1, 13, tzinfo=UTC), datetime(2026, 12, 1, 16, tzinfo=UTC))
CALENDAR = WorkingCalendar()


@pytest.mark.parametrize(
    ("status", "due"),
    [
        ("planned", datetime(2026, 11, 18, 8, tzinfo=UTC)),
        ("open", PERIOD.end + timedelta(hours=24)),
        ("at-risk", datetime(2026, 11, 18, 8, tzinfo=UTC)),
        ("running", PERIOD.end + timedelta(hours=24)),
        ("done", datetime(2027, 1, 15, 22, 59, tzinfo=UTC)),
        ("settlement-disputed", datetime(2026, 11, 30, 8, tzinfo=UTC)),
        ("settled", None),
        ("cancelled", None),
    ],
)
def test_due_date_of_each_state(status: str, due: datetime | None) -> None:
    assert session_due(status, PERIOD, NOW, CALENDAR) == due
    assert (due is not None) == SESSION.states[status].is_open


def test_a_replacement_is_never_due_after_the_session_began() -> None:
    assert session_due("at-risk", PERIOD, PERIOD.start - timedelta(hours=2), CALENDAR) == PERIOD.start


def test_short_notice_is_less_than_ten_working_days() -> None:
    start = datetime(2026, 11, 30, 8, tzinfo=UTC)
    assert not is_short_notice(NOW, start, CALENDAR)
    assert is_short_notice(NOW + timedelta(minutes=1), start, CALENDAR)


def test_a_visit_and_a_wait_have_their_dates() -> None:
    assert visit_due(PERIOD.end) == PERIOD.end + timedelta(hours=24)
    assert waiting_due(NOW, None) == NOW + timedelta(days=60)
    assert waiting_due(NOW, NOW + timedelta(days=3)) == NOW + timedelta(days=3)


def test_a_session_planned_in_time_is_published_sixty_days_before() -> None:
    assert session_due("planned", PERIOD, PERIOD.start - timedelta(days=90), CALENDAR) == PERIOD.start - timedelta(days=60)
    assert session_due("planned", PERIOD, PERIOD.start - timedelta(hours=1), CALENDAR) == PERIOD.start


DUE = NOW + timedelta(days=30)


@pytest.mark.parametrize(
    ("status", "clock"),
    [
        ("planned", Clock("publication", NOW, DUE, "d")),
        ("open", Clock("start", PERIOD.end, DUE, "h")),
        ("at-risk", Clock("replacement", NOW, DUE, "wd")),
        ("running", Clock("finish", PERIOD.end, DUE, "h")),
        ("done", Clock("settlement", NOW, DUE, "d")),
        ("settlement-disputed", Clock("settlement-dispute", NOW, DUE, "wd")),
    ],
)
def test_each_open_state_of_a_session_has_its_deadline(status: str, clock: Clock) -> None:
    assert session_clock(status, PERIOD, NOW, DUE) == clock


def test_every_open_state_has_a_clock() -> None:
    for code, state in SESSION.states.items():
        if state.is_open:
            assert session_clock(code, PERIOD, NOW, DUE).due == DUE
    for code, state in APPOINTMENT.states.items():
        if state.is_open:
            assert appointment_clock(code, PERIOD.end, NOW, DUE, offered=True) is not None


def test_a_visit_is_counted_from_its_end_and_an_offer_from_its_making() -> None:
    due = PERIOD.end + timedelta(hours=24)
    assert appointment_clock("booked", PERIOD.end, NOW, due, offered=True) == Clock("attendance", PERIOD.end, due, "h")
    assert appointment_clock("pending", None, NOW, due, offered=True) == Clock("answer", NOW, due, "h")
    assert appointment_clock("pending", None, NOW, due, offered=False) is None


def test_a_target_that_had_passed_before_is_not_three_times_late_at_once() -> None:
    past = NOW - timedelta(days=1)
    assert appointment_clock("waitlist", None, NOW, past, offered=True) == Clock("waiting", past - timedelta(days=60), past, "d")
    assert appointment_clock("waitlist", None, NOW, DUE, offered=True) == Clock("waiting", NOW, DUE, "d")
    assert appointment_clock("waitlist", None, NOW, NOW, offered=True) == Clock("waiting", NOW - timedelta(days=60), NOW, "d")


def test_working_days_jump_over_the_days_on_which_nobody_works() -> None:
    holidays = WorkingCalendar(frozenset({NOW.date() + timedelta(days=1)}))
    assert session_due("planned", PERIOD, NOW, holidays) == NOW + timedelta(days=3)
    assert session_due("at-risk", PERIOD, NOW, holidays) == NOW + timedelta(days=3)
    assert session_due("settlement-disputed", PERIOD, NOW, holidays) == NOW + timedelta(days=15)


@pytest.mark.parametrize(
    ("ended", "settled"), [((2026, 12, 31), (2027, 1, 15)), ((2027, 1, 1), (2027, 2, 15)), ((2026, 11, 30), (2026, 12, 15))]
)
def test_a_session_is_settled_by_the_fifteenth_of_the_month_after(ended: tuple[int, int, int], settled: tuple[int, int, int]) -> None:
    end = datetime(*ended, 12, tzinfo=UTC)
    assert session_due("done", Period(end - timedelta(hours=3), end), NOW, CALENDAR) == datetime(*settled, 22, 59, tzinfo=UTC)
