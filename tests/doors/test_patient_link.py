"""A patient's link over the real pages: what it opens, what it never opens, and what happens to guesses."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from tests.factories import booking as diary
from tests.factories import crossings
from tests.factories import patients as make
from tests.support.web import hidden

from maillage import booking
from maillage.access import patient_link
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import NotFound
from maillage.store import Database

FILL = crossings.territory
pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("light_hashes")]
HEALTH = re.compile(r"dermato|consultation|m[ée]decin|h[oô]pital|sant[ée]|soin|maladie|percy", re.IGNORECASE)


async def booked(db: Database, patient: int = 0) -> tuple[Any, make.journeys.Given, str]:
    """A booked request of dermatology, the link and code that the office gave, and the patient's birth date."""
    slots = await crossings.slots(db) if not patient else await free_slots(db)
    task = await crossings.booked(db, slots[patient]["id"], patient=patient)
    given = await make.given(db, crossings.PLANNER, "Task", task)
    return await crossings.visit(db, task), given, await make.born(db, given.patient)


async def free_slots(db: Database) -> list[Any]:
    async with db.transaction(SYSTEM) as tx:
        return await tx.fetch("SELECT id FROM slot ORDER BY starts_at, id")


async def test_a_link_opens_the_request_and_its_patient_cancels_there(db: Database) -> None:
    visit, given, born = await booked(db)
    async with make.browsing(db) as holder:
        answer = await holder.opens(given.token, born, given.code)
        assert (answer.status_code, holder.page.startswith("/suivi/")) == (303, True)
        page = await holder.sees()
        assert page.status_code == 200
        assert "Vous avez un rendez-vous." in page.text
        assert "Annuler le rendez-vous" in page.text
        assert "tel:0" in page.text, "the number to call"
        why = await holder.sees("/annuler")
        assert "Je suis malade" in why.text
        done = await holder.acts("/annuler", shown="/annuler", reason="ill")
        assert (done.status_code, done.headers["location"]) == (303, f"{holder.page}?fait=own-cancel")
        after = await holder.sees()
        assert "Il faut une nouvelle date." in after.text
    assert await crossings.stands(db, visit["task_id"], visit["slot_id"]) == ("to-rebook", None, "free")
    row = await diary.row(db, "appointment", visit["id"])
    assert (row["status"], row["cancel_side"], row["cancel_reason"]) == ("cancelled", "patient", "ill")
    await crossings.check(db)


async def test_what_the_patient_did_and_saw_is_in_the_trail_under_the_patients_own_name(db: Database) -> None:
    visit, given, born = await booked(db)
    async with make.browsing(db) as holder:
        await holder.opens(given.token, born, given.code)
        await holder.sees()
        await holder.acts("/venir")
    async with db.trail.transaction(SYSTEM) as tx:
        rows = await tx.fetch(
            "SELECT verb, subtype, purpose, actor_id, patient_id FROM audit_event WHERE actor_kind = 'patient' ORDER BY at, seq"
        )
    assert {(row["actor_id"], row["patient_id"], row["purpose"]) for row in rows} == {(given.patient, given.patient, "PATRQT")}
    assert {"patient-link-opened", "read", "confirm"} <= {row["verb"] for row in rows}
    assert (await diary.row(db, "appointment", visit["id"]))["confirmed_at"] is not None


@pytest.mark.parametrize("wrong", ["code", "birth"])
async def test_a_wrong_answer_opens_nothing_and_says_not_which(db: Database, wrong: str) -> None:
    _, given, born = await booked(db)
    other = "000000" if given.code != "000000" else "111111"
    async with make.browsing(db) as holder:
        answer = await holder.opens(given.token, "1931-01-01" if wrong == "birth" else born, other if wrong == "code" else given.code)
        assert (answer.status_code, holder.page) == (422, "")
        assert "La date de naissance ou le code n’est pas le bon." in answer.text
        assert given.code not in answer.text
        assert (await holder.opens(given.token, born, given.code)).status_code == 303, "the link is not spent by a slip"


