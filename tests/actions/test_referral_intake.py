"""What partners post: a request, its answers, its Task, an abort Task; and the verb that an update would be."""

from __future__ import annotations

from typing import Any

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.errors import Conflict, Invalid, MaillageError, Malformed, NotAllowed, NotFound
from maillage.kernel.ids import new_id
from maillage.referrals import render
from maillage.store import Database, Transaction

FILL = make.territory
pytestmark = pytest.mark.asyncio


def request(patient: str, status: str = "draft", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "id": new_id(),
        "extension": [
            {"url": render.PATIENT_INFORMED, "valueBoolean": True},
            {"url": render.IDENTITY_CONFIRMED, "valueBoolean": True},
            {"url": "https://partner.example/ours", "valueString": "kept"},
        ],
        "identifier": [{"system": "https://partner.example/orders", "value": "42"}],
        "status": status,
        "intent": "order",
        "code": {"text": "Consultation d'hépato-gastro-entérologie"},
        "subject": {"reference": f"Patient/{patient}"},
        "requester": {"reference": "PractitionerRole/clamart-mg-isambert"},
        "performer": [{"reference": f"HealthcareService/{make.SERVICE}"}],
        "reasonCode": [{"text": make.TEXT}],
        **more,
    }


def coordination(request_id: str, status: str = "requested", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "id": new_id(),
        "status": status,
        "intent": "order",
        "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]},
        "focus": {"reference": f"ServiceRequest/{request_id}"},
        "owner": {"reference": f"HealthcareService/{make.SERVICE}"},
        **more,
    }


async def post(tx: Transaction, resource: dict[str, Any]) -> str:
    claim = referrals.INTAKE[resource["resourceType"]]
    assert await claim.claims(tx, resource)
    kind, id = await claim.create(tx, resource)
    assert kind == resource["resourceType"]
    return id


async def answers(tx: Transaction, request_id: str, status: str = "completed") -> dict[str, Any]:
    items = await make.form(tx, make.SERVICE)
    based = [{"reference": f"ServiceRequest/{request_id}"}]
    form = "https://maillage.invalid/fhir/Questionnaire/parcours-hge|1.1.0"
    return {
        "resourceType": "QuestionnaireResponse",
        "id": new_id(),
        "questionnaire": form,
        "status": status,
        "basedOn": based,
        "item": items,
    }


async def patient(db: Database) -> str:
    return (await make.patients(db))[0]


async def test_a_draft_is_prepared_with_its_task(db: Database) -> None:
    posted = request(await patient(db))
    async with db.transaction(make.CLIENT) as tx:
        made = await post(tx, posted)
        [task] = await referrals.tasks_of(tx, made)
    assert made == posted["id"]
    assert task["state"] == "to-complete"
    shown = await make.photograph(db, "ServiceRequest", made, make.GP)
    assert (shown["status"], shown["code"], shown["reasonCode"]) == ("draft", posted["code"], posted["reasonCode"])
    assert shown["identifier"][0] == posted["identifier"][0]
    assert {"url": "https://partner.example/ours", "valueString": "kept"} in shown["extension"]


async def test_request_answers_and_task_in_one_transaction(db: Database) -> None:
    async with db.transaction(make.CLIENT) as tx:
        made = await post(tx, request(await patient(db), "active"))
        await post(tx, await answers(tx, made))
        task = await post(tx, coordination(made))
    assert (await make.look(db, task))["state"] == "sent"
    assert (await make.photograph(db, "ServiceRequest", made))["status"] == "active"


async def test_answers_posted_again_send_what_is_not_sent_yet(db: Database) -> None:
    performers = [{"reference": f"HealthcareService/{name}"} for name in (make.SERVICE, make.OTHER_SERVICE)]
    async with db.transaction(make.CLIENT) as tx:
        made = await post(tx, request(await patient(db), "active", performer=performers))
        form = await answers(tx, made, "in-progress")
        other = [item for item in await make.form(tx, make.OTHER_SERVICE) if item["linkId"] in ("specific", "act")]
        await post(tx, form)
        await post(tx, {**form, "id": new_id(), "status": "completed", "item": [*form["item"], *other]})
        assert [row["state"] for row in await referrals.tasks_of(tx, made)] == ["sent", "sent"]


