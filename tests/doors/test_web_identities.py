"""« Identités »: who is in charge compares two files, merges them, takes it back; nobody else opens these pages."""

from __future__ import annotations

from typing import Any

import pytest
from tests.factories import referrals as requests
from tests.support.web import make_door, patient_of, territory, visiting

from maillage import journeys, record
from maillage.codes import systems
from maillage.codes.json import decode
from maillage.kernel.actor import SYSTEM
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
HOME = "cms-clamart-soins"
LIST = "/patients/identites"
DESK = requests.person("vernois-colette", HOME, "secretaire", role_id="clamart-secretaire-vernois")


async def twin_of(db: Database, patient: str) -> str:
    """The same person registered a second time, without INS and with another telephone."""
    async with db.transaction(SYSTEM) as tx:
        whole: dict[str, Any] = decode(await record.current(tx, "Patient", patient))
    kept = {key: value for key, value in whole.items() if key not in ("id", "meta", "identifier")}
    kept["extension"] = [one for one in whole["extension"] if one["url"] != systems.EXT_IDENTITY_RELIABILITY]
    kept["telecom"] = [{"system": "phone", "value": "01 99 00 98 76"}]
    async with db.transaction(DESK) as tx:
        return await journeys.register_patient(tx, kept, mode="test")


async def test_two_files_are_compared_merged_and_taken_apart_again(db: Database) -> None:
    patient = patient_of(HOME)
    twin = await twin_of(db, patient)
    first, second = sorted((patient, twin))
    page = f"{LIST}/{first}/{second}"
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        assert LIST in (await visitor.get("/patients")).text
        assert page in (await visitor.get(LIST)).text
        shown = await visitor.get(page)
        assert "01 99 00 98 76" in shown.text.replace("\u202f", " ").replace("\u00a0", " ")
        assert "Des traits diffèrent" not in shown.text
        unread = await visitor.post(f"{page}/fusion", {"kept": patient}, shown=page)
        assert (unread.status_code, "J’ai comparé les cinq traits" in unread.text) == (422, True)
        done = await visitor.post(f"{page}/fusion", {"kept": patient, "confirmed": "true", "_key": "two"}, shown=page)
        assert (done.status_code, done.headers["location"]) == (303, f"{LIST}?fait=merge")
        listed = (await visitor.get(LIST)).text
        assert page not in listed
        assert f"{LIST}/{twin}/annulation" in listed
        assert f'href="/patients/{patient}">le dossier conservé' in (await visitor.get(f"/patients/{twin}")).text
        undone = await visitor.post(f"{LIST}/{twin}/annulation", {"_key": "three"}, shown=LIST)
        assert (undone.status_code, undone.headers["location"]) == (303, f"{LIST}?fait=unmerge")
        apart = await visitor.post(f"{page}/distincts", {"_key": "four"}, shown=page)
        assert apart.headers["location"] == f"{LIST}?fait=keep-apart"
        assert page not in (await visitor.get(LIST)).text


async def test_a_refusal_is_said_and_nobody_else_opens_the_pages(db: Database) -> None:
    patient = patient_of(HOME)
    twin = await twin_of(db, patient)
    page = f"{LIST}/{patient}/{twin}"
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        refused = await visitor.post(f"{page}/fusion", {"kept": twin, "confirmed": "true"}, shown=page)
        assert refused.status_code == 409
        assert "Conservez le dossier dont l’identité est qualifiée" in refused.text
        assert (await visitor.get(f"{LIST}/{patient}/unknown")).status_code == 404
    async with visiting(make_door(db), "medecin-clamart") as visitor:
        answers = [await visitor.get(path) for path in (LIST, page)]
        assert [one.status_code for one in answers] == [403, 403]
        assert LIST not in (await visitor.get("/patients")).text
        assert (await visitor.post(f"{page}/fusion", {"kept": patient, "confirmed": "true"})).status_code == 403
