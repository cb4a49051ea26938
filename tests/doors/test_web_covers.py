"""Covers by hand: the establishment of a service names who answers in its place and for how long, and ends it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import referrals as make
from tests.support.web import Visitor, make_door, territory, visiting

from maillage import directory, referrals
from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
PATIENTS = [
    one for one in directory.generate_patients(2026, 16) if one["managingOrganization"]["reference"] == f"Organization/{make.CENTRE}"
]
PAGE = f"/services/{make.SERVICE}/relais"
COLLEAGUE = "percy-medecine-interne-montaignac"
WEEK = {"starts-jour": "2026-11-16", "starts-heure": "08:00", "ends-jour": "2026-11-20", "ends-heure": "18:00"}
GIVEN = {"role": COLLEAGUE, "kind": "replacement", "absent": "percy-hge-castanier", **WEEK}


async def named(visitor: Visitor, **changes: str) -> tuple[int, str]:
    answer = await visitor.post(PAGE, {**GIVEN, **changes}, shown=PAGE)
    return answer.status_code, answer.text


async def test_a_planner_names_a_replacement_who_triages_until_it_ends(db: Database, clock: FixedClock) -> None:
    async with visiting(make_door(db), "planification-percy") as planner, visiting(make_door(db), "medecine-interne-percy") as colleague:
        assert "Aucun relais prévu" in (await planner.get(PAGE)).text
        case = await a_request(db)
        assert "Lire la demande" not in (await colleague.get(case)).text
        assert (await named(planner))[0] == 303
        shown = (await planner.get(PAGE)).text
        assert "Dr Ulysse Montaignac" in shown
        assert "Remplace Dr Léo Castanier" in shown
        assert "de relais jusqu’au" in (await colleague.get(f"/services/{make.SERVICE}")).text
        assert "À trier" in (await colleague.get("/")).text
        assert "Lire la demande" in (await colleague.get(case)).text
        # When it is ended at noon, the person reads no more of it
        clock.advance(timedelta(minutes=5))
        cover = shown.partition(f'action="{PAGE}/')[2].partition("/fin")[0]
        assert (await planner.post(f"{PAGE}/{cover}/fin", shown=PAGE)).status_code == 303
        clock.advance(timedelta(minutes=1))
        assert "Aucun relais prévu" in (await planner.get(PAGE)).text
        assert "Lire la demande" not in (await colleague.get(case)).text


async def a_request(db: Database) -> str:
    """The page of a request for the service."""
    async with db.transaction(make.GP) as tx:
        patient = PATIENTS[0]["id"]
        id = await referrals.create_request(tx, patient_id=patient, service_ids=[make.SERVICE], requester_role_id="clamart-mg-isambert")
        await referrals.save_form(tx, id, items=await make.form(tx, make.SERVICE), status="completed")
        [task] = await referrals.tasks_of(tx, id)
        await referrals.send(tx, task["id"], **make.SEND)
    return f"/demandes/{task['id']}"


async def test_a_cover_that_cannot_be_is_refused_at_its_question(db: Database) -> None:
    async with visiting(make_door(db), "planification-percy") as planner:
        for changes, sentence in (
            ({"absent": ""}, "Dites qui est remplacé."),
            ({"kind": ""}, "Choisissez une réponse."),
            ({"ends-jour": "2026-11-15"}, "La fin du relais précède son début"),
            ({"starts-jour": "2026-11-02", "ends-jour": "2026-11-06"}, "Cette période est déjà finie"),
            ({"ends-jour": "2027-06-01"}, "Un relais dure au plus trois mois"),
            ({"role": "clamart-mg-isambert"}, "Choisissez une réponse de la liste."),
        ):
            status, text = await named(planner, **changes)
            assert (status, sentence in text) == (422, True), changes
        assert (await named(planner))[0] == 303
        status, text = await named(planner, **{"starts-jour": "2026-11-19", "ends-jour": "2026-11-23"})
        assert (status, "déjà de relais" in text) == (422, True)


async def test_a_cover_that_has_not_begun_is_taken_back(db: Database) -> None:
    async with visiting(make_door(db), "planification-percy") as planner:
        await named(planner, kind="standby", absent="", **{"starts-jour": "2026-11-18"})
        shown = (await planner.get(PAGE)).text
        assert "Astreinte" in shown
        assert "en cours" not in shown
        cover = shown.partition(f'action="{PAGE}/')[2].partition("/fin")[0]
        await planner.post(f"{PAGE}/{cover}/fin", shown=PAGE)
        assert "Aucun relais prévu" in (await planner.get(PAGE)).text


@pytest.mark.parametrize("login", ["medecin-clamart", "planification-chic", "coordination-seine"])
async def test_another_house_names_no_cover(db: Database, login: str) -> None:
    async with visiting(make_door(db), login) as visitor:
        assert (await visitor.get(PAGE)).status_code == 404
        assert (await visitor.post(PAGE, GIVEN)).status_code == 404
        assert (await visitor.post(f"{PAGE}/anything/fin")).status_code == 404
        assert PAGE not in (await visitor.get(f"/services/{make.SERVICE}")).text
