"""No page tells of a patient of other houses: behind both walls, behind the second alone, behind the first alone (ADR 0009).

Every page about a patient or a request that has one id in its address is asked, found in the list of pages: a new one is asked too. No page completes
what is typed: a patient is found by the search, which is asked here as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from tests.conftest import LIMITS
from tests.factories import referrals as make
from tests.support import postgres
from tests.support.web import Visitor, make_door, territory, visiting

from maillage import journeys, record, referrals
from maillage.access.queries import VisibleTo
from maillage.doors.web.areas import PAGES
from maillage.kernel.actor import SYSTEM
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
CANARY, ABSENT, BORN = "Canarypages", "00000000-0000-4000-8000-000000000000", "1970-01-01"
THEIRS = make.person("castelbon-aurore", "cabinet-creteil", "medecin", role_id="creteil-mg-castelbon")
ABOUT = ("Patient", "Task", "Consent", "Appointment", "AuditEvent", "DocumentReference")
OF_ONE = sorted(
    {p.path for p in PAGES if p.method == "GET" and not p.public and p.on in ABOUT and p.path.count("{") == 1 and "{id:id}" in p.path}
)
LISTS = ("/", "/accueil", "/accueil/secours", "/attente", "/notifications", "/urgences", "/patients", "/compte/notifications")


@dataclass(frozen=True)
class Outsider:
    """Somebody of another house in front of the pages, and the ids that were planted."""

    visitor: Visitor
    ids: tuple[str, ...]
    patient: str


async def plant(db: Database) -> tuple[str, ...]:
    """A patient, a request with its answers, a result, a link: whatever text can hold it holds the canary; answers their ids."""
    resource = {
        "resourceType": "Patient",
        "name": [{"use": "official", "family": CANARY, "given": [CANARY]}],
        "birthDate": BORN,
        "gender": "female",
        "telecom": [{"system": "email", "value": f"{CANARY}@example.org"}],
    }
    async with db.transaction(THEIRS) as tx:
        patient = await journeys.register_patient(tx, resource)
        role = THEIRS.role_id
        request = await referrals.create_request(tx, patient_id=patient, service_ids=[make.ELSEWHERE], requester_role_id=role)
        form = json.dumps(await make.form(tx, make.ELSEWHERE)).replace(make.TEXT[:20], CANARY)
        await referrals.save_form(tx, request, items=json.loads(form), status="completed")
        task = str((await referrals.tasks_of(tx, request))[0]["id"])
        await referrals.send(tx, task, **make.SEND)
    async with db.transaction(SYSTEM) as tx:
        observation = {"resourceType": "Observation", "id": "canary", "status": "final", "code": {"text": CANARY}}
        await record.first_photograph(tx, observation, patient=patient, owner="cabinet-creteil", parties=["cabinet-creteil"])
    return patient, task, request, "canary"


@pytest_asyncio.fixture(params=["both", "second-alone", "first-alone", "none"])
async def outsider(request: pytest.FixtureRequest, db: Database, dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Outsider]:
    """A doctor of another house behind the walls of this mode; `none` shows that what is looked for is there to be found."""
    ids, here = await plant(db), db
    if request.param in ("first-alone", "none"):
        here = await Database.open(postgres.owner(dsn), db.clock, limits=LIMITS, connection_class=postgres.ShufflingConnection)
    if request.param in ("second-alone", "none"):
        monkeypatch.setattr(VisibleTo, "sql", lambda _self, _alias, _params: "true")
    try:
        async with visiting(make_door(here), "medecin-clamart") as visitor:
            yield Outsider(visitor, ids, "" if request.param == "none" else ids[0])
    finally:
        if here is not db:
            await here.close()


def told(page: str, asked: str) -> str:
    """A page without what was asked for and what differs each time: tokens of forms, numbers of requests."""
    return re.sub(r'value="[^"]{16,}"|data-shown="\d+"|[0-9a-f]{8}-[0-9a-f-]{27}', "", page.replace(asked, ""))


async def test_no_page_of_one_tells(outsider: Outsider) -> None:
    assert {"/patients/{id:id}", "/demandes/{id:id}", "/patients/{id:id}/choix", "/patients/{id:id}/restrictions"} <= set(OF_ONE)
    found: list[str] = []
    for path in OF_ONE:
        absent = await outsider.visitor.get(path.replace("{id:id}", ABSENT))
        for id in outsider.ids:
            page = await outsider.visitor.get(path.replace("{id:id}", id))
            if CANARY in f"{page.headers} {page.text}" or (page.status_code, told(page.text, id)) != (
                absent.status_code,
                told(absent.text, ABSENT),
            ):
                found.append(f"{path} {id}: {page.status_code}, absent {absent.status_code}")
    assert bool(found) is (outsider.patient == ""), found


async def test_no_list_and_no_search_tells(outsider: Outsider) -> None:
    pages = [await outsider.visitor.get(path) for path in LISTS]
    pages += [await outsider.visitor.get(f"/listes/{name}") for name in ("to-triage", "sent-by-us", "letters", "silent", "to-complete")]
    assert {page.status_code for page in pages} <= {200, 403}
    asked = {"family": CANARY, "given": CANARY, "birth_date": "01/01/1970"}
    search = (await outsider.visitor.post("/patients", asked)).text
    record_of = re.search(rf'/patients/{outsider.ids[0]}["?]', search)  # who may break the glass is offered that page, by design
    assert bool(record_of) is (outsider.patient == "")
    assert all(CANARY not in page.text for page in pages) or outsider.patient == ""