async def test_a_link_serves_once_and_an_old_one_not_at_all(db: Database, clock: FixedClock) -> None:
    _, given, born = await booked(db)
    async with make.browsing(db) as holder:
        assert (await holder.opens(given.token, born, given.code)).status_code == 303
    async with make.browsing(db) as other:
        again = await other.client.get(f"/p/{given.token}")
        assert again.status_code == 404
        unknown = await other.client.get(f"/p/{'x' * 24}")
        same = [re.sub(r'value="[^"]*"|/p/[^/"]+', "", page.text) for page in (again, unknown)]
        assert same[0] == same[1], "a used link and one that never was look alike"
        assert (await other.opens(given.token, born, given.code)).status_code != 303
    second = await make.given(db, crossings.PLANNER, "Task", (await free_task(db)))
    clock.advance(timedelta(days=30))
    async with make.browsing(db) as late:
        assert (await late.client.get(f"/p/{second.token}")).status_code == 404


async def free_task(db: Database) -> str:
    async with db.transaction(SYSTEM) as tx:
        return str(await tx.fetchval("SELECT id FROM referral_task ORDER BY id LIMIT 1"))


async def test_guesses_are_slowed_then_the_code_is_taken_away(db: Database, clock: FixedClock) -> None:
    _, given, born = await booked(db)
    wrong = "000000" if given.code != "000000" else "111111"
    async with make.browsing(db) as holder:
        answers = [(await holder.opens(given.token, born, wrong)).status_code for _ in range(7)]
        assert answers == [422, 422, 422, 422, 422, 429, 429], "after five of them each guess waits, twice as long each time"
        while await held_code(db, given.patient):
            clock.advance(timedelta(minutes=15))
            answers.append((await holder.opens(given.token, born, wrong)).status_code)
        assert answers.count(422) == 10
        clock.advance(timedelta(minutes=15))
        assert (await holder.opens(given.token, born, given.code)).status_code == 422, "even the right one: somebody has to give another"
        page = await holder.client.get(f"/p/{given.token}")
        assert "Vous n’avez pas encore de code." in page.text
    async with db.trail.transaction(SYSTEM) as tx:
        refused = await tx.fetchval("SELECT count(*) FROM audit_event WHERE verb = 'patient-link-refused' AND outcome = '4'")
    assert refused == answers.count(422) + 1


async def held_code(db: Database, patient: str) -> bool:
    async with db.transaction(SYSTEM) as tx:
        return await patient_link.has_code(tx, patient)


async def test_one_patients_page_is_closed_to_everybody_else(db: Database) -> None:
    """Another patient's page, another browser, another cookie, a colleague's pages: each of them is shut."""
    visit, given, born = await booked(db)
    other_visit, other, other_born = await booked(db, patient=1)
    assert given.patient != other.patient
    async with make.browsing(db) as one, make.browsing(db) as two:
        await one.opens(given.token, born, given.code)
        await two.opens(other.token, other_born, other.code)
        stolen = await two.client.get(one.page)
        assert stolen.status_code == 401
        assert "Cette page s’est fermée." in stolen.text
        assert given.patient not in stolen.text
        own = (await one.sees()).text
        assert other.patient not in own
        for path in ("/", "/patients", f"/patients/{given.patient}", f"/rendez-vous/{visit['id']}", f"/demandes/{visit['task_id']}"):
            answer = await one.client.get(path)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/connexion"), path
        crossed = await one.client.post(f"{two.page}/annuler", data=hidden(await one.sees()) | {"reason": "ill"}, headers=make.SAME_SITE)
        assert crossed.status_code == 401
    assert (await diary.row(db, "appointment", other_visit["id"]))["status"] == "booked"


async def test_the_page_closes_after_a_quarter_of_an_hour_and_when_the_patient_says_so(db: Database, clock: FixedClock) -> None:
    visit, given, born = await booked(db)
    async with make.browsing(db) as holder:
        await holder.opens(given.token, born, given.code)
        clock.advance(timedelta(minutes=14))
        assert (await holder.sees()).status_code == 200
        clock.advance(timedelta(minutes=1))
        assert (await holder.sees()).status_code == 401
    second = await make.given(db, crossings.PLANNER, "Appointment", visit["id"])
    assert second.code == "", "the patient has one already"
    async with make.browsing(db) as holder:
        await holder.opens(second.token, born, given.code)
        assert "La page est fermée" in (await holder.acts("/fermer")).text
        assert (await holder.sees()).status_code == 401