async def test_a_draft_with_answers_is_sent_by_its_task(db: Database) -> None:
    async with db.transaction(make.CLIENT) as tx:
        made = await post(tx, request(await patient(db)))
        await post(tx, await answers(tx, made))
        draft = await post(tx, coordination(made, "draft"))
        assert (await referrals.visible_task(tx, draft))["state"] == "to-complete"
        assert await post(tx, coordination(made, "received")) == draft
    assert (await make.look(db, draft))["state"] == "sent"


async def test_contained_answers_send_an_active_request(db: Database) -> None:
    async with db.transaction(make.CLIENT) as tx:
        form = await answers(tx, "x")
        posted = request(
            await patient(db),
            "active",
            contained=[{"resourceType": "Basic", "id": "b"}, {**form, "id": "form"}],
            supportingInfo=[{"reference": "#form"}],
        )
        made = await post(tx, posted)
        [task] = await referrals.tasks_of(tx, made)
        assert task["state"] == "sent"
    shown = await make.photograph(db, "ServiceRequest", made)
    assert "contained" not in shown
    assert [item["reference"].partition("/")[0] for item in shown["supportingInfo"]] == ["QuestionnaireResponse"]


async def test_an_active_request_is_sent_or_not_taken(db: Database) -> None:
    with pytest.raises(Invalid) as refused:
        async with db.transaction(make.CLIENT) as tx:
            made = await post(tx, request(await patient(db), "active"))
    assert refused.value.reason == "form-missing"
    with pytest.raises(NotFound):
        await make.photograph(db, "ServiceRequest", made)


async def test_what_a_task_lacks_is_named(db: Database) -> None:
    made = await make.act(db, make.CLIENT, post, request(await patient(db)))
    with pytest.raises(Invalid) as refused:
        await make.act(db, make.CLIENT, post, coordination(made))
    assert any(issue.reason == "item-missing:question" for issue in refused.value.issues)


@pytest.mark.parametrize(
    ("more", "family", "where"),
    [
        ({"status": "completed"}, Invalid, "ServiceRequest.status"),
        ({"intent": "filler-order"}, Malformed, "ServiceRequest.intent"),
        ({"priority": "soon"}, Malformed, "ServiceRequest.priority"),
        ({"subject": {"reference": "Group/1"}}, Invalid, "ServiceRequest.subject"),
        (
            {"performer": [{"reference": f"HealthcareService/{make.SERVICE}"}, {"reference": "HealthcareService/x"}]},
            Invalid,
            "ServiceRequest.performer[1]",
        ),
        ({"requester": {"reference": "PractitionerRole/percy-hge-castanier"}}, None, ""),
        ({"requester": {"display": "Dr X"}}, Invalid, "ServiceRequest.requester"),
        ({"requester": {"reference": "PractitionerRole/nobody"}}, Invalid, "ServiceRequest.requester"),
        ({"subject": {"reference": "Patient/nobody"}}, Invalid, "ServiceRequest.subject"),
    ],
)
async def test_requests_that_are_refused(db: Database, more: dict[str, Any], family: type[MaillageError] | None, where: str) -> None:
    posted = {**request(await patient(db)), **more}
    if family is None:  # a client that holds the hospital too may ask for one of its clinicians
        await make.act(db, make.CLIENT, post, posted)
        return
    with pytest.raises(family) as refused:
        await make.act(db, make.CLIENT, post, posted)
    assert refused.value.issues[0].expression == where


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"status": "completed"}, "Task.status"),
        ({"intent": "proposal"}, "Task.intent"),
        ({"code": {"coding": [{"code": "approve"}]}}, "Task.code"),
        ({"focus": {"reference": "Patient/1"}}, "Task.focus"),
        ({"for": {"reference": "Patient/another"}}, "Task.for"),
        ({"owner": {"reference": "HealthcareService/elsewhere"}}, "Task.owner"),
        ({"owner": {"reference": "HealthcareService/elsewhere"}, "code": {}}, "Task.owner"),
        ({"owner": {"display": "Gastro-entérologie"}}, "Task.owner"),
    ],
)
async def test_tasks_that_are_refused(db: Database, more: dict[str, Any], where: str) -> None:
    async with db.transaction(make.CLIENT) as tx:
        made = await post(tx, request(await patient(db)))
    with pytest.raises(Invalid) as refused:
        await make.act(db, make.CLIENT, post, {**coordination(made), **more})
    assert refused.value.issues[0].expression == where


