"""Every open state has a date; a closed one has none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from maillage.booking.rules import SESSION
from maillage.booking.rules.deadlines import is_short_notice, session_due, visit_due, waiting_due
from maillage.kernel.period import Period
from maillage.kernel.working_time import WorkingCalendar

NOW = datetime(2026, 11, 16, 8, tzinfo=UTC)  # a Monday, 09:00 in Paris
PERIOD = Period(datetime(2026, 12, 1, 13, tzinfo=UTC), datetime(2026, 12, 1, 16, tzinfo=UTC))
CALENDAR = WorkingCalendar()


@pytest.mark.parametrize(
    ("status", "due"),
    [
        ("planned", datetime(2026, 10, 2, 13, tzinfo=UTC)),
        ("open", PERIOD.start),
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
