"""What leaves the screen: the agenda link without any name, the lists for an outage, the convocation as a tagged PDF."""

from __future__ import annotations

import io
import re
from typing import Any

import pikepdf
import pytest
import pytest_asyncio
from tests.factories import booking as diary
from tests.factories import referrals as make
from tests.journeys.conftest import opened_territory
from tests.journeys.people import patient_of
from tests.support import postgres
from tests.support.hostile_markup import forms
from tests.support.web import Visitor, make_door, visiting

from maillage import booking, directory
from maillage.access.feeds import LASTS
from maillage.codes.json import encode_text
from maillage.doors.web.booking.convocation import BRING, drawn
from maillage.doors.web.calendars import escaped, folded
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.period import day_in_paris
from maillage.store import Database

DERMATOLOGY = "percy-dermatologie"


@pytest_asyncio.fixture
async def dsn(cluster: postgres.TestCluster) -> str:
    """The same database as the journeys': places, people and sessions, no request yet."""
    return await cluster.database("opened_territory", opened_territory)


async def visit(db: Database) -> tuple[dict[str, Any], Any]:
    """A patient of the centre with an appointment there."""
    patient = patient_of("cms-clamart-soins")
    async with db.transaction(SYSTEM) as tx:
        slots = await booking.find_slots(tx, services=[DERMATOLOGY], priority="routine", limit=30)
    free = next(slot for slot in slots if slot["location_id"] == "site-clamart-soins")
    row = await diary.booked(db, free["id"], patient["id"], actor=make.GP)
    return patient, row


async def make_link(visitor: Visitor, **answers: str) -> str:
    page = await visitor.post("/agenda", answers, shown="/agenda")
    [address] = re.findall(r"/agenda/[0-9a-f]{64}/vacations\.ics", page.text)
    return str(address)