async def test_one_more_service_is_asked(db: Database) -> None:
    owner = {"reference": f"HealthcareService/{make.BOOKABLE}"}
    async with db.transaction(make.CLIENT) as tx:
        made = await post(tx, request(await patient(db)))
        second = await post(tx, coordination(made, "draft", owner=owner))
        assert (await referrals.visible_task(tx, second))["service_id"] == make.BOOKABLE
        assert len(await referrals.tasks_of(tx, made)) == 2
    task = await make.cancelled(db, patient=1)
    revoked = (await make.request_of(db, task))["id"]
    with pytest.raises(Conflict):
        await make.act(db, make.CLIENT, post, coordination(revoked, owner=owner))
    other = (await make.request_of(db, await make.sent(db, patient=2)))["id"]
    with pytest.raises(NotAllowed):
        await make.act(db, make.TRIAGER, post, coordination(other, owner=owner))


async def test_answers_have_a_status(db: Database) -> None:
    async with db.transaction(make.CLIENT) as tx:
        made = await post(tx, request(await patient(db)))
        form = await answers(tx, made, "stopped")
    with pytest.raises(Invalid) as refused:
        await make.act(db, make.CLIENT, post, form)
    assert refused.value.issues[0].expression == "QuestionnaireResponse.status"


def abort(task: str, **more: Any) -> dict[str, Any]:
    code = {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "abort"}]}
    focus = {"reference": f"Task/{task}"}
    return {"resourceType": "Task", "id": new_id(), "status": "requested", "intent": "order", "code": code, "focus": focus, **more}


REASON = {"coding": [{"system": "https://maillage.invalid/fhir/CodeSystem/reason", "code": "resolved"}]}


async def test_an_abort_task_withdraws_before_a_decision(db: Database) -> None:
    task = await make.sent(db)
    posted = abort(task, reasonCode=REASON)
    made = await make.act(db, make.CLIENT, post, posted)
    assert made == posted["id"]
    assert (await make.look(db, task))["state"] == "cancelled"
    assert (await make.photograph(db, "Task", made))["status"] == "completed"


async def test_an_abort_task_asks_once_accepted(db: Database) -> None:
    task = await make.booked(db)
    made = await make.act(db, make.CLIENT, post, abort(task, reasonCode={"text": "La patiente est guérie, tout va bien"}))
    row = await make.look(db, task)
    assert (row["state"], row["reason"]) == ("cancellation-requested", "other")
    assert (await make.photograph(db, "Task", made))["status"] == "requested"


@pytest.mark.parametrize(
    ("more", "reason"), [({}, "reason-missing"), ({"reasonCode": {"coding": [{**REASON["coding"][0], "code": "x"}]}}, "unknown-reason")]
)
async def test_an_abort_task_says_why(db: Database, more: dict[str, Any], reason: str) -> None:
    task = await make.sent(db)
    with pytest.raises(Invalid) as refused:
        await make.act(db, make.CLIENT, post, abort(task, **more))
    assert (refused.value.reason, refused.value.issues[0].expression) == (reason, "Task.reasonCode")


async def test_an_abort_task_aborts_the_coordination_task(db: Database) -> None:
    task = await make.info_requested(db)
    [child] = await make.children(db, task, "provide-information")
    with pytest.raises(Invalid):
        await make.act(db, make.CLIENT, post, abort(child["id"], reasonCode=REASON))


async def test_work_of_others_is_not_claimed(db: Database) -> None:
    others = [
        {"resourceType": "ServiceRequest", "performer": [{"reference": "HealthcareService/elsewhere"}]},
        {"resourceType": "ServiceRequest"},
        {"resourceType": "Task", "owner": {"reference": "Organization/1"}, "focus": {"reference": "ServiceRequest/1"}},
        {"resourceType": "Task", "owner": {"reference": f"HealthcareService/{make.SERVICE}"}},
        {"resourceType": "Task", "code": {"coding": [{"code": "abort"}]}, "focus": {"reference": "Task/1"}},
        {"resourceType": "QuestionnaireResponse", "basedOn": [{"reference": "ServiceRequest/1"}, {"reference": "CarePlan/1"}]},
        {"resourceType": "DocumentReference", "id": "1"},
        {"resourceType": "Encounter"},
    ]
    async with db.transaction(make.CLIENT) as tx:
        for resource in others:
            assert not await referrals.INTAKE[resource["resourceType"]].claims(tx, resource), resource