async def test_no_address_title_or_header_says_anything_of_health(db: Database) -> None:
    _, given, born = await booked(db)
    async with make.browsing(db) as holder:
        pages = [await holder.client.get(f"/p/{given.token}"), await holder.opens(given.token, born, given.code)]
        pages += [await holder.sees(path) for path in ("", "/annuler", "/dates")]
    for page in pages:
        title = "".join(re.findall(r"<title>(.*?)</title>", page.text))
        said = [str(page.url), title, page.headers.get("location", ""), page.headers.get("set-cookie", "")]
        assert not [text for text in said if HEALTH.search(text)], page.url
        assert given.patient not in "".join(said)
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"


async def test_accesses_that_were_taken_back_open_nothing(db: Database) -> None:
    visit, given, born = await booked(db)
    second = await make.given(db, crossings.PLANNER, "Appointment", visit["id"])
    async with make.browsing(db) as holder:
        await holder.opens(given.token, born, given.code)
        await diary.act(db, crossings.PLANNER, make.journeys.take_access_back, "Appointment", visit["id"])
        assert (await holder.sees()).status_code == 401
        assert (await holder.client.get(f"/p/{second.token}")).status_code == 404


async def test_an_office_that_does_not_see_the_request_gives_no_link(db: Database) -> None:
    _, given, _ = await booked(db)
    with pytest.raises(NotFound):
        await make.given(db, diary.STRANGER, "Task", await free_task(db))
    assert given.token


async def test_a_patient_moves_to_another_free_date(db: Database) -> None:
    visit, given, born = await booked(db)
    async with make.browsing(db) as holder:
        await holder.opens(given.token, born, given.code)
        dates = await holder.sees("/dates")
        [chosen, *_] = re.findall(r'name="slot" value="([^"]+)"', dates.text)
        assert (await holder.acts("/dates", shown="/dates", slot=chosen)).status_code == 303
        taken = await holder.acts("/dates", shown="/dates", slot=visit["slot_id"], _version="1")
        assert taken.status_code == 412, "a page that is older than the present state says so"
        assert "Entre-temps" in taken.text or "La situation a changé" in taken.text
    row = await diary.row(db, "appointment", visit["id"])
    assert (row["slot_id"], row["moved"]) == (chosen, 1)
    await crossings.check(db)


async def test_a_place_of_the_waiting_list_is_taken_or_refused_by_one_tap(db: Database, clock: FixedClock) -> None:
    slots = await crossings.slots(db)
    task = await crossings.waiting(db)
    async with db.transaction(SYSTEM) as tx:
        await booking.run_clock(tx)
    await crossings.tick(db, clock, clock.now() + timedelta(minutes=1))
    visit = await waiting_visit(db, task)
    if visit["status"] != "pending":
        freed = await diary.booked(db, slots[0]["id"], (await diary.patients(db))[5])
        await diary.act(db, diary.PLANNER, booking.cancel, freed["id"], reason="ill", side="hospital")
        await crossings.tick(db, clock, clock.now() + timedelta(minutes=1))
        visit = await waiting_visit(db, task)
    assert visit["status"] == "pending"
    given = await make.given(db, crossings.PLANNER, "Appointment", visit["id"])
    async with make.browsing(db) as holder:
        await holder.opens(given.token, await make.born(db, given.patient), given.code)
        page = await holder.sees()
        assert "Une date vous est proposée" in page.text
        assert "C’est à vous de répondre." in page.text
        looks = [re.findall(rf'class="([^"]+)" type="submit"><span>{said}', page.text) for said in ("Oui, je prends", "Non, merci")]
        assert looks[0], page.text
        assert looks[0] == looks[1], "yes and no look the same"
        assert (await holder.acts("/oui")).status_code == 303
        assert "Vous avez un rendez-vous." in (await holder.sees()).text
    assert await crossings.state(db, task) == "booked"
    await crossings.check(db)


async def waiting_visit(db: Database, task: str) -> Any:
    async with db.transaction(SYSTEM) as tx:
        return await tx.fetchrow("SELECT * FROM appointment WHERE task_id = $1 ORDER BY created_at DESC LIMIT 1", task)