@pytest.mark.asyncio
async def test_the_agenda_link_names_nobody_and_opens_without_a_session(db: Database) -> None:
    patient, _ = await visit(db)
    door = make_door(db)
    async with visiting(door, "gestionnaire-clamart") as host:
        address = await make_link(host)
        assert "Aucun lien" not in (await host.get("/agenda")).text
        assert address not in (await host.get("/agenda")).text, "a link is shown once"
    async with visiting(door) as anybody:
        feed = await anybody.get(address)
        assert (feed.status_code, feed.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
        other = f"{address[:8]}{'0' if address[8] != '0' else '1'}{address[9:]}"
        assert (await anybody.get(other)).status_code == 404
    lines = feed.content.decode().split("\r\n")
    assert (lines[0], lines[-2]) == ("BEGIN:VCALENDAR", "END:VCALENDAR")
    assert all(len(line.encode()) <= 75 for line in lines)
    assert lines.count("BEGIN:VEVENT") == lines.count("END:VEVENT") >= 4
    whole = feed.content.decode().replace("\r\n ", "")
    assert "SUMMARY:Vacation\\, Dermatologie" in whole
    assert re.search(r"Places prises\s: 1 sur \d+", whole)
    async with db.transaction(SYSTEM) as tx:
        people = {
            role.display.rpartition(" ")[2]
            for service in await directory.services(tx)
            for role in await directory.roles_of_service(tx, service.id)
        }
    assert not [name for name in (patient["name"][0]["family"], *people) if name.lower() in whole.lower()]


@pytest.mark.asyncio
async def test_a_link_ends_with_its_owner_its_place_or_its_age(db: Database, dsn: str, clock: FixedClock) -> None:
    door = make_door(db)
    async with visiting(door, "dermatologie-percy") as doctor, visiting(door) as anybody:
        address = await make_link(doctor, site="site-clamart-soins")
        own = (await anybody.get(address)).text
        assert own.count("BEGIN:VEVENT") < (await feed_of_the_house(door)).count("BEGIN:VEVENT")
        [id] = re.findall(r'action="/agenda/([^/"]+)/fin"', (await doctor.get("/agenda")).text)
        assert (await doctor.post(f"/agenda/{id}/fin", shown="/agenda")).status_code == 303
        assert (await anybody.get(address)).status_code == 404
        address = await make_link(doctor)
        await postgres.as_owner(dsn, "UPDATE account SET disabled = true WHERE login = 'dermatologie-percy'")
        assert (await anybody.get(address)).status_code == 404
        await postgres.as_owner(dsn, "UPDATE account SET disabled = false WHERE login = 'dermatologie-percy'")
        assert (await anybody.get(address)).status_code == 200
        for _ in range(4):
            await make_link(doctor)
        assert (await doctor.post("/agenda", {}, shown="/agenda")).status_code == 409
        clock.advance(LASTS)
        assert (await anybody.get(address)).status_code == 404


async def feed_of_the_house(door: Any) -> str:
    async with visiting(door, "planification-percy") as planner, visiting(door) as anybody:
        return str((await anybody.get(await make_link(planner))).text)


@pytest.mark.asyncio
async def test_one_vacation_is_an_event(db: Database) -> None:
    async with db.transaction(SYSTEM) as tx:
        row = (await booking.sessions(tx, start=tx.now, end=tx.now.replace(year=tx.now.year + 1)))[0]
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        one = await visitor.get(f"/vacations/{row['id']}/vacation.ics")
    assert one.text.count("BEGIN:VEVENT") == 1
    assert f"UID:{row['id']}@maillage" in one.text


def test_a_line_is_cut_between_characters_and_a_text_begins_no_line() -> None:
    line = "DESCRIPTION:" + "é" * 200
    cut = folded(line)
    assert all(len(part.encode()) <= 75 for part in cut.split("\r\n"))
    assert cut.replace("\r\n ", "").removesuffix("\r\n") == line
    assert escaped("a;b,c\\d\r\nBEGIN:VEVENT\rx") == "a\\;b\\,c\\\\d\\nBEGIN:VEVENT\\nx"


@pytest.mark.asyncio
async def test_the_lists_for_an_outage_hold_what_a_desk_needs_and_each_look_is_written(db: Database) -> None:
    patient, row = await visit(db)
    day = day_in_paris(row["starts_at"])
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        page = (await visitor.get(f"/accueil/secours?jour={day}")).text
        empty = (await visitor.get("/accueil/secours?jour=2031-01-01")).text
    assert patient["name"][0]["family"].upper() in page
    assert patient["birthDate"].split("-")[0] in page
    assert "Aucun rendez-vous" in empty
    async with db.trail.transaction(SYSTEM) as tx:
        looks = await tx.fetch("SELECT res_id, patient_id FROM audit_event WHERE verb = 'print' ORDER BY res_id")
    assert [(look["res_id"], look["patient_id"]) for look in looks] == [(row["id"], patient["id"])]


@pytest.mark.asyncio
async def test_the_convocation_is_a_tagged_pdf_for_a_booked_visit_alone(db: Database) -> None:
    _, row = await visit(db)
    path = f"/rendez-vous/{row['id']}/convocation.pdf"
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        assert path in (await visitor.get(f"/rendez-vous/{row['id']}")).text
        letter = await visitor.get(path)
        assert letter.headers["content-type"] == "application/pdf"
        assert letter.headers["content-disposition"] == 'inline; filename="convocation.pdf"'
        await diary.act(db, diary.PLANNER, booking.cancel, row["id"], side="patient", reason="transport")
        assert (await visitor.get(path)).status_code == 409
    is_universal(letter.content)


def is_universal(content: bytes, most: int = 1) -> None:
    """Tagged, titled, in French, and said to be PDF/UA-1 (ISO 14289-1, 5 and 7.1)."""
    with pikepdf.open(io.BytesIO(content)) as made:
        root = made.Root
        assert bool(root.MarkInfo.Marked)
        assert "/StructTreeRoot" in root
        assert str(root.Lang).startswith("fr")
        assert bool(root.ViewerPreferences.DisplayDocTitle)
        with made.open_metadata() as told:
            assert told["pdfuaid:part"] == "1"
            assert told["dc:title"]
        assert 1 <= len(made.pages) <= most


def test_what_stands_in_a_letter_is_never_read_as_its_language() -> None:
    typeset = ("#panic(1)", '#read("/etc/passwd")', "$x$", "= Titre", '#import "@preview/x:0.1.0"', "\\", "]", "*gras*", "<a>", "@b")
    for text in (*typeset, *forms()[::9]):
        told = dict.fromkeys(("title", "demo", "sender", "sender_phone", "patient", "birth", "moment", "place", "with", "foot"), text)
        told |= dict.fromkeys(("bring_title", "cannot_title", "cannot"), text)
        is_universal(drawn(encode_text({**told, "bring": [text] * len(BRING)})), most=3)
