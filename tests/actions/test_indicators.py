"""Waits of a service on PostgreSQL: the definitions of the rule book 0.9, against the arithmetic of the kernel."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.factories import referrals as make

from maillage import access, directory, record, referrals
from maillage.indicators import VERSION, ServiceWaits, time_by_turn, waits
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import NotFound
from maillage.kernel.period import Period, net_length
from maillage.store import Database, Transaction

FILL = make.territory
DAY = timedelta(days=1)
CONTACT = "par téléphone, mère du patient"


@pytest.fixture
def no_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    """One case is enough to see its figure."""
    for name in ("MEDIAN_FLOOR", "P90_FLOOR"):
        monkeypatch.setattr(sys.modules["maillage.indicators.waits"], name, 1)


async def figures(db: Database, service: str = make.SERVICE) -> ServiceWaits:
    async with db.transaction(SYSTEM) as tx:
        return await waits(tx, service)


def in_days(length: timedelta) -> float:
    return length / DAY


async def visit(db: Database, clock: FixedClock, task: str, days: int = 0) -> str:
    """Book a slot so many days after the first one, and see the patient there."""
    await make.act(db, make.PLANNER, referrals.book, task, **make.slot(2, days))
    clock.set(make.SLOT["end"] + days * DAY)
    await make.act(db, make.TRIAGER, referrals.mark_seen, task)
    return task


async def unavailable(db: Database, clock: FixedClock) -> str:
    task = await make.to_book(db)
    start = clock.now() + 2 * DAY
    await make.act(db, make.PLANNER, referrals.declare_unavailable, task, start=start, end=start + 5 * DAY, contact=CONTACT)
    return await visit(db, clock, task)


async def late_answer(db: Database, clock: FixedClock) -> str:
    task = await make.offered(db)
    clock.advance(3 * DAY)
    return await visit(db, clock, task)


async def refusal(db: Database, clock: FixedClock) -> str:
    task = await make.offered(db)
    await make.act(db, make.PLANNER, referrals.refuse_offer, task, reason="date-unsuitable", contact=CONTACT)
    return await visit(db, clock, task, days=10)


async def absence(db: Database, clock: FixedClock) -> str:
    task = await make.not_attended(db, clock)
    clock.advance(4 * DAY)
    return await visit(db, clock, task, days=20)


async def all_at_once(db: Database, clock: FixedClock) -> str:
    """Unavailable while an offer waits, which is refused, then absent: the intervals overlap."""
    task = await make.offered(db)
    start = clock.now() + DAY / 2
    await make.act(db, make.PLANNER, referrals.declare_unavailable, task, start=start, end=start + 20 * DAY, contact=CONTACT)
    clock.advance(3 * DAY)
    await make.act(db, make.PLANNER, referrals.refuse_offer, task, reason="date-unsuitable", contact=CONTACT)
    await make.act(db, make.PLANNER, referrals.book, task, **make.slot(3, 7))
    clock.set(make.SLOT["end"] + 7 * DAY)
    await make.act(db, make.PLANNER, referrals.mark_not_attended, task, reason="forgot")
    return await visit(db, clock, task, days=25)


WAYS = [(unavailable, {"P1"}), (late_answer, {"P2"}), (refusal, {"P3"}), (absence, {"P4"}), (all_at_once, {"P1", "P2", "P3", "P4"})]


@pytest.mark.asyncio
@pytest.mark.usefixtures("no_floor")
@pytest.mark.parametrize(("way", "kinds"), WAYS, ids=lambda value: getattr(value, "__name__", None))
async def test_net_is_gross_without_the_union_of_the_patients_intervals(
    db: Database, clock: FixedClock, way: Callable[[Database, FixedClock], Awaitable[str]], kinds: set[str]
) -> None:
    task = await way(db, clock)
    row, written = await make.look(db, task), await make.intervals(db, task)
    whole = Period(row["first_sent_at"], row["seen_at"])
    net = net_length(whole, [Period(start, end) for _, start, end in written])
    shown = (await figures(db)).appointment
    assert {kind for kind, _, _ in written} == kinds
    assert net < whole.length
    assert (shown.n, shown.gross_p50) == (1, pytest.approx(in_days(whole.length)))
    assert shown.net_p50 == pytest.approx(in_days(net))
    assert shown.removed_share == pytest.approx(1 - net / whole.length)
    assert shown.flagged is (shown.removed_share > 0.25)


class Undone(Exception):
    """Ends a transaction of which nothing must stay."""


INTERVALS = st.lists(st.tuples(st.sampled_from(["P1", "P2", "P3", "P4"]), st.integers(-300, 900), st.integers(0, 500)), max_size=8)


@pytest.mark.usefixtures("no_floor")
def test_whatever_the_intervals_each_instant_counts_once(dsn: str, clock: FixedClock) -> None:
    with asyncio.Runner() as runner:
        db = runner.run(Database.open(dsn, clock))
        try:
            task = runner.run(make.seen(db, clock))
            row = runner.run(make.look(db, task))

            @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
            @given(INTERVALS)
            def compare(drawn: list[tuple[str, int, int]]) -> None:
                hours = [(kind, row["first_sent_at"] + timedelta(hours=start), timedelta(hours=length)) for kind, start, length in drawn]
                found = runner.run(with_intervals(db, row, [(kind, start, start + length) for kind, start, length in hours]))
                whole = Period(row["first_sent_at"], row["seen_at"])
                expected = net_length(whole, [Period(start, start + length) for _, start, length in hours])
                assert found.appointment.net_p50 == pytest.approx(in_days(expected), abs=1e-6)
                assert found.appointment.gross_p50 == pytest.approx(in_days(whole.length))

            compare()
        finally:
            runner.run(db.close())


async def with_intervals(db: Database, task: Any, rows: list[tuple[str, datetime, datetime]]) -> ServiceWaits:
    """The figures as they would be with these intervals; nothing of it stays."""
    found: list[ServiceWaits] = []
    try:
        async with db.transaction(SYSTEM) as tx:
            for number, (kind, start, end) in enumerate(rows):
                await one_interval(tx, task, f"interval-{number}", kind, start, end)
            found.append(await waits(tx, make.SERVICE))
            raise Undone
    except Undone:
        return found[0]


async def one_interval(tx: Transaction, task: Any, id: str, kind: str, start: datetime, end: datetime) -> None:
    await tx.execute(
        """
        INSERT INTO patient_interval (id, request_id, task_id, patient_id, owner_org, requester_org, kind, starts, ends, verb, written_at, written_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'drawn', $8, 'test')
        """,
        *(id, task["request_id"], task["id"], task["patient_id"], task["owner_org"], task["requester_org"], kind, start, end),
    )


@pytest.mark.asyncio
async def test_a_median_needs_six_cases_and_a_ninth_decile_twenty(db: Database, clock: FixedClock) -> None:
    tasks = [await make.booked(db, patient=number) for number in range(20)]
    clock.set(make.SLOT["end"])
    shown = {}
    for number, task in enumerate(tasks, start=1):
        await make.act(db, make.TRIAGER, referrals.mark_seen, task)
        if number in (5, 6, 19, 20):
            shown[number] = await figures(db)
    medians = {
        n: (found.appointment.n, found.appointment.gross_p50 is None, found.appointment.net_p50 is None) for n, found in shown.items()
    }
    deciles = {n: (found.appointment.gross_p90 is None, found.appointment.net_p90 is None) for n, found in shown.items()}
    assert medians == {5: (5, True, True), 6: (6, False, False), 19: (19, False, False), 20: (20, False, False)}
    assert deciles == {5: (True, True), 6: (True, True), 19: (True, True), 20: (False, False)}
    # The cases still open have the same floors for their age, never for their number.
    ages = {n: (found.open.n, found.open.age_p50 is None) for n, found in shown.items()}
    assert ages == {5: (15, False), 6: (14, False), 19: (1, True), 20: (0, True)}


@pytest.mark.asyncio
async def test_another_organisation_is_told_no_small_cell(db: Database) -> None:
    for number in range(11):
        await make.sent(db, patient=number)
        async with db.transaction(make.GP) as tx:
            asked = await waits(tx, make.SERVICE)
        assert (asked.open.n, asked.appointment.n) == (11 if number == 10 else None, None)
    async with db.transaction(make.TRIAGER) as tx:
        own = await waits(tx, make.SERVICE)
    assert (own.open.n, own.appointment.n) == (11, 0)


@pytest.mark.asyncio
async def test_a_service_that_is_not_here_has_no_waits(db: Database) -> None:
    with pytest.raises(NotFound):
        await figures(db, "nowhere")


@pytest.mark.asyncio
@pytest.mark.usefixtures("no_floor")
async def test_the_cases_still_open_stand_beside_the_closed_ones(db: Database, clock: FixedClock) -> None:
    await make.sent(db, patient=1)
    clock.advance(2 * DAY)
    await make.to_book(db, patient=2)
    await make.declined(db, patient=3)
    await make.draft(db, patient=4)
    clock.advance(2 * DAY)
    found = await figures(db)
    assert (found.open.n, found.open.age_p50) == (2, pytest.approx(3.0))
    assert (found.undecided.n, found.undecided.age_p50) == (1, pytest.approx(4.0))
    assert (found.decision.n, found.appointment.n) == (2, 0)
    assert (found.version, found.at, found.at - found.window_start) == (VERSION, clock.now(), 182 * DAY)


@pytest.mark.asyncio
@pytest.mark.usefixtures("no_floor")
async def test_withdrawn_in_error_and_died_are_out(db: Database, clock: FixedClock) -> None:
    await make.cancelled(db, patient=1)
    await make.in_error(db, patient=2)
    decided_in_error = await make.to_book(db, patient=3)
    await make.act(db, make.GP, referrals.enter_in_error, decided_in_error, reason="wrong-patient")
    await make.to_book(db, patient=4)
    await make.sent(db, patient=5)
    gone = await make.seen(db, clock, patient=6)
    assert [(await figures(db)).appointment.n, (await figures(db)).open.n, (await figures(db)).decision.n] == [1, 2, 2]
    for task in [gone, *[row["id"] for row in await open_tasks(db)]]:
        await dies(db, (await make.look(db, task))["patient_id"])
    found = await figures(db)
    assert (found.appointment.n, found.decision.n, found.open.n, found.undecided.n) == (0, 0, 0, 0)


async def open_tasks(db: Database) -> list[Any]:
    async with db.transaction(SYSTEM) as tx:
        return await tx.fetch("SELECT id FROM referral_task WHERE state IN ('sent', 'to-book') ORDER BY id")


async def dies(db: Database, patient: str) -> None:
    async with db.transaction(make.GP) as tx:
        visible = access.visible_to(make.GP, "Patient")
        stored = await record.read(tx, "Patient", patient, visible)
        await directory.update_patient(tx, patient, {**json.loads(stored.content), "deceasedBoolean": True}, visible, mode="test")


@pytest.mark.asyncio
@pytest.mark.usefixtures("no_floor")
async def test_a_redirection_keeps_the_patients_first_send_and_each_service_its_segment(db: Database, clock: FixedClock) -> None:
    old = await make.opened(db)
    first = clock.now()
    clock.advance(2 * DAY)
    await make.act(db, make.TRIAGER, referrals.redirect, old, service=make.OTHER_SERVICE, reason="sub-specialty")
    async with db.transaction(SYSTEM) as tx:
        new = next(row["id"] for row in await referrals.tasks_of(tx, (await make.look(db, old))["request_id"]) if row["id"] != old)
    clock.advance(DAY)
    await make.act(db, make.SENIOR_2, referrals.accept, new)
    await make.act(db, make.PLANNER, referrals.book, new, **make.slot())
    clock.set(make.SLOT["end"])
    await make.act(db, make.SENIOR_2, referrals.mark_seen, new)
    there, here = await figures(db, make.OTHER_SERVICE), await figures(db)
    assert there.appointment.gross_p50 == pytest.approx(in_days(make.SLOT["start"] - first))
    assert (there.decision.gross_p50, here.decision.gross_p50) == (pytest.approx(1.0), pytest.approx(2.0))
    assert (here.appointment.n, here.open.n) == (0, 0)


@pytest.mark.asyncio
@pytest.mark.usefixtures("no_floor")
async def test_the_wait_for_a_decision_counts_the_performers_turns_only(db: Database, clock: FixedClock) -> None:
    task = await make.opened(db)
    clock.advance(DAY)
    await make.act(db, make.TRIAGER, referrals.ask_info, task, items=["CRP"])
    clock.advance(3 * DAY)
    await make.act(db, make.GP, referrals.answer_info, task, answers=[{"number": 1, "answer": "12 mg/L"}])
    clock.advance(DAY)
    await make.act(db, make.TRIAGER, referrals.accept, task)
    found = (await figures(db)).decision
    assert (found.gross_p50, found.net_p50) == (pytest.approx(5.0), pytest.approx(2.0))


@pytest.mark.asyncio
@pytest.mark.usefixtures("no_floor")
async def test_what_is_decided_again_after_an_absence_does_not_move_the_decision(db: Database, clock: FixedClock) -> None:
    task = await make.not_attended(db, clock)
    await make.act(
        db, make.TRIAGER, referrals.return_after_absence, task, record_reviewed=True, contacts=2, comment="Deux appels restés sans réponse."
    )
    found = (await figures(db)).decision
    assert (found.n, found.gross_p50) == (1, pytest.approx(0.0))


@pytest.mark.asyncio
@pytest.mark.usefixtures("no_floor")
async def test_the_wait_ends_at_the_first_visit(db: Database, clock: FixedClock) -> None:
    task = await make.seen(db, clock)
    before = (await figures(db)).appointment
    await visit(db, clock, task, days=7)
    assert (await figures(db)).appointment == before


@pytest.mark.asyncio
@pytest.mark.usefixtures("no_floor")
@pytest.mark.parametrize(("done_otherwise", "n"), [(False, 1), (True, 0)])
async def test_a_letter_tells_of_a_visit_that_nobody_had_marked_unless_done_otherwise(
    db: Database, clock: FixedClock, done_otherwise: bool, n: int
) -> None:
    task = await make.booked(db)
    clock.set(make.SLOT["end"])
    await make.act(db, make.TRIAGER, referrals.send_outcome, task, text="Vu ce jour.", done_otherwise=done_otherwise)
    found = (await figures(db)).appointment
    assert found.n == n
    assert found.gross_p50 == (pytest.approx(in_days(make.SLOT["start"] - (await make.look(db, task))["first_sent_at"])) if n else None)


@pytest.mark.asyncio
async def test_a_visit_leaves_the_figures_after_six_months(db: Database, clock: FixedClock) -> None:
    await make.seen(db, clock)
    clock.set(make.SLOT["start"] + 182 * DAY - timedelta(seconds=1))
    assert (await figures(db)).appointment.n == 1
    clock.advance(timedelta(seconds=1))
    assert (await figures(db)).appointment.n == 0


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "state",
    ["sent", "info-requested", "info-received", "offered", "to-rebook", "insisted", "advised", "letter-sent", "closed", "cancelled"],
)
async def test_time_by_turn_sums_to_the_whole(db: Database, clock: FixedClock, state: str) -> None:
    task = await make.reach(db, clock, state)
    clock.advance(3 * DAY)
    row = await make.look(db, task)
    async with db.transaction(SYSTEM) as tx:
        parts = await time_by_turn(tx, task)
    assert sum(parts.values()) == pytest.approx(((row["ended_at"] or clock.now()) - row["sent_at"]).total_seconds())
    assert set(parts) <= {"requester", "performer", "patient"}


@pytest.mark.asyncio
async def test_time_before_sending_belongs_to_no_turn(db: Database, clock: FixedClock) -> None:
    [task] = await make.draft(db)
    clock.advance(5 * DAY)
    await make.act(db, make.GP, referrals.send, task, **make.SEND)
    clock.advance(DAY)
    async with db.transaction(SYSTEM) as tx:
        assert await time_by_turn(tx, task) == {"performer": pytest.approx(86400.0)}