async def test_a_reference_to_what_is_hidden_is_a_reference_to_nothing(db: Database) -> None:
    task = await make.sent(db)
    request_id = (await make.look(db, task))["request_id"]
    based = {"resourceType": "QuestionnaireResponse", "basedOn": [{"reference": f"ServiceRequest/{request_id}"}]}
    elsewhere = coordination(request_id, owner={"reference": "HealthcareService/elsewhere"})
    for resource in (abort(task, reasonCode=REASON), based, elsewhere):
        claims = referrals.INTAKE[resource["resourceType"]].claims
        assert not await make.act(db, make.STRANGER, claims, resource), resource
        assert await make.act(db, make.CLIENT, claims, resource), resource


async def test_what_we_hold_is_ours_to_change(db: Database, clock: Any) -> None:
    task = await make.letter_sent(db, clock)
    row = await make.look(db, task)
    async with db.transaction(make.CLIENT) as tx:
        form = await referrals.current_form(tx, row["request_id"])
        held = {
            "Task": task,
            "ServiceRequest": row["request_id"],
            "DocumentReference": row["document_id"],
            "Encounter": row["encounter_id"],
            "QuestionnaireResponse": form["id"],
        }
        for kind, id in held.items():
            claim = referrals.INTAKE[kind]
            assert await claim.claims(tx, {"resourceType": kind, "id": id})
            assert (await referrals.RENDERERS[kind](tx, id))["id"] == id
            assert await referrals.RENDERERS[kind](tx, "nothing") is None
            assert id in await referrals.ids_of(tx, kind)
        assert await referrals.ids_of(tx, "Patient") == []
        with pytest.raises(Conflict):
            await referrals.INTAKE["Encounter"].create(tx, {"resourceType": "Encounter", "id": row["encounter_id"]})


@pytest.mark.parametrize(
    ("kind", "before", "after", "verb"),
    [
        ("Task", {"status": "draft"}, {"status": "requested"}, "send"),
        ("Task", {"status": "received"}, {"status": "accepted"}, "accept"),
        ("Task", {"status": "received"}, {"status": "rejected"}, "decline"),
        ("Task", {"status": "in-progress"}, {"status": "failed"}, "decline"),
        ("Task", {"status": "received"}, {"status": "cancelled"}, "withdraw"),
        ("Task", {"status": "accepted"}, {"status": "cancelled"}, "request-cancellation"),
        ("Task", {"status": "accepted"}, {"status": "in-progress"}, "book"),
        ("Task", {"status": "accepted"}, {"status": "in-progress", "businessStatus": {"coding": [{"code": "5.1.4"}]}}, "mark-seen"),
        ("Task", {"status": "in-progress"}, {"status": "completed"}, "send-outcome"),
        ("Task", {"status": "accepted"}, {"status": "accepted", "description": "x"}, ""),
        ("Task", {"status": "accepted"}, {"status": "on-hold"}, ""),
        ("Task", {"status": "requested", "partOf": [{}]}, {"status": "accepted"}, "accept"),
        ("Task", {"status": "requested", "partOf": [{}]}, {"status": "cancelled"}, ""),
        ("Task", {"status": "accepted"}, {}, ""),
        ("ServiceRequest", {"status": "draft"}, {"status": "active"}, "send"),
        ("ServiceRequest", {"status": "active"}, {"status": "revoked"}, "withdraw"),
        ("ServiceRequest", {"status": "active", "priority": "routine"}, {"status": "active", "priority": "asap"}, "change-priority"),
        ("ServiceRequest", {"status": "active"}, {"status": "active"}, ""),
        ("ServiceRequest", {"status": "active"}, {}, ""),
        ("QuestionnaireResponse", {}, {}, "answer-info"),
        ("DocumentReference", {}, {}, "send-outcome"),
        ("Encounter", {}, {}, "mark-seen"),
    ],
)
async def test_the_verb_that_an_update_would_be(kind: str, before: dict[str, Any], after: dict[str, Any], verb: str) -> None:
    assert referrals.INTAKE[kind].verb_for(before, after) == verb
    known = {operation.name for operation in referrals.OPERATIONS}
    assert verb in known | {""}


