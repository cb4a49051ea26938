"""Lists longer than any page: what is counted is what is shown, to the end, for the services of each person."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from tests.conftest import LIMITS, MONDAY
from tests.factories import referrals as make
from tests.support import postgres
from tests.support.web import Visitor, make_door, visiting

from maillage import demonstration, directory, referrals
from maillage.kernel.clock import FixedClock
from maillage.store import Database, Transaction

pytestmark = pytest.mark.asyncio
MANY, LATE, DERMATOLOGY, PAGE = 207, 3, "percy-dermatologie", 50
OTHER_CASE = "other-problem"


async def crowd(dsn: str) -> None:
    """Fill: more open requests for one service than any list shows at once, the oldest already late, then one for another service."""
    await postgres.create(dsn)
    clock = FixedClock(MONDAY - timedelta(days=10))
    database = await postgres.open_both(dsn, clock, limits=LIMITS)
    home = f"Organization/{make.CENTRE}"
    try:
        await demonstration.load(database, patients=16, seed=2026)
        patient = next(one["id"] for one in directory.generate_patients(2026, 16) if one["managingOrganization"]["reference"] == home)
        async with database.transaction(make.GP) as tx:
            await ask(tx, patient, make.SERVICE, LATE)
        clock.set(MONDAY)
        async with database.transaction(make.GP, timeout=120) as tx:
            await ask(tx, patient, make.SERVICE, MANY - LATE)
            await ask(tx, patient, DERMATOLOGY, 1)
            await ask(tx, patient, make.SERVICE, 1, sends=False)
    finally:
        await database.close()


FILL = crowd


async def ask(tx: Transaction, patient: str, service: str, times: int, *, sends: bool = True) -> None:
    form = await make.form(tx, service)
    for _ in range(times):
        request = await referrals.create_request(tx, patient_id=patient, service_ids=[service], requester_role_id="clamart-mg-isambert")
        await referrals.save_form(tx, request, items=form, status="completed")
        if sends:
            [task] = await referrals.tasks_of(tx, request)
            await referrals.send(tx, task["id"], **make.SEND, duplicate_reason=OTHER_CASE)


async def counted(visitor: Visitor, title: str, path: str = "/") -> tuple[int, int]:
    """What the tile of a list says: how many, how many late."""
    page = (await visitor.get(path)).text
    found = re.search(rf"<strong>(\d+)</strong><span>{title}</span>(?:<em>(\d+) en retard</em>)?", page)
    assert found, title
    return int(found[1]), int(found[2] or 0)


def listed(page: str) -> list[str]:
    """The requests of a list, in its order."""
    return re.findall(r'<th scope="row">\s*<(?:a href|form action)="/demandes/([^"/#]+)', page)


async def test_a_service_sees_its_one_request_behind_two_hundred_of_another(db: Database) -> None:
    async with visiting(make_door(db), "dermatologie-percy") as visitor:
        assert await counted(visitor, "À trier") == (1, 0)
        assert len(listed((await visitor.get("/")).text)) == 1
        assert len(listed((await visitor.get("/listes/to-triage")).text)) == 1
        assert await counted(visitor, "À trier", "/?tout=1") == (MANY + 1, LATE)


async def test_the_count_is_the_list_to_its_end(db: Database) -> None:
    async with visiting(make_door(db), "hge-percy") as visitor:
        assert await counted(visitor, "À trier") == (MANY, LATE)
        path, seen = "/listes/to-triage", []
        for first in range(1, MANY, PAGE):
            page = (await visitor.get(path)).text
            last = min(first + PAGE - 1, MANY)
            assert f"{first} à {last} sur {MANY}" in page.replace("\xa0", " ")
            assert f"{LATE} en retard" in page
            seen += listed(page)
            path = leads_to(page, "suivante")
            assert bool(path) == (last < MANY), "every page but the last leads on"
    assert len(seen) == len(set(seen)) == MANY


def leads_to(page: str, where: str) -> str:
    """The address of the next or the previous page; nothing when there is none."""
    found = re.search(rf'href="([^"]+)"[^>]*>(?:<[^>]+>|\s)*Page {where}', page)
    return html.unescape(found[1]) if found else ""


async def test_one_goes_back_to_the_page_that_one_saw(db: Database) -> None:
    async with visiting(make_door(db), "hge-percy") as visitor:
        first = (await visitor.get("/listes/to-triage")).text
        second = (await visitor.get(leads_to(first, "suivante"))).text
        assert f"51 à 100 sur {MANY}" in second.replace("\xa0", " ")
        again = (await visitor.get(leads_to(second, "précédente"))).text
        assert listed(again) == listed(first)
        assert f"1 à {PAGE} sur {MANY}" in again.replace("\xa0", " ")
        assert leads_to(again, "précédente") == ""


async def test_a_place_is_its_readers_alone_on_one_list(db: Database) -> None:
    async with visiting(make_door(db), "hge-percy") as visitor:
        begins = (await visitor.get("/listes/to-triage")).text
        onwards = leads_to(begins, "suivante")
        changed = onwards[:-4] + ("AAAA" if onwards[-4:] != "AAAA" else "BBBB")
        for asked in ("/listes/to-triage?depuis=x", "/listes/to-triage?page=3", changed, onwards.replace("to-triage", "letters-owed")):
            answer = await visitor.get(asked)
            assert answer.status_code == 200, asked
            assert listed(answer.text) == (listed(begins) if "to-triage" in asked else []), asked
    async with visiting(make_door(db), "referent-hge") as visitor:
        assert listed((await visitor.get(onwards)).text) == listed((await visitor.get("/listes/to-triage")).text)


async def test_the_whole_house_is_paged_like_its_services(db: Database) -> None:
    async with visiting(make_door(db), "dermatologie-percy") as visitor:
        onwards = leads_to((await visitor.get("/listes/to-triage?tout=1")).text, "suivante")
        page = (await visitor.get(onwards)).text
        assert f"51 à 100 sur {MANY + 1}" in page.replace("\xa0", " ")
        assert "tout=1" in leads_to(page, "suivante")


async def test_a_requester_counts_everything_that_was_sent(db: Database) -> None:
    async with visiting(make_door(db), "medecin-clamart") as visitor:
        assert (await counted(visitor, "Chez le service"))[0] == MANY + 1
        assert await counted(visitor, "À compléter") == (1, 0)
        page = (await visitor.get("/")).text.replace("\xa0", " ")
        assert f"10 sur {MANY + 1}" in page


async def test_everybody_whose_name_is_listed_is_in_the_audit_trail(db: Database) -> None:
    async with visiting(make_door(db), "dermatologie-percy") as visitor:
        await visitor.get("/listes/to-triage")
    async with db.trail.transaction(make.PLANNER) as tx:
        rows = await tx.fetch("SELECT DISTINCT x.patient_id FROM audit_event e, audit_shown(e) x WHERE e.verb = 'worklist' ORDER BY 1")
    assert len(rows) == 1


NOTICE = r'action="(/notifications/Task/[^"]+)"'


async def test_notifications_are_counted_and_paged_to_their_end(db: Database) -> None:
    async with visiting(make_door(db), "hge-percy") as visitor:
        home = (await visitor.get("/")).text.replace("\xa0", " ")
        awaiting = re.search(r"12 sur (\d+)\. <a href=\"/notifications\"", home)
        assert awaiting, "the twelve latest, of how many"
        total, seen = int(awaiting[1]), set()
        path, pages = "/notifications", []
        while path and len(pages) < total:
            pages.append((await visitor.get(path)).text)
            assert f"sur {total}" in pages[-1].replace("\xa0", " ")
            seen |= set(re.findall(NOTICE, pages[-1]))
            path = leads_to(pages[-1], "suivante")
        assert len(seen) == total >= MANY
        again = (await visitor.get(leads_to(pages[2], "précédente"))).text
        assert re.findall(NOTICE, again) == re.findall(NOTICE, pages[1])
        # What is read on the first page takes nothing from the second
        for notice in re.findall(NOTICE, pages[0])[:3]:
            await visitor.post(notice, shown="/notifications")
        second = (await visitor.get(leads_to(pages[0], "suivante"))).text
        assert re.findall(NOTICE, second) == re.findall(NOTICE, pages[1])
        assert f"48 à 97 sur {total - 3}" in second.replace("\xa0", " ")
        # A place opens for its reader alone
        changed = leads_to(pages[0], "suivante")[:-4] + "AAAA"
        assert f"1 à {PAGE} sur" in (await visitor.get(changed)).text.replace("\xa0", " ")
        await visitor.post("/notifications/lues", shown="/")
        assert "Rien de nouveau" in (await visitor.get("/")).text
