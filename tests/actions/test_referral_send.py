"""Sending: every check at once, what the service sees then, what is told."""

from __future__ import annotations

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def test_a_request_is_sent(db: Database) -> None:
    task = await make.sent(db)
    request = await make.request_of(db, task)
    row = await make.look(db, task)
    assert (request["status"], row["state"], row["holder"]) == ("active", "sent", f"HealthcareService/{make.SERVICE}")
    assert request["parties"] == [make.CENTRE, make.HOSPITAL]
    assert row["first_sent_at"] == row["sent_at"] == request["first_sent_at"]
    shown = await make.photograph(db, "ServiceRequest", request["id"], make.TRIAGER)
    assert (shown["status"], shown["intent"]) == ("active", "order")
    assert shown["performer"] == [{"reference": f"HealthcareService/{make.SERVICE}"}]
    form = shown["supportingInfo"][0]["reference"].partition("/")[2]
    assert (await make.photograph(db, "QuestionnaireResponse", form, make.TRIAGER))["status"] == "completed"
    assert await make.told(db, task) == [
        ("referral-send", make.HOSPITAL, "percy-hge-castanier"),
        ("referral-send", make.HOSPITAL, "percy-hge-prunevaux"),
    ]


async def test_a_draft_is_the_requesters_alone(db: Database) -> None:
    [task] = await make.draft(db)
    await make.refused(db, make.TRIAGER, referrals.open_, task, NotFound)
    row = await make.look(db, task)
    assert row["parties"] == [make.CENTRE]


async def test_the_office_sends_for_the_clinician_and_both_names_are_kept(db: Database) -> None:
    [task] = await make.draft(db, by=make.NURSE)
    await make.act(db, make.NURSE, referrals.send, task, **make.SEND)
    status = await make.last_status(db, task)
    assert (status["party"], status["role_id"]) == ("RO", "clamart-infirmier-brossac")
    assert status["on_behalf_of"] == "PractitionerRole/clamart-mg-isambert"
    assert (await make.request_of(db, task))["prepared_by"] == "PractitionerRole/clamart-infirmier-brossac"


async def test_everything_that_is_missing_is_said_at_once(db: Database) -> None:
    [task] = await make.draft(db, filled=False)
    error = await make.refused(db, make.GP, referrals.send, task, Invalid)
    reasons = [issue.reason for issue in error.issues]
    assert "patient-not-informed" in reasons
    question = next(issue for issue in error.issues if issue.reason == "item-missing:question")
    assert question.expression == "QuestionnaireResponse.item.where(linkId='question')"
    assert question.details == "question: required"


async def test_an_unqualified_identity_is_confirmed_by_a_person(db: Database) -> None:
    [task] = await make.draft(db)
    async with db.transaction(make.GP) as tx:
        await tx.execute("UPDATE patient SET qualified = false")
    error = await make.refused(db, make.GP, referrals.send, task, Invalid, patient_informed=True)
    assert [issue.reason for issue in error.issues] == ["identity-unconfirmed"]


async def test_an_immediate_request_is_a_call(db: Database) -> None:
    [task] = await make.draft(db, priority="stat")
    error = await make.refused(db, make.GP, referrals.send, task, Invalid, **make.SEND)
    assert error.issues[0].reason == "call-instead"
    assert error.extra["phone"] == "01 99 00 92 13"


async def test_an_answer_may_say_call(db: Database) -> None:
    [task] = await make.draft(db, services=["percy-vasculaire-thoracique"])
    request = await make.request_of(db, task)
    async with db.transaction(make.GP) as tx:
        items = make.with_answer(await make.form(tx, "percy-vasculaire-thoracique"), "limb-threat", {"valueBoolean": True})
        await referrals.save_form(tx, request["id"], items=items)
    error = await make.refused(db, make.GP, referrals.send, task, Invalid, **make.SEND)
    assert [issue.reason for issue in error.issues] == ["call-instead"]


async def test_a_closed_service_takes_nothing(db: Database) -> None:
    [task] = await make.draft(db)
    async with db.transaction(make.GP) as tx:
        await tx.execute("UPDATE healthcare_service SET active = false WHERE id = $1", make.SERVICE)
    error = await make.refused(db, make.GP, referrals.send, task, Invalid, **make.SEND)
    assert [issue.reason for issue in error.issues] == ["service-closed"]


