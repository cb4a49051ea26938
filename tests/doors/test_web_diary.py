"""The diary's pages form by form: every verb that a person plays has a page, wrong answers come back, others are told no."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.web import make_door, territory, visiting

from maillage import booking, journeys
from maillage.doors.web.booking import recurrence
from maillage.doors.web.catalogue import sentences
from maillage.doors.web.forms import Field, Reader
from maillage.doors.web.presenters import day_at, euros, long_date
from maillage.doors.web.view import Values
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import Invalid
from maillage.store import Database

FILL = territory
NEW = "/planification/nouvelle?service=percy-hge&lieu=site-clamart-soins"
VACATION: dict[str, Any] = {
    "service": "percy-hge",
    "site": "site-clamart-soins",
    "practitioner-role": "clamart-hge-castanier",
    "room": "clamart-soins-salle-vacation-2",
    "rhythm": "WEEKLY/2",
    "days": ["MO", "TH"],
    "starts": "14:00",
    "ends": "17:00",
    "valid-from": "2026-03-02",
    "slot-minutes": "20",
    "reserved-asap": "1",
    "share-1-organization": "cds-montgeron",
    "share-1-slots": "2",
    "share-1-at-most": "3",
    "closed-on-holidays": "true",
}
OWN_PAGE = {
    ("Slot", "find"): "/patients/{id:id}/rendez-vous",
    ("Slot", "hold"): "/patients/{id:id}/rendez-vous",
    ("Slot", "book"): "/patients/{id:id}/rendez-vous",
    ("Appointment", "hold"): "/patients/{id:id}/rendez-vous",
    ("Appointment", "join-waitlist"): "/patients/{id:id}/attente",
    ("Schedule", "create-vacation"): "/planification/nouvelle",
    ("Schedule", "update-vacation"): "/planification/{id:id}/modifier",
    ("Schedule", "add-exception"): "/planification/{id:id}/exceptions",
    ("Schedule", "plan"): "/planification/{id:id}/planifier",
}
"""The verbs that don't start from one session or one appointment; the others are the buttons of these two pages."""


def test_every_verb_of_a_person_has_its_page_and_its_sentence(db_door_paths: set[str]) -> None:
    played = {verb for table in booking.TABLES for line in table.transitions if line.by != {"SY"} for verb in (line.verb,)}
    offered = {(one.type, one.name) for one in journeys.OPERATIONS if one.type in ("Slot", "Appointment", "Schedule")}
    assert played <= {name for _, name in offered}
    buttons = {(kind, name) for kind, name in offered - OWN_PAGE.keys() if name != "available-actions"}
    assert {name for kind, name in buttons} <= played
    assert {"/vacations/{id:id}/actes/{verb:id}", "/rendez-vous/{id:id}/actes/{verb:id}", *OWN_PAGE.values()} <= db_door_paths
    spoken = {name for _, name in offered} - {"available-actions", "find", "hold"}
    assert sorted(name for name in spoken if f"done.{name}" not in sentences()) == []


@pytest.fixture
def db_door_paths() -> set[str]:
    from maillage.doors.web.areas import PAGES

    return {page.path for page in PAGES}


