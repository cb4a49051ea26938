"""The first display of a request by somebody in triage is its opening, whichever way they come; looking never is."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from tests.factories import referrals as make
from tests.support.web import SAME_SITE, Visitor, hidden, make_door, territory, visiting

from maillage import directory, referrals
from maillage.access import choices
from maillage.kernel.actor import SYSTEM
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
QUESTION = make.TEXT


async def sent(db: Database) -> tuple[str, str]:
    """A request of the centre that nobody has read: its Task and its patient."""
    home = f"Organization/{make.CENTRE}"
    patient = next(one["id"] for one in directory.generate_patients(2026, 16) if one["managingOrganization"]["reference"] == home)
    async with db.transaction(make.GP) as tx:
        request = await referrals.create_request(tx, patient_id=patient, service_ids=[make.SERVICE], requester_role_id=make.GP.role_id)
        await referrals.save_form(tx, request, items=await make.form(tx, make.SERVICE), status="completed")
        [task] = await referrals.tasks_of(tx, request)
        await referrals.send(tx, task["id"], **make.SEND)
    return task["id"], patient


async def openings(db: Database, task: str) -> tuple[str, int, int]:
    """The state of a request, how often it was opened, and how often the audit trail says so."""
    async with db.transaction(SYSTEM) as tx:
        state = await tx.fetchval("SELECT state FROM referral_task WHERE id = $1", task)
        rows = await tx.fetchval("SELECT count(*) FROM referral_status WHERE task_id = $1 AND verb = 'open'", task)
    async with db.trail.transaction(SYSTEM) as tx:
        said = await tx.fetchval("SELECT count(*) FROM audit_event WHERE res_id = $1 AND verb = 'open'", task)
    return state, rows, said


async def test_a_line_without_a_name_leads_to_the_page_that_says_why(db: Database) -> None:
    task, patient = await sent(db)
    async with db.transaction(make.GP) as tx:
        await choices.oppose(tx, patient, act=choices.READING, said_by="patient")
    async with visiting(make_door(db), "hge-percy") as visitor:
        listed = (await visitor.get("/listes/to-triage")).text
        assert f'<a href="/demandes/{task}">Identité masquée (opposition)</a>' in listed
        assert f"/demandes/{task}/lire" not in listed, "there is nothing to read, and a gesture would find no page"
        shown = await visitor.get(f"/demandes/{task}")
        assert (shown.status_code, "s’oppose au partage de son dossier" in shown.text, QUESTION in shown.text) == (200, True, False)
    assert (await openings(db, task))[:2] == ("sent", 0)


@pytest.mark.parametrize("path", ["", "/actes/accept", "/actes/decline"])
async def test_an_address_shows_the_case_only_to_who_says_that_they_read_it(db: Database, path: str) -> None:
    task, _ = await sent(db)
    async with visiting(make_door(db), "hge-percy") as visitor:
        answer = await visitor.client.get(f"/demandes/{task}{path}", follow_redirects=True)
        assert answer.status_code == 200
        assert QUESTION not in answer.text, "a GET never writes, so it does not show what reading must record"
        assert f'action="/demandes/{task}/lire"' in answer.text
        assert await openings(db, task) == ("sent", 0, 0)
        read = await visitor.client.post(f"/demandes/{task}/lire", data=hidden(answer), headers=SAME_SITE, follow_redirects=True)
        assert QUESTION in read.text
        assert await openings(db, task) == ("opened", 1, 1)
        assert QUESTION in (await visitor.get(f"/demandes/{task}")).text


async def test_a_notification_leads_to_the_case_and_opens_it(db: Database) -> None:
    task, _ = await sent(db)
    async with visiting(make_door(db), "hge-percy") as visitor:
        home = await visitor.get("/")
        assert f'action="/notifications/Task/{task}"' in home.text
        answer = await visitor.client.post(f"/notifications/Task/{task}", data=hidden(home), headers=SAME_SITE, follow_redirects=True)
        assert QUESTION in answer.text
        assert await openings(db, task) == ("opened", 1, 1)
        assert f"/notifications/Task/{task}" not in (await visitor.get("/")).text


async def test_the_record_of_the_patient_leads_to_the_same_opening(db: Database) -> None:
    task, patient = await sent(db)
    async with visiting(make_door(db), "hge-percy") as visitor:
        assert f'action="/demandes/{task}/lire"' in (await visitor.get(f"/patients/{patient}")).text
        assert f'action="/demandes/{task}/lire"' in (await visitor.get("/")).text


@pytest.mark.parametrize("login", ["medecin-clamart", "secretaire-clamart"])
async def test_the_requester_reads_without_opening(db: Database, login: str) -> None:
    task, _ = await sent(db)
    async with visiting(make_door(db), login) as visitor:
        shown = (await visitor.get(f"/demandes/{task}")).text
        assert (QUESTION in shown) is (login == "medecin-clamart"), "a desk is shown the administrative part"
        answer = await visitor.post(f"/demandes/{task}/lire")
        assert answer.status_code == 303
    assert await openings(db, task) == ("sent", 0, 0)


async def test_two_who_open_at_once_both_read(db: Database) -> None:
    task, _ = await sent(db)
    door = make_door(db)
    async with visiting(door, "hge-percy") as one, visiting(door, "secretaire-percy") as other:

        async def reads(visitor: Visitor) -> httpx.Response:
            return await visitor.post(f"/demandes/{task}/lire")

        answers = await asyncio.gather(reads(one), reads(other))
        assert [answer.status_code for answer in answers] == [303, 303]
    assert await openings(db, task) == ("opened", 1, 1)


async def test_a_notification_of_what_is_no_longer_there_is_read_all_the_same(db: Database) -> None:
    async with visiting(make_door(db), "hge-percy") as visitor:
        answer = await visitor.post("/notifications/Task/unknown-id", shown="/")
        assert answer.status_code == 303
