"""Deadlines: h elapsed hours, bh service hours, wd working days, d calendar days (workflow rule book 0.4)."""

from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maillage.kernel.errors import Invalid
from maillage.kernel.period import wall_to_utc
from maillage.kernel.working_time import Delay, WorkingCalendar, add_delay, length_of, time_between

CALENDAR = WorkingCalendar(frozenset({date(2026, 5, 1), date(2026, 5, 8)}))


def _paris(text: str) -> datetime:
    local = datetime.fromisoformat(text)
    return wall_to_utc(local.date(), local.time())


@pytest.mark.parametrize(
    ("start", "delay", "end"),
    [
        ("2026-04-30T16:00", "4 bh", "2026-05-04T10:00"),  # Thursday evening, Friday is a holiday, Monday morning
        ("2026-04-27T09:00", "4 bh", "2026-04-27T13:00"),
        ("2026-04-27T06:00", "1 bh", "2026-04-27T09:00"),  # before opening
        ("2026-05-02T12:00", "1 bh", "2026-05-04T09:00"),  # Saturday
        ("2026-04-30T16:00", "1 wd", "2026-05-04T16:00"),
        ("2026-04-27T09:00", "5 wd", "2026-05-05T09:00"),
        ("2026-05-03T05:10", "1 wd", "2026-05-05T08:00"),  # Sunday: the working day begins on Monday at eight
        ("2026-05-02T10:00", "2 wd", "2026-05-06T08:00"),  # Saturday
        ("2026-05-01T23:59", "1 wd", "2026-05-05T08:00"),  # a holiday before a weekend
        ("2026-05-02T10:00", "0 wd", "2026-05-04T08:00"),
        ("2026-04-30T23:59", "1 wd", "2026-05-04T23:59"),  # the evening of a working day keeps its hour
        ("2026-05-02T10:00", "2 d", "2026-05-04T10:00"),  # calendar days run on closed days
        ("2026-03-28T09:00", "1 d", "2026-03-29T09:00"),  # the clock changes in between: same hour on the wall
        ("2026-03-28T02:30", "1 d", "2026-03-29T03:30"),  # the hour does not exist the next day
        ("2026-04-27T09:00", "21 d", "2026-05-18T09:00"),
    ],
)
def test_delays(start: str, delay: str, end: str) -> None:
    assert add_delay(_paris(start), Delay.parse(delay), CALENDAR) == _paris(end)


def test_elapsed_hours_ignore_the_wall_clock() -> None:
    start = datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert add_delay(start, Delay.parse("24 h"), CALENDAR) == datetime(2026, 3, 29, 23, tzinfo=UTC)
    assert add_delay(start, Delay.parse("30 min"), CALENDAR) == datetime(2026, 3, 28, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "4", "wd", "4 weeks", "-1 d", "x h"])
def test_a_delay_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        Delay.parse(text)


def test_a_unit_that_nobody_knows_is_no_delay() -> None:
    with pytest.raises(Invalid) as refused:
        Delay(2, "weeks")
    assert refused.value.issues[0].reason == "unknown-delay"


def test_opening_hours_are_a_calendar_of_the_service() -> None:
    evening = WorkingCalendar(opening=time(18), closing=time(22))
    assert add_delay(_paris("2026-04-27T21:00"), Delay.parse("2 bh"), evening) == _paris("2026-04-28T19:00")


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)), st.integers(1, 12))  # noqa: DTZ001  # hypothesis wants naive bounds
def test_a_working_day_always_holds_the_opening_hours_of_one_day(start: datetime, days: int) -> None:
    begun, delay = start.replace(tzinfo=UTC), Delay(days, "wd")
    assert time_between(begun, add_delay(begun, delay, CALENDAR), "wd", CALENDAR) == length_of(delay, CALENDAR)
