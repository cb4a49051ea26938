"""Time that runs: service hours or elapsed time, forwards and back; moves that leave the state, and moves that partners do not see."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from maillage.kernel.answers import Refused
from maillage.kernel.transitions import SAME, State, TransitionTable, line
from maillage.kernel.working_time import Delay, WorkingCalendar, add_time, length_of, time_between

CALENDAR = WorkingCalendar(holidays=frozenset({date(2026, 12, 25)}))
FRIDAY = datetime(2026, 12, 18, 15, tzinfo=UTC)  # 16:00 in Paris


@pytest.mark.parametrize(
    ("hours", "unit", "runs"),
    [(1, "bh", 1), (12, "bh", 2), (64, "wd", 2), (65, "wd", 3), (24, "h", 24), (48, "d", 48), (-1, "bh", 0), (0, "h", 0)],
)
def test_service_hours_run_while_the_service_is_open(hours: int, unit: str, runs: int) -> None:
    assert time_between(FRIDAY, FRIDAY + timedelta(hours=hours), unit, CALENDAR) == timedelta(hours=runs)


@pytest.mark.parametrize("unit", ["bh", "wd", "h", "d"])
@pytest.mark.parametrize("hours", [1, 7.5, 30, 100])
def test_adding_time_is_the_inverse(unit: str, hours: float) -> None:
    length = timedelta(hours=hours)
    assert time_between(FRIDAY, add_time(FRIDAY, length, unit, CALENDAR), unit, CALENDAR) == length


def test_a_holiday_does_not_run() -> None:
    christmas_eve = datetime(2026, 12, 24, 16, tzinfo=UTC)
    assert add_time(christmas_eve, timedelta(hours=2), "bh", CALENDAR) == datetime(2026, 12, 28, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("delay", "hours"), [(Delay(30, "min"), 0.5), (Delay(2, "h"), 2), (Delay(4, "bh"), 4), (Delay(3, "wd"), 30), (Delay(8, "d"), 192)]
)
def test_the_length_of_a_delay(delay: Delay, hours: float) -> None:
    assert length_of(delay, CALENDAR) == timedelta(hours=hours)


def test_a_line_may_leave_the_state_and_may_be_quiet() -> None:
    states = [State("a", "draft", turn="X"), State("b", "completed")]
    table = TransitionTable("t", states, [line("note", "a b", SAME, "X"), line("end", "a", "b", "X", quiet=True)])
    note, end = table.check("b", "note", ["X"]), table.check("a", "end", ["X"])
    assert not isinstance(note, Refused)
    assert not isinstance(end, Refused)
    assert (note.after("b"), note.quiet, end.after("a"), end.quiet) == ("b", False, "b", True)
    assert "a --> a: note (X)" in table.mermaid()
