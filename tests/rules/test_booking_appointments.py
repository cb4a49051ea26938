"""Appointments: holds, confirmation dates, late cancellations, absences, waiting list order, refill waves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maillage.booking.rules import (
    answer_time,
    call_from,
    check_absence,
    check_cancel_reason,
    check_comment,
    check_day,
    check_session_reason,
    confirm_from,
    contact_channel,
    hold_ends,
    is_late,
    next_wave,
    waiting_order,
)
from maillage.booking.types import CANCEL_REASONS, PRIORITIES, SESSION_REASONS, Waiter
from maillage.kernel.answers import Allowed, Refused

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("kind", "priority", "length"),
    [
        ("screen", "routine", timedelta(minutes=10)),
        ("screen", "asap", timedelta(minutes=10)),
        ("offer", "routine", 48 * HOUR),
        ("offer", "urgent", 48 * HOUR),
        ("offer", "asap", 4 * HOUR),
        ("offer", "stat", 4 * HOUR),
    ],
)
def test_how_long_a_hold_lasts(kind: str, priority: str, length: timedelta) -> None:
    assert hold_ends(kind, priority, NOW, NOW + 30 * DAY) == NOW + length


def test_a_hold_never_outlives_the_start_of_its_slot() -> None:
    assert hold_ends("offer", "routine", NOW, NOW + 3 * HOUR) == NOW + 3 * HOUR


def test_late_means_within_48_elapsed_hours() -> None:
    assert not is_late(NOW, NOW + 48 * HOUR)
    assert is_late(NOW, NOW + 48 * HOUR - timedelta(seconds=1))


def test_confirmation_is_asked_at_d7_and_called_at_d3_in_the_morning() -> None:
    start = datetime(2026, 10, 28, 13, tzinfo=UTC)
    assert confirm_from(start) == datetime(2026, 10, 21, 6, tzinfo=UTC)  # 08:00, summer time
    assert call_from(start) == datetime(2026, 10, 25, 7, tzinfo=UTC)  # 08:00, winter time


def test_after_two_absences_a_call_replaces_the_message() -> None:
    assert [contact_channel(n) for n in range(4)] == ["message", "message", "call", "call"]


def test_a_cancellation_reason_belongs_to_a_side() -> None:
    assert check_cancel_reason("patient", "transport", None) == Allowed()
    assert check_cancel_reason("hospital", "transport", None) == Refused("unknown-reason")
    assert check_cancel_reason("nobody", "ill", None) == Refused("unknown-reason")


def test_other_needs_a_sentence() -> None:
    assert check_cancel_reason("patient", "other", "too short") == Refused("comment-too-short")
    assert check_cancel_reason("patient", "other", "garde d'enfant impossible") == Allowed()
    assert check_session_reason("other", "   padded    ") == Refused("comment-too-short")


def test_a_sentence_is_fifteen_characters() -> None:
    assert check_comment("x" * 15) == Allowed()
    assert check_comment(f" {'x' * 14} ") == Refused("comment-too-short")
    assert check_comment(None) == Refused("comment-too-short")


def test_session_reasons() -> None:
    assert all(check_session_reason(reason, "une phrase assez longue") == Allowed() for reason in SESSION_REASONS)
    assert check_session_reason("forgot", None) == Refused("unknown-reason")


def test_no_list_of_reasons_is_longer_than_twelve() -> None:
    assert max(len(reasons) for reasons in (*CANCEL_REASONS.values(), SESSION_REASONS)) <= 12


def test_an_absence_is_recorded_after_the_hour_with_a_known_reason() -> None:
    assert check_absence("unknown", NOW, NOW) == Allowed()
    assert check_absence("unknown", NOW, NOW + HOUR) == Refused("too-early")
    assert check_absence("bored", NOW, NOW) == Refused("unknown-reason")


def test_a_patient_is_there_on_the_day_of_the_appointment_or_later() -> None:
    start = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)  # half past midnight in Paris, on the third
    assert check_day(start - timedelta(minutes=30), start) == Allowed()
    assert check_day(start - timedelta(minutes=31), start) == Refused("before-its-day")
    assert check_day(start + DAY, start) == Allowed()


def waiter(id: str, priority: str = "routine", since: float = 1, **more: object) -> Waiter:
    return Waiter(id, priority, NOW - since * DAY, **more)  # type: ignore[arg-type]  # keywords of each type, by name


def order(*waiters: Waiter) -> list[str]:
    return [w.id for w in waiting_order(waiters, NOW)]


def test_priority_comes_first() -> None:
    assert order(waiter("r", "routine", 90), waiter("u", "urgent", 2), waiter("a", "asap", 1)) == ["a", "u", "r"]


def test_then_a_breached_target() -> None:
    assert order(waiter("old", since=90), waiter("late", since=5, target=NOW), waiter("soon", since=5, target=NOW + DAY)) == [
        "late",
        "old",
        "soon",
    ]


def test_then_the_oldest_net_wait() -> None:
    assert order(waiter("gross", since=30, removed=20 * DAY), waiter("net", since=15)) == ["net", "gross"]


def test_a_manual_change_beats_all() -> None:
    assert order(waiter("a", "asap", 90), waiter("moved", since=1, boost=1)) == ["moved", "a"]


waiters = st.lists(
    st.builds(
        Waiter,
        id=st.uuids().map(str),
        priority=st.sampled_from(PRIORITIES),
        since=st.integers(0, 200).map(lambda n: NOW - n * DAY),
        target=st.none() | st.integers(-50, 50).map(lambda n: NOW + n * DAY),
        removed=st.integers(0, 30).map(lambda n: n * DAY),
        notice=st.integers(0, 96).map(lambda n: n * HOUR),
        boost=st.integers(-1, 1),
    ),
    max_size=12,
    unique_by=lambda w: w.id,
)


@given(waiters, st.randoms())
def test_the_order_is_one_whatever_the_order_of_entry(line: list[Waiter], random: object) -> None:
    shuffled = list(line)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random
    assert order(*line) == order(*shuffled)


@given(waiters, st.integers(2, 400))
def test_waves_ask_everybody_able_once_by_three_in_order(line: list[Waiter], hours: int) -> None:
    start, asked, waves = NOW + hours * HOUR, set[str](), list[str]()
    while wave := next_wave(line, asked, NOW, start):
        assert len(wave) <= 3
        asked |= {w.id for w in wave}
        waves += [w.id for w in wave]
    assert waves == [w.id for w in waiting_order(line, NOW) if w.notice <= hours * HOUR]


@pytest.mark.parametrize(("lead", "hours"), [(2, 2), (24, 2), (25, 4), (72, 4), (73, 12), (168, 12), (169, 24), (2000, 24)])
def test_time_to_answer_a_refill(lead: int, hours: int) -> None:
    assert answer_time(NOW, NOW + lead * HOUR) == hours * HOUR


def test_a_slot_within_two_hours_is_not_offered() -> None:
    assert answer_time(NOW, NOW + timedelta(minutes=119)) is None
    assert next_wave([waiter("a")], (), NOW, NOW + HOUR) == ()
