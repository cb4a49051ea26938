"""Rounds of questions: named items, two rounds, then a call; the time of the service stops."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, NotAllowed
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


ANSWERS = [{"number": 1, "answer": "12 mg/L"}, {"number": 2, "answer": "70 kg"}]


async def test_named_items_become_the_requesters_turn(db: Database) -> None:
    task = await make.info_requested(db)
    row = await make.look(db, task)
    assert (row["turn"], row["rounds"], row["holder"]) == ("requester", 1, "PractitionerRole/clamart-mg-isambert")
    [child] = await make.children(db, task, "provide-information")
    assert (child["state"], child["turn"], child["due_at"]) == ("due", "requester", row["due_at"])
    shown = await make.photograph(db, "Task", child["id"], make.GP)
    assert shown["owner"] == {"reference": "PractitionerRole/clamart-mg-isambert"}
    assert (shown["status"], shown["partOf"]) == ("requested", [{"reference": f"Task/{task}"}])
    assert [item["valueString"] for item in shown["input"]] == ["CRP de moins de trois mois", "Poids"]
    assert "output" not in shown
    main = await make.photograph(db, "Task", task)
    assert [coding["code"] for coding in main["businessStatus"]["coding"]] == ["2.0", "info-requested", "awaiting-information"]


async def test_the_office_asks_for_completeness_only(db: Database) -> None:
    task = await make.opened(db)
    error = await make.refused(db, make.PLANNER, referrals.ask_info, task, NotAllowed, items=["Avis sur la dose"], clinical=True)
    assert error.reason == "completeness-only"
    await make.act(db, make.PLANNER, referrals.ask_info, task, items=["Compte rendu de coloscopie"])
    [question] = (await make.thread(db, task))["referral_question"]
    assert question["axis"] == "completeness"


async def test_no_item_no_question(db: Database) -> None:
    task = await make.opened(db)
    error = await make.refused(db, make.TRIAGER, referrals.ask_info, task, Invalid, items=[" "])
    assert error.issues[0].reason == "no-item"


async def test_each_item_is_answered_or_cannot_be(db: Database) -> None:
    task = await make.info_requested(db)
    error = await make.refused(db, make.GP, referrals.answer_info, task, Invalid, answers=[{"number": 1, "answer": "12"}, {"number": 2}])
    assert error.issues[0].reason == "item-unanswered"
    await make.act(db, make.NURSE, referrals.answer_info, task, answers=[{"number": 1, "answer": "12"}, {"number": 2, "cannot": True}])
    row = await make.look(db, task)
    assert (row["state"], row["unanswered_round"]) == ("info-received", True)
    [child] = await make.children(db, task, "provide-information")
    assert (child["state"], child["turn"]) == ("completed", None)
    first, second = (await make.thread(db, task))["referral_question"]
    assert (first["answer"], second["cannot"]) == ("12", True)
    shown = await make.photograph(db, "Task", child["id"], make.TRIAGER)
    answers = [(item["type"]["text"], item["valueString"]) for item in shown["output"]]
    assert answers == [("CRP de moins de trois mois", "12"), ("Poids", "impossible à fournir")]


async def test_the_third_round_is_a_call(db: Database) -> None:
    task = await make.info_received(db)
    await make.act(db, make.TRIAGER, referrals.ask_info, task, items=["Une chose", "Une autre"], clinical=True)
    await make.act(db, make.GP, referrals.answer_info, task, answers=ANSWERS)
    error = await make.refused(db, make.TRIAGER, referrals.ask_info, task, Conflict, items=["Encore"])
    assert error.reason == "call-the-requester"


async def test_the_decision_takes_up_the_time_that_was_left(db: Database, clock: FixedClock) -> None:
    task = await make.opened(db)
    clock.advance(timedelta(days=2))  # two of the five working days are spent
    await make.act(db, make.TRIAGER, referrals.ask_info, task, items=["CRP", "Poids"])
    clock.advance(timedelta(days=7))
    await make.act(db, make.GP, referrals.answer_info, task, answers=ANSWERS)
    row = await make.look(db, task)
    assert row["due_at"] - clock.now() == timedelta(days=5)  # three working days, over a weekend
    assert (await make.thread(db, task))["referral_status"][-1]["deadline"] == "decided"


async def test_asking_before_opening_stops_the_decision_too(db: Database, clock: FixedClock) -> None:
    task = await make.sent(db)
    clock.advance(timedelta(days=1))
    await make.act(db, make.TRIAGER, referrals.ask_info, task, items=["CRP", "Poids"])
    clock.advance(timedelta(days=1))
    await make.act(db, make.GP, referrals.answer_info, task, answers=ANSWERS)
    assert (await make.look(db, task))["due_at"] == clock.now() + timedelta(days=6)  # four working days from a Wednesday