async def test_no_care_link_no_request(db: Database) -> None:
    [task] = await make.draft(db)
    async with db.transaction(make.GP) as tx:
        await tx.execute("UPDATE care_link SET ends = starts WHERE organization_id = $1", make.CENTRE)
    error = await make.refused(db, make.GP, referrals.send, task, NotAllowed, **make.SEND)
    assert error.reason == "no-care-link"


async def test_one_does_not_ask_oneself(db: Database) -> None:
    [task] = await make.draft(db)
    async with db.transaction(make.GP) as tx:
        await tx.execute(
            "UPDATE healthcare_service SET triager_role_ids = ARRAY['clamart-mg-isambert', 'clamart-mg-isambert'] WHERE id = $1",
            make.SERVICE,
        )
    error = await make.refused(db, make.GP, referrals.send, task, NotAllowed, **make.SEND)
    assert error.reason == "own-request"


async def test_a_second_open_request_proposes_to_follow_the_first(db: Database) -> None:
    first = await make.sent(db)
    [second] = await make.draft(db)
    error = await make.refused(db, make.GP, referrals.send, second, Conflict, **make.SEND)
    assert (error.reason, error.extra["existing"]) == ("duplicate-open", first)
    unknown = await make.refused(db, make.GP, referrals.send, second, Invalid, **make.SEND, duplicate_reason="because")
    assert unknown.issues[0].reason == "unknown-reason"
    await make.act(db, make.GP, referrals.send, second, **make.SEND, duplicate_reason="other-problem")
    assert (await make.look(db, second))["state"] == "sent"


async def test_two_requests_sent_at_once_leave_one(db: Database) -> None:
    import asyncio

    tasks = [(await make.draft(db))[0] for _ in range(2)]
    results = await asyncio.gather(*(make.act(db, make.GP, referrals.send, task, **make.SEND) for task in tasks), return_exceptions=True)
    refused = [result for result in results if isinstance(result, Exception)]
    assert [type(error) for error in refused] == [Conflict]
    assert refused[0].args == ("duplicate-open",)


async def test_permissions_and_unavailability_come_from_the_form(db: Database) -> None:
    [task] = await make.draft(db)
    request = await make.request_of(db, task)
    names = ("unavailability-start", "unavailability-end")
    periods = [("2026-11-01", "2026-11-05"), ("2026-12-01", "2026-12-05")]
    away = [
        {
            "linkId": "unavailability",
            "item": [{"linkId": name, "answer": [{"valueDate": day}]} for name, day in zip(names, period, strict=True)],
        }
        for period in periods
    ]
    async with db.transaction(make.GP) as tx:
        items = make.with_answer(await make.form(tx, make.SERVICE), "may-redirect", {"valueBoolean": False})
        await referrals.save_form(tx, request["id"], items=[*items, *away])
    await make.act(db, make.GP, referrals.send, task, **make.SEND, outside_criteria=True)
    request = await make.request_of(db, task)
    assert (request["may_redirect"], request["may_advise"], request["outside_criteria"]) == (False, True, True)
    [(kind, start, end)] = await make.intervals(db, task)
    assert (kind, start.isoformat(), end.isoformat()) == ("P1", "2026-11-30T23:00:00+00:00", "2026-12-05T23:00:00+00:00")


async def test_the_service_may_not_send_and_a_sent_request_is_not_sent_again(db: Database) -> None:
    [task] = await make.draft(db, by=make.CLIENT)
    error = await make.refused(db, make.COLLEAGUE, referrals.send, task, Stale, version=99)
    assert error.extra["current"] == (await make.look(db, task))["version"]
    await make.act(db, make.CLIENT, referrals.send, task, **make.SEND)
    assert (await make.last_status(db, task))["on_behalf_of"] == "PractitionerRole/clamart-mg-isambert"
    again = await make.refused(db, make.GP, referrals.send, task, Conflict, **make.SEND)
    assert again.reason == "not-in-table"
    assert "withdraw" in again.extra["legal"]
    other = await make.refused(db, make.PLANNER, referrals.withdraw, task, NotAllowed, reason="resolved")
    assert other.reason == "not-for-this-party"


async def test_a_stranger_sees_nothing(db: Database) -> None:
    task = await make.sent(db)
    await make.refused(db, make.STRANGER, referrals.send, task, NotFound)
    with pytest.raises(NotFound):
        await make.act(db, make.GP, referrals.send, "no-such-task")