ELSE, SOMEBODY = {"reference": "Patient/somebody-else"}, {"reference": "PractitionerRole/percy-hge-castanier"}


@pytest.mark.parametrize(
    ("more", "reason", "where"),
    [
        ({"subject": ELSE}, "patient-differs", "subject"),
        ({"subject": {"display": "sans référence"}}, "patient-differs", "subject"),
        ({"author": SOMEBODY}, "author-unknown", "author"),
        ({"author": ELSE}, "author-unknown", "author"),
        ({"authored": "0001-01-01"}, "date-out-of-range", "authored"),
        ({"authored": "2999-01-01T00:00:00Z"}, "date-out-of-range", "authored"),
        ({"authored": "2026-11"}, "date-out-of-range", "authored"),
        ({"questionnaire": "https://maillage.invalid/fhir/Questionnaire/parcours-mpr|1.1.0"}, "form-differs", "questionnaire"),
        ({"questionnaire": "https://maillage.invalid/fhir/Questionnaire/parcours-hge|99"}, "form-differs", "questionnaire"),
    ],
)
async def test_what_answers_say_of_themselves_is_read_not_rewritten(db: Database, more: dict[str, Any], reason: str, where: str) -> None:
    patient = (await make.patients(db))[0]
    async with db.transaction(make.GP) as tx:
        id = await post(tx, request(patient))
        with pytest.raises(Invalid) as refusal:
            await post(tx, {**await answers(tx, id), **more})
    assert (refusal.value.reason, refusal.value.issues[0].expression) == (reason, f"QuestionnaireResponse.{where}")


async def test_the_author_and_the_date_of_answers_are_kept(db: Database) -> None:
    patient = (await make.patients(db))[0]
    said = {
        "subject": {"reference": f"Patient/{patient}"},
        "author": {"reference": "Practitioner/garrigou-basile"},
        "authored": "2026-01-02",
    }
    async with db.transaction(make.CLIENT) as tx:
        form = await post(tx, {**await answers(tx, await post(tx, request(patient))), **said})
    shown = await make.photograph(db, "QuestionnaireResponse", form)
    assert shown["author"] == {"reference": "PractitionerRole/clamart-mg-garrigou"}
    assert shown["authored"].startswith("2026-01-01T23:00")


async def test_each_wrong_answer_is_told_with_its_item(db: Database) -> None:
    patient = (await make.patients(db))[0]
    async with db.transaction(make.GP) as tx:
        id = await post(tx, request(patient, "active"))
        posted = await answers(tx, id)
        posted["item"] = make.with_answer(posted["item"], "act", {"valueInteger": 7})
        posted["item"] = make.with_answer(posted["item"], "phone-verified", {"valueBoolean": False})
        with pytest.raises(Invalid) as refusal:
            await post(tx, posted)
        await tx.execute("UPDATE service_request SET asked_active = false")
    assert {(issue.reason, issue.expression) for issue in refusal.value.issues} == {
        ("answer-wrong-type", "QuestionnaireResponse.item.where(linkId='act')"),
        ("answer-must-be-true", "QuestionnaireResponse.item.where(linkId='phone-verified')"),
    }


async def test_a_draft_with_a_wrong_answer_is_kept_and_not_sent(db: Database) -> None:
    [task] = await make.draft(db)
    request_id = (await make.request_of(db, task))["id"]
    async with db.transaction(make.GP) as tx:
        wrong = make.with_answer(await make.form(tx, make.SERVICE), "question", {"valueString": "x" * 2001})
        await referrals.save_form(tx, request_id, items=wrong)
    error = await make.refused(db, make.GP, referrals.send, task, Invalid, **make.SEND)
    assert [issue.reason for issue in error.issues] == ["answer-too-long"]


async def test_a_task_does_not_send_answers_in_progress(db: Database) -> None:
    patient = (await make.patients(db))[0]
    async with db.transaction(make.GP) as tx:
        id = await post(tx, request(patient))
        await post(tx, await answers(tx, id, "in-progress"))
        with pytest.raises(Invalid) as refusal:
            await post(tx, coordination(id))
    assert (refusal.value.reason, refusal.value.issues[0].expression) == ("form-not-completed", "QuestionnaireResponse.status")
