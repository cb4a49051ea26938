"""A vacation becomes dated occurrences: recurrence, then holidays, then dated exceptions, which beat both."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maillage.booking.rules import occurrences, read_rrule, recurrence_days, write_rrule
from maillage.booking.types import Calendar, DatedException, Template
from maillage.kernel.errors import Invalid

ARMISTICE = date(2026, 11, 11)  # a Wednesday
CALENDAR = Calendar(frozenset({ARMISTICE}), ((date(2026, 10, 17), date(2026, 11, 2)),))


def template(rrule: str = "FREQ=WEEKLY;BYDAY=WE", **changes: object) -> Template:
    usual: dict[str, object] = {
        "starts": time(14),
        "ends": time(17),
        "rrule": rrule,
        "valid_from": date(2026, 9, 2),
        "valid_to": None,
        "slot_minutes": 20,
    }
    return Template(**{**usual, **changes})  # type: ignore[arg-type]  # a keyword of each type, by name


def days(*exceptions: DatedException, of: Template | None = None, to: date = date(2026, 11, 30)) -> list[date]:
    return [o.on for o in occurrences(of or template(), exceptions, CALENDAR, date(2026, 11, 1), to)]


def test_every_week_on_its_day_but_public_holidays() -> None:
    assert days() == [date(2026, 11, 4), date(2026, 11, 18), date(2026, 11, 25)]


def test_a_vacation_may_be_open_on_public_holidays() -> None:
    assert ARMISTICE in days(of=template(closed_on_holidays=False))


def test_every_other_week_counts_from_the_first_day_of_validity() -> None:
    assert days(of=template("FREQ=WEEKLY;INTERVAL=2;BYDAY=WE")) == [date(2026, 11, 25)]  # 11 Nov is the holiday


def test_first_tuesday_of_the_month() -> None:
    assert days(of=template("FREQ=MONTHLY;BYDAY=1TU")) == [date(2026, 11, 3)]


@pytest.mark.parametrize(("week", "day"), [("1", 2), ("2", 9), ("3", 16), ("4", 23), ("-1", 30)])
def test_a_day_of_the_month_is_one_of_the_first_four_or_the_last(week: str, day: int) -> None:
    assert days(of=template(f"FREQ=MONTHLY;BYDAY={week}MO")) == [date(2026, 11, day)]
    with pytest.raises(Invalid):
        read_rrule("FREQ=MONTHLY;BYDAY=5MO")


def test_an_interval_is_a_year_at_most() -> None:
    assert read_rrule("FREQ=WEEKLY;INTERVAL=53;BYDAY=MO")["INTERVAL"] == "53"
    with pytest.raises(Invalid):
        read_rrule("FREQ=WEEKLY;INTERVAL=54;BYDAY=MO")


def test_validity_bounds_the_recurrence() -> None:
    assert days(of=template(valid_to=date(2026, 11, 17))) == [date(2026, 11, 4)]
    assert recurrence_days(template(), date(2026, 1, 1), date(2026, 9, 8)) == (date(2026, 9, 2),)


def test_school_holidays_are_flagged_not_closed() -> None:
    found = occurrences(template(), (), CALENDAR, date(2026, 10, 21), date(2026, 11, 4))
    assert [(o.on.day, o.school_holiday) for o in found] == [(21, True), (28, True), (4, False)]


def test_a_closed_day_beats_recurrence() -> None:
    assert date(2026, 11, 18) not in days(DatedException(date(2026, 11, 18), "closed"))


def test_an_extra_day_beats_recurrence_and_holiday() -> None:
    assert days(DatedException(ARMISTICE, "extra"), DatedException(date(2026, 11, 6), "extra"))[1:3] == [date(2026, 11, 6), ARMISTICE]


def test_a_moved_day_changes_date_hours_and_room() -> None:
    moved = DatedException(date(2026, 11, 18), "moved", date(2026, 11, 19), time(9), time(12), "Salle 2")
    found = [o for o in occurrences(template(), [moved], CALENDAR, date(2026, 11, 12), date(2026, 11, 24)) if o.origin == "moved"]
    assert [(o.day, o.on, o.starts, o.ends, o.room) for o in found] == [
        (date(2026, 11, 18), date(2026, 11, 19), time(9), time(12), "Salle 2")
    ]


def test_a_holiday_may_be_moved_away() -> None:
    assert date(2026, 11, 12) in days(DatedException(ARMISTICE, "moved", date(2026, 11, 12)))


def test_a_day_off_the_recurrence_cannot_be_moved() -> None:
    with pytest.raises(Invalid) as refusal:
        days(DatedException(date(2026, 11, 5), "moved", date(2026, 11, 6)), DatedException(date(2026, 11, 3), "moved", date(2026, 11, 12)))
    assert refusal.value.reason == "not-an-occurrence"
    assert (refusal.value.issues[0].expression, refusal.value.issues[0].details) == (
        "Schedule.extension",
        "2026-11-03, 2026-11-05",
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "FREQ=DAILY;BYDAY=MO",
        "FREQ=WEEKLY",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=MONTHLY;BYDAY=MO",
        "FREQ=WEEKLY;INTERVAL=0;BYDAY=MO",
        "FREQ=WEEKLY;INTERVAL=999;BYDAY=MO",
        "FREQ=WEEKLY;INTERVAL=x;BYDAY=MO",
        "FREQ=WEEKLY;BYDAY=MO;COUNT=3",
        "no rule at all",
    ],
)
def test_other_rules_are_refused(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read_rrule(text)
    assert refusal.value.reason == "bad-recurrence"
    assert (refusal.value.issues[0].expression, refusal.value.issues[0].details) == ("Schedule.extension", text)


def test_a_rule_is_written_as_read() -> None:
    assert write_rrule(read_rrule("RRULE:byday=tu,th;freq=weekly")) == "FREQ=WEEKLY;INTERVAL=1;BYDAY=TU,TH"


@given(
    st.sets(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=1),
    st.integers(1, 8),
    st.dates(date(2026, 1, 1), date(2028, 12, 31)),
    st.integers(0, 400),
)
def test_weekly_days_fall_on_their_weekday_and_weeks(names: set[str], interval: int, begin: date, span: int) -> None:
    weekly = template(f"FREQ=WEEKLY;INTERVAL={interval};BYDAY={','.join(sorted(names))}", valid_from=begin)
    found = recurrence_days(weekly, begin, begin + timedelta(days=span))
    monday = begin - timedelta(days=begin.weekday())
    wanted = [
        day
        for day in (begin + timedelta(days=n) for n in range(span + 1))
        if day.strftime("%a").upper()[:2] in names and ((day - monday).days // 7) % interval == 0
    ]
    assert list(found) == wanted


@given(st.dates(date(2026, 9, 2), date(2027, 9, 1)), st.sampled_from(["closed", "extra"]))
def test_whatever_the_day_an_exception_has_the_last_word(day: date, kind: str) -> None:
    found = [o.on for o in occurrences(template(), [DatedException(day, kind)], CALENDAR, day, day)]
    assert found == ([] if kind == "closed" else [day])
