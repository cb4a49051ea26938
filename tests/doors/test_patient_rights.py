"""What a patient says, chooses and asks on the own page; and that nothing else of the house can be reached from there."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from tests.factories import booking as diary
from tests.factories import crossings
from tests.factories import patients as make
from tests.factories import referrals as requests
from tests.support.routes import filled
from tests.support.web import SAME_SITE, hidden

from maillage import booking, journeys, record, referrals
from maillage.access import choices, patient_link, visible_to
from maillage.doors.web.areas import PAGES
from maillage.doors.web.typography import french
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from maillage.store import Database

FILL = crossings.territory
CROSS_SITE = {"sec-fetch-site": "cross-site"}
pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("light_hashes")]


@asynccontextmanager
async def in_front(db: Database, task: str) -> AsyncIterator[make.Holder]:
    """The patient of a request, whose page is open."""
    given = await make.given(db, crossings.PLANNER, "Task", task)
    async with make.browsing(db) as holder:
        await holder.opens(given.token, await make.born(db, given.patient), given.code or "")
        yield holder


async def patient_of(db: Database, task: str) -> str:
    return str((await requests.look(db, task))["patient_id"])


async def actor_of(db: Database, task: str) -> Actor:
    """The patient as the page makes one."""
    given = await make.given(db, crossings.PLANNER, "Task", task)
    async with db.transaction(SYSTEM) as tx:
        link = await patient_link.live_link(tx, given.token)
        assert link is not None
        secret, visit = await patient_link.open_page(tx, given.token, link)
        opened = await journeys.opened_page(tx, visit.id, secret)
    assert opened is not None
    return opened.actor


async def test_class_21_no_form_of_a_patient_is_taken_without_its_token_nor_from_another_site(db: Database) -> None:
    task = await crossings.to_book(db)
    async with in_front(db, task) as holder:
        fields, here = hidden(await holder.sees()), holder.page.rpartition("/")[2]
        forms = [page for page in PAGES if page.patient and page.method == "POST" and page.path.startswith("/suivi/")]
        assert len(forms) > 5
        for page in forms:
            path = re.sub(r"^/suivi/\{[^}]*\}", f"/suivi/{here}", page.path)
            for data, headers in (({**fields, "_csrf": ""}, SAME_SITE), ({**fields, "_csrf": "x"}, SAME_SITE), (fields, CROSS_SITE)):
                answer = await holder.client.post(filled(path), data=data, headers=headers)
                assert (answer.status_code, path, headers) == (403, path, headers)
    assert (await requests.look(db, task))["state"] == "to-book"


async def test_no_news_is_a_task_of_whoever_holds_the_turn_once_until_somebody_acts(db: Database) -> None:
    task = await crossings.to_book(db)
    async with in_front(db, task) as holder:
        assert "Je n’ai pas de nouvelles" in (await holder.sees()).text
        assert (await holder.acts("/sans-nouvelles")).status_code == 303
        again = await holder.acts("/sans-nouvelles")
        assert again.status_code == 409
        assert "Vous l’avez déjà dit." in again.text
        other = await patient_of(db, task)
        assert other not in again.text
    child = await no_news(db, task)
    assert (child["turn"], child["holder"]) == ("PO", f"HealthcareService/{crossings.SERVICE}")
    assert child["due_at"] - child["authored_on"] == timedelta(days=1)
    told = [row for row in await requests.told(db, task) if row[0] == "referral-say-no-news"]
    assert {place for _, place, _ in told} == {requests.CENTRE, requests.HOSPITAL}
    await crossings.do(db, crossings.PLANNER, "Task/no-place", task, reason="no-slot-in-target")
    assert (await no_news(db, task))["state"] == "completed"
    await crossings.check(db)


async def test_who_holds_the_turn_says_that_the_patient_has_news_and_the_other_side_cannot(db: Database) -> None:
    task = await crossings.to_book(db)
    async with in_front(db, task) as holder:
        await holder.acts("/sans-nouvelles")
        child = await no_news(db, task)
        said = {"comment": "Appelée ce matin."}
        assert [one.verb for one in await diary.act(db, crossings.PLANNER, referrals.available_actions, child["id"])] == ["give-news"]
        assert await diary.act(db, crossings.GP, referrals.available_actions, child["id"]) == ()
        for actor, family, because in ((crossings.GP, NotAllowed, "not-the-holder"), (crossings.PLANNER, Invalid, "comment-missing")):
            with pytest.raises(family) as refusal:
                await diary.act(db, actor, referrals.give_news, child["id"], **(said if actor is crossings.GP else {}))
            assert refusal.value.reason == because
        with pytest.raises(Conflict):
            await diary.act(db, crossings.GP, referrals.done, child["id"])
        await diary.act(db, crossings.PLANNER, referrals.give_news, child["id"], **said)
        assert (await no_news(db, task))["state"] == "completed"
        assert (await holder.acts("/sans-nouvelles")).status_code == 303, "and may say it again"
    await crossings.check(db)


async def no_news(db: Database, task: str) -> Any:
    async with db.transaction(SYSTEM) as tx:
        return await tx.fetchrow(
            "SELECT * FROM referral_child WHERE task_id = $1 AND code = 'no-news' ORDER BY authored_on DESC, id DESC LIMIT 1", task
        )


async def test_days_when_the_patient_is_not_free_are_the_patients_part_of_the_wait(db: Database, clock: FixedClock) -> None:
    task = await crossings.to_book(db)
    first, last = (clock.now() + timedelta(days=days) for days in (3, 9))
    async with in_front(db, task) as holder:
        wrong = await holder.acts("/absence", shown="/absence", de=f"{last:%Y-%m-%d}", a=f"{first:%Y-%m-%d}")
        assert wrong.status_code == 422
        assert f'value="{last:%Y-%m-%d}"' in wrong.text, "what was written is kept"
        assert (await holder.acts("/absence", shown="/absence", de=f"{first:%Y-%m-%d}", a=f"{last:%Y-%m-%d}")).status_code == 303
    [(kind, start, end)] = await requests.intervals(db, task)
    assert (kind, start.date(), end.date()) == ("P1", (first - timedelta(days=1)).date(), last.date())


async def test_an_offer_is_refused_with_a_reason_in_plain_words(db: Database) -> None:
    slots = await crossings.slots(db)
    task = await crossings.offered(db, slots[0]["id"])
    async with in_front(db, task) as holder:
        assert "C’est à vous de répondre." in (await holder.sees()).text
        nothing = await holder.acts("/non", shown="/non")
        assert nothing.status_code == 422
        assert (await holder.acts("/non", shown="/non", reason="date-unsuitable")).status_code == 303
    assert await crossings.stands(db, task, slots[0]["id"]) == ("to-book", None, "free")
    row = await requests.look(db, task)
    assert (row["reason_list"], row["reason"], row["refusals"]) == ("refuse-offer", "date-unsuitable", 1)
    await crossings.check(db)


async def test_each_choice_is_taken_and_taken_back_at_once(db: Database) -> None:
    task = await crossings.to_book(db)
    patient = await patient_of(db, task)
    async with in_front(db, task) as holder:
        for act in (choices.MESSAGES, choices.READING, choices.EMERGENCY, choices.FEEDING):
            for answer, refused in (("non", True), ("non", True), ("oui", False), ("oui", False)):
                assert (await holder.acts("/choix", shown="/choix", act=act, reponse=answer)).status_code == 303
                async with db.transaction(SYSTEM) as tx:
                    assert await choices.refuses(tx, patient, act) is refused, (act, answer)
        page = (await holder.sees("/choix")).text
        assert page.count(french("Votre choix : oui.")) == 4
        looks = re.findall(r'class="([^"]+)" type="submit" name="reponse" value="(oui|non)"', page)
        assert len(looks) == 8
        assert len({look for look, _ in looks}) == 1, "no answer is more visible than the other"
        assert "checked" not in page, "nothing is chosen beforehand"
    assert (await crossings.state(db, task)) == "to-book"


async def test_a_choice_that_the_desk_recorded_is_seen_and_taken_back_and_anothers_is_not(db: Database) -> None:
    task = await crossings.to_book(db)
    patient, other = await patient_of(db, task), (await diary.patients(db))[7]
    named = {"act": "reading", "organization": "cabinet-creteil", "said_by": "patient"}
    mine, theirs = [await diary.act(db, diary.NURSE, journeys.oppose, one, **named) for one in (patient, other)]
    async with in_front(db, task) as holder:
        page = (await holder.sees("/choix")).text
        assert mine in page
        assert theirs not in page
        assert (await holder.acts(f"/choix/{theirs}/fin", shown="/choix")).status_code == 404
        assert (await holder.acts(f"/choix/{mine}/fin", shown="/choix")).status_code == 303
        assert mine not in (await holder.sees("/choix")).text


async def test_an_agreement_opens_the_record_until_it_is_taken_back(db: Database, clock: FixedClock) -> None:
    task = await crossings.to_book(db)
    patient = await patient_of(db, task)
    until = f"{clock.now() + timedelta(days=30):%Y-%m-%d}"

    async def opened() -> bool:
        async with db.transaction(SYSTEM) as tx:
            return await choices.consents_to(tx, patient, "cabinet-creteil")

    async with in_front(db, task) as holder:
        page = (await holder.sees("/accord")).text
        assert "selected" not in page, "nothing is chosen beforehand"
        assert (await holder.acts("/accord", shown="/accord", lieu="cabinet-creteil")).status_code == 422
        assert (await holder.acts("/accord", shown="/accord", lieu="cabinet-creteil", jusque="2020-01-01")).status_code == 422
        assert not await opened()
        assert (await holder.acts("/accord", shown="/accord", lieu="cabinet-creteil", jusque=until)).status_code == 303
        assert await opened()
        [given] = re.findall(r"/choix/([^/]+)/fin", (await holder.sees("/choix")).text)
        assert (await holder.acts(f"/choix/{given}/fin", shown="/choix")).status_code == 303
        assert not await opened()


async def test_who_looked_at_the_request_is_named_and_nothing_of_the_rest_of_the_record(db: Database) -> None:
    task = await crossings.to_book(db)
    patient = await patient_of(db, task)
    async with db.transaction(requests.person("dr-canari", requests.HOSPITAL, "medecin")) as tx:
        await record.audit(tx, "R", "Observation", "autre", patient=patient, verb="read")
    async with in_front(db, task) as holder:
        page = (await holder.sees("/acces")).text
    assert "Hôpital" in page or "Percy" in page
    assert "dr-canari" not in page
    assert "Pour voir tous les accès" in page


async def test_a_patient_sees_what_the_link_opens_and_not_even_the_rest_of_the_own_record(db: Database, clock: FixedClock) -> None:
    mine = await requests.letter_sent(db, clock)
    other = await crossings.to_book(db, patient=1)
    actor = await actor_of(db, mine)
    async with db.transaction(actor) as tx:
        assert (await referrals.visible_task(tx, mine))["id"] == mine
        for hidden in (other, "nothing"):
            with pytest.raises(NotFound):
                await referrals.visible_task(tx, hidden)
        seen = await tx.fetch("SELECT DISTINCT patient_id FROM referral_task")
        assert [row["patient_id"] for row in seen] == [actor.id], "the second wall, whatever SELECT is sent"
        for kind in ("DocumentReference", "ServiceRequest", "QuestionnaireResponse", "Encounter"):
            ids = [row["id"] for row in await tx.fetch("SELECT id FROM resource_head WHERE res_type = $1 ORDER BY id", kind)]
            assert ids, kind
            assert await record.existing(tx, kind, ids, visible_to(actor, kind)) == set(), "a letter asks for a stronger sign-in"
        assert [row["patient_id"] for row in await booking.appointments(tx)] in ([], [actor.id])


async def test_the_second_wall_lets_a_patient_write_nothing(db: Database) -> None:
    slots = await crossings.slots(db)
    task = await crossings.booked(db, slots[0]["id"])
    actor = await actor_of(db, task)
    for statement in (
        "UPDATE appointment SET cancel_comment = 'x'",
        "UPDATE referral_task SET comment = 'x'",
        "INSERT INTO opposition SELECT 'x', $1, 'reading', 'general', NULL, NULL, NULL, NULL, 'patient', now(), NULL, now(), 'x', '', '{}'",
    ):
        with pytest.raises(NotAllowed) as refusal:
            async with db.transaction(actor) as tx:
                await tx.execute(statement, *([actor.id] if "$1" in statement else []))
        assert refusal.value.reason == "second-wall"
    async with db.transaction(actor) as tx:
        for table in ("patient_code", "patient_link", "patient_visit", "outbox", "notice"):
            assert await tx.fetchval(f"SELECT count(*) FROM {table}") == 0, table


async def test_every_page_of_the_house_is_shut_to_a_patients_browser(db: Database) -> None:
    task = await crossings.to_book(db)
    async with in_front(db, task) as holder:
        for page in PAGES:
            if page.method != "GET" or page.public or page.patient or page.bare:
                continue
            answer = await holder.client.get(filled(page.path, id=task))
            assert (answer.status_code, answer.headers.get("location", "").startswith("/connexion")) == (303, True), page.path


async def test_an_emergency_access_is_told_and_shown_alone(db: Database) -> None:
    task = await crossings.to_book(db)
    patient = await patient_of(db, task)
    doctor = Actor("person", "dr-garde", (diary.CENTRE,), frozenset({"medecin"}), "role-garde", display="Dr Garde", assurance="eidas2")
    glass = await diary.act(db, doctor, journeys.break_glass, patient, reason="vital", explanation="Arrêt cardiaque au centre.")
    token = await make.link_to(db, patient, "BreakGlass", glass.id)
    given = await make.given(db, crossings.PLANNER, "Task", task)
    async with make.browsing(db) as holder:
        await holder.opens(token, await make.born(db, patient), given.code)
        first = await holder.sees()
        assert first.headers["location"] == f"{holder.page}/acces"
        page = (await holder.sees("/acces")).text
        assert "Dr Garde" in page
        assert "accès d’urgence" in page
        assert task not in page
        assert (await holder.sees("/dates")).status_code == 404