@pytest.mark.parametrize(
    ("rrule", "said"),
    [
        ("FREQ=WEEKLY;INTERVAL=1;BYDAY=TU", "chaque mardi"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", "lundi et jeudi, une semaine sur deux"),
        ("FREQ=WEEKLY;INTERVAL=6;BYDAY=WE", "mercredi, une semaine sur 6"),
        ("FREQ=MONTHLY;INTERVAL=1;BYDAY=1MO", "premier lundi du mois"),
        ("FREQ=MONTHLY;INTERVAL=1;BYDAY=-1FR", "dernier vendredi du mois"),
        ("FREQ=MONTHLY;INTERVAL=3;BYDAY=2TU", "deuxième mardi, un mois sur 3"),
    ],
)
def test_a_recurrence_is_said_and_asked_in_french(rrule: str, said: str) -> None:
    assert recurrence.words(rrule) == said
    rhythm, days = recurrence.answers(rrule)
    assert rhythm == recurrence.AS_IT_IS or recurrence.rule(rhythm, days) == rrule


def test_a_rule_that_the_form_cannot_say_stays_as_it_is() -> None:
    assert recurrence.answers("FREQ=MONTHLY;INTERVAL=1;BYDAY=1MO,3MO") == (recurrence.AS_IT_IS, ["MO", "MO"])
    assert recurrence.answers("FREQ=WEEKLY;INTERVAL=6;BYDAY=WE")[0] == recurrence.AS_IT_IS


@pytest.mark.parametrize(("written", "cents"), [("1250,50", 125050), ("1 250,5 €", 125050), ("900", 90000), ("0", 0), ("", None)])
def test_an_amount_is_read_in_euros(written: str, cents: int | None) -> None:
    assert Reader(Values([("cost", written)])).read(Field("cost", "Coût", "euros")) == cents


@pytest.mark.parametrize("written", ["douze", "-3", "1,234", "1e3"])
def test_an_amount_that_is_none_is_refused(written: str) -> None:
    reader = Reader(Values([("cost", written)]))
    reader.read(Field("cost", "Coût", "euros"))
    with pytest.raises(Invalid, match="bad-amount"):
        reader.done()


def test_the_first_of_a_month_is_an_ordinal() -> None:
    first = datetime(2026, 10, 1, 7, tzinfo=UTC)
    assert long_date(first).replace("\u00a0", " ") == "jeudi 1er octobre 2026"
    assert day_at(first + timedelta(days=10)).replace("\u00a0", " ") == "dim. 11 oct. 2026 à 9 h 00"
    assert euros(125050).replace("\u00a0", " ").replace("\u202f", " ") == "1 250,50 €"


@pytest.mark.asyncio
async def test_a_planner_makes_a_vacation_with_shares(db: Database) -> None:
    async with visiting(make_door(db), "planification-percy") as visitor:
        made = await visitor.post("/planification/nouvelle", VACATION, shown=NEW)
        found = re.fullmatch(r"/planification/([^?]+)\?fait=create-vacation", made.headers["location"])
        assert found
        page = await visitor.get(f"/planification/{found[1]}")
        assert "une semaine sur deux" in page.text
        changed = {**VACATION, "share-1-organization": "", "share-1-slots": "", "share-1-at-most": "", "closed-on-holidays": ""}
        shown = f"/planification/{found[1]}/modifier"
        assert (await visitor.post(shown, changed, shown=shown)).status_code == 303
    async with db.transaction(SYSTEM) as tx:
        row = await booking.get_vacation(tx, found[1])
        assert (row["rrule"], row["reserved_asap"], row["closed_on_holidays"]) == ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", 1, False)
        assert await booking.quotas_of(tx, found[1]) == []


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("wrong", "anchor"),
    [
        ({"ends": "14:10"}, "f-ends"),
        ({"starts": ""}, "f-starts"),
        ({"reserved-asap": "9", "reserved-urgent": "9"}, "f-reserved-asap"),
        ({"valid-to": "2026-01-01"}, "f-valid-to"),
        ({"share-2-organization": "cds-montgeron", "share-2-slots": "1"}, "cité deux fois"),
        ({"share-2-slots": "1"}, "f-share-2-organization"),
        ({"room": "elsewhere"}, "f-room-1"),
    ],
)
async def test_a_wrong_answer_comes_back_at_its_field(db: Database, wrong: dict[str, str], anchor: str) -> None:
    async with visiting(make_door(db), "planification-percy") as visitor:
        answer = await visitor.post("/planification/nouvelle", {**VACATION, **wrong}, shown=NEW)
        assert answer.status_code == 422
        assert f'href="#{anchor}"' in answer.text or anchor in answer.text
        assert 'value="14:00"' in answer.text or "starts" in wrong
    async with db.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT count(*) FROM vacation") == 0


@pytest.mark.asyncio
async def test_others_do_not_plan_for_the_hospital(db: Database) -> None:
    async with visiting(make_door(db), "planification-percy") as visitor:
        made = await visitor.post("/planification/nouvelle", VACATION, shown=NEW)
        address = made.headers["location"].partition("?")[0]
    for login in ("medecin-clamart", "gestionnaire-clamart", "planification-chic"):
        async with visiting(make_door(db), login) as visitor:
            assert (await visitor.post("/planification/nouvelle", VACATION, shown="/patients")).status_code == 403
            page = await visitor.get(address)
            assert page.status_code == 200
            assert "Planifier une période" not in page.text
            assert (await visitor.post(f"{address}/arret", shown="/patients")).status_code == 403


@pytest.mark.asyncio
async def test_planning_without_a_convention_says_what_is_missing(db: Database) -> None:
    async with visiting(make_door(db), "planification-percy") as visitor:
        made = await visitor.post("/planification/nouvelle", VACATION, shown=NEW)
        address = made.headers["location"].partition("?")[0]
        answer = await visitor.post(f"{address}/planifier", {"start": "2026-03-09", "end": "2026-04-09"}, shown=address)
        assert answer.status_code == 409
        assert "Aucune convention en vigueur" in answer.text
        assert 'value="2026-04-09"' in answer.text


@pytest.mark.asyncio
async def test_the_town_gives_no_slot_of_a_service_that_triages(db: Database) -> None:
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        async with db.transaction(SYSTEM) as tx:
            patient = await tx.fetchval("SELECT id FROM patient WHERE owner_org = 'cms-clamart-soins' ORDER BY id LIMIT 1")
        page = await visitor.get(f"/patients/{patient}/rendez-vous")
        assert "Dermatologie, HIA Percy" in page.text
        assert "Hépato" not in page.text
        shown = f"/patients/{patient}/rendez-vous?service=percy-dermatologie"
        given = await visitor.post(f"/patients/{patient}/rendez-vous", {"service": "percy-hge", "slot": "x", "how": "book"}, shown=shown)
        assert given.status_code == 403
        joined = await visitor.post(f"/patients/{patient}/attente", {"service": "percy-dermatologie", "priority": "urgent"}, shown=shown)
        assert joined.headers["location"] == "/attente?service=percy-dermatologie&fait=join-waitlist"
        assert "prochain" in (await visitor.get("/attente")).text
        again = await visitor.post(f"/patients/{patient}/attente", {"service": "percy-dermatologie"}, shown=shown)
        assert again.status_code in (409, 422)
