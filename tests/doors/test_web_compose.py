"""Composing and sending a request, form by form, as an office and as a doctor."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.support.web import SAME_SITE, Visitor, hidden, make_door, territory, visiting

from maillage import access, directory
from maillage.demonstration.forms import fill
from maillage.directory import pathways
from maillage.doors.web.referrals.questionnaire import answers_of
from maillage.kernel.actor import SYSTEM
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
SERVICE = "percy-hge"
CONFIRMED = {"identity-confirmed": "true", "patient-informed": "true"}


def patient_of(organization: str) -> str:
    home = f"Organization/{organization}"
    return str(next(one["id"] for one in directory.generate_patients(2026, 16) if one["managingOrganization"]["reference"] == home))


def answers(priority: str = "routine") -> dict[str, Any]:
    """Everything that the digestive pathway asks, as form fields."""
    return answers_of(fill(pathways.questionnaire("hge"), priority))


async def compose(visitor: Visitor, **more: Any) -> Any:
    """Fill the form of a new request and ask to check it."""
    patient = patient_of("cms-clamart-soins")
    data = {"patient": patient, "service": SERVICE, "then": "check", **answers(), **more}
    return await visitor.post("/demandes/nouvelle", data, shown=f"/demandes/nouvelle?patient={patient}&service={SERVICE}")


def task_of(answer: Any) -> str:
    found = re.fullmatch(r"/demandes/([^/]+)/verifier", answer.headers["location"])
    assert found
    return found[1]


async def state_of(db: Database, task: str) -> str:
    async with db.transaction(SYSTEM) as tx:
        return str(await tx.fetchval("SELECT state FROM referral_task WHERE id = $1", task))


async def test_an_office_says_for_whom_it_asks(db: Database) -> None:
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        refused = await compose(visitor)
        assert refused.status_code == 422
        assert 'href="#f-requester"' in refused.text
        assert "conduite à tenir" in refused.text  # what was written is still there
        task = task_of(await compose(visitor, requester="clamart-mg-isambert"))
        check = await visitor.get(f"/demandes/{task}/verifier")
        assert "au nom de Dr Maud Isambert" in check.text
        sent = await visitor.post(f"/demandes/{task}/envoyer", CONFIRMED, shown=f"/demandes/{task}/verifier")
        assert sent.headers["location"] == f"/demandes/{task}?fait=send"
        page = await visitor.get(f"/demandes/{task}")
        assert "préparée par le secrétariat" in page.text


async def test_a_hospital_office_asks_for_a_doctor_of_its_services(db: Database) -> None:
    patient, service = patient_of("cms-clamart-soins"), "chic-cardiologie"
    async with db.transaction(SYSTEM) as tx:
        await access.link(tx, patient, "hia-percy", "presence", f"Patient/{patient}")
        form = (await directory.get_service(tx, service)).questionnaire
        said = answers_of(fill(await directory.get_questionnaire(tx, form), "routine"))
    async with visiting(make_door(db), "secretaire-percy") as visitor:
        shown = f"/demandes/nouvelle?patient={patient}&service={service}"
        page = await visitor.get(shown)
        offered = re.findall(r'<option value="([^"]+)"', page.text.partition('id="f-requester"')[2].partition("</select>")[0])
        assert {"percy-hge-castanier", "percy-mpr-nouvion"} <= set(offered), offered
        assert all(one.startswith("percy-") for one in offered)
        data = {"patient": patient, "service": service, "then": "check", "requester": offered[0], **said}
        task = task_of(await visitor.post("/demandes/nouvelle", data, shown=shown))
        sent = await visitor.post(f"/demandes/{task}/envoyer", CONFIRMED, shown=f"/demandes/{task}/verifier")
        assert sent.headers["location"] == f"/demandes/{task}?fait=send"


async def test_nothing_leaves_without_identity_information_and_answers(db: Database) -> None:
    async with visiting(make_door(db), "medecin-clamart") as visitor:
        task = task_of(await compose(visitor, question="", priority=""))
        check = await visitor.get(f"/demandes/{task}/verifier")
        assert f"/demandes/{task}/remplir#f-question" in check.text
        for ticked in ({}, {"identity-confirmed": "true"}, CONFIRMED):
            answer = await visitor.post(f"/demandes/{task}/envoyer", ticked, shown=f"/demandes/{task}/verifier")
            assert answer.status_code == 422, ticked
        assert await state_of(db, task) == "to-complete"


async def test_a_draft_is_resumed_and_its_priority_follows_the_form(db: Database) -> None:
    async with visiting(make_door(db), "medecin-clamart") as visitor:
        task = task_of(await compose(visitor, question=""))
        assert (await visitor.get(f"/demandes/{task}")).headers["location"] == f"/demandes/{task}/remplir"
        draft = await visitor.get(f"/demandes/{task}/remplir")
        assert "Paracétamol à la demande" in draft.text
        await visitor.post(f"/demandes/{task}/remplir", {**answers("urgent"), "then": "check"}, shown=f"/demandes/{task}/remplir")
        sent = await visitor.post(f"/demandes/{task}/envoyer", CONFIRMED, shown=f"/demandes/{task}/verifier")
        assert sent.status_code == 303
    async with db.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT priority FROM referral_task WHERE id = $1", task) == "urgent"


async def test_an_answer_may_say_that_there_is_a_number_to_call(db: Database) -> None:
    async with visiting(make_door(db), "medecin-clamart") as visitor:
        task = task_of(await compose(visitor, **{"active-bleeding": "true"}))
        check = await visitor.get(f"/demandes/{task}/verifier")
        assert "appeler le service" in check.text
        assert "01 99 00 92 13" in check.text
        assert (await visitor.post(f"/demandes/{task}/envoyer", CONFIRMED, shown=f"/demandes/{task}/verifier")).status_code == 422


async def test_a_second_request_says_why(db: Database) -> None:
    async with visiting(make_door(db), "medecin-clamart") as visitor:
        first = task_of(await compose(visitor))
        await visitor.post(f"/demandes/{first}/envoyer", CONFIRMED, shown=f"/demandes/{first}/verifier")
        second = task_of(await compose(visitor))
        check = await visitor.get(f"/demandes/{second}/verifier")
        assert 'name="duplicate-reason"' in check.text
        refused = await visitor.post(f"/demandes/{second}/envoyer", CONFIRMED, shown=f"/demandes/{second}/verifier")
        assert refused.status_code == 409
        assert 'name="duplicate-reason"' in refused.text
        why = {**CONFIRMED, "duplicate-reason": "other-problem"}
        assert (await visitor.post(f"/demandes/{second}/envoyer", why, shown=f"/demandes/{second}/verifier")).status_code == 303


async def test_a_verb_sent_twice_acts_once_and_an_old_form_changes_nothing(db: Database) -> None:
    door = make_door(db)
    async with visiting(door, "medecin-clamart") as doctor:
        task = task_of(await compose(doctor))
        await doctor.post(f"/demandes/{task}/envoyer", CONFIRMED, shown=f"/demandes/{task}/verifier")
    async with visiting(door, "hge-percy") as specialist:
        await specialist.post(f"/demandes/{task}/lire", shown=f"/demandes/{task}")
        old = hidden(await specialist.get(f"/demandes/{task}"))
        fields = hidden(await specialist.get(f"/demandes/{task}"))
        for _ in range(2):
            answer = await specialist.client.post(f"/demandes/{task}/actes/accept", data=fields, headers=SAME_SITE)
            assert (answer.status_code, answer.headers["location"]) == (303, f"/demandes/{task}?fait=accept")
        late = await specialist.client.post(
            f"/demandes/{task}/actes/decline", data={**old, "reason": "duplicate", "comment": "Déjà vu"}, headers=SAME_SITE
        )
        assert late.status_code == 409
        assert "Déjà vu" in late.text
        assert "Entre-temps" in late.text
    async with db.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT count(*) FROM referral_status WHERE task_id = $1 AND verb = 'accept'", task) == 1
    assert await state_of(db, task) == "to-book"


async def test_buttons_are_those_of_the_party_and_no_other_verb_is_played(db: Database) -> None:
    door = make_door(db)
    async with visiting(door, "medecin-clamart") as doctor:
        task = task_of(await compose(doctor))
        await doctor.post(f"/demandes/{task}/envoyer", CONFIRMED, shown=f"/demandes/{task}/verifier")
        page = (await doctor.get(f"/demandes/{task}")).text
        assert f"/demandes/{task}/actes/withdraw" in page
        assert f"/demandes/{task}/actes/accept" not in page
        forbidden = await doctor.post(f"/demandes/{task}/actes/accept", shown=f"/demandes/{task}")
        assert forbidden.status_code == 403
        for verb in ("look", "open", "send", "unknown-verb", "available-actions"):
            assert (await doctor.post(f"/demandes/{task}/actes/{verb}", shown=f"/demandes/{task}")).status_code == 404, verb
    assert await state_of(db, task) == "sent"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("unavailability-start", "0001-01-01"),
        ("unavailability-end", "9999-12-31"),
        ("unavailability-start__2", "31/02/2026"),
        ("phone", "abc"),
        ("phone-verified", "false"),
        ("question", "x" * 2001),
    ],
)
async def test_an_answer_that_cannot_be_meant_comes_back_beside_its_field(db: Database, name: str, written: str) -> None:
    async with visiting(make_door(db), "medecin-clamart") as visitor:
        answer = await compose(visitor, **{name: written})
        assert answer.status_code == 422
        assert f'href="#f-{name}' in answer.text
        assert f'id="f-{name}-erreur"' in answer.text
        assert written in answer.text or name == "phone-verified", "what was written is still there"
    async with db.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT count(*) FROM service_request") == 0


async def test_a_draft_that_was_kept_with_a_wrong_answer_says_which_before_it_is_sent(db: Database) -> None:
    async with visiting(make_door(db), "medecin-clamart") as visitor:
        kept = await compose(visitor, phone="abc", then="save")
        draft = kept.headers["location"].partition("?")[0]
        check = await visitor.get(draft.replace("remplir", "verifier"))
        assert "forme attendue" in check.text
        answer = await visitor.post(draft.replace("remplir", "envoyer"), CONFIRMED, shown=draft.replace("remplir", "verifier"))
        assert answer.status_code == 422
        assert f'href="{draft}#f-phone"' in answer.text


async def test_a_version_that_is_no_number_is_no_defect(db: Database) -> None:
    async with visiting(make_door(db), "medecin-clamart") as visitor:
        task = task_of(await compose(visitor))
        answer = await visitor.post(f"/demandes/{task}/envoyer", {**CONFIRMED, "_version": "²"}, shown=f"/demandes/{task}/verifier")
        assert answer.status_code == 303
