"""No byte of another organisation comes out: behind both walls, behind the second alone, behind the first alone (ADR 0009).

Switching a wall off is done here, by hand: no setting of the program does it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from tests.conftest import LIMITS
from tests.doors.fhir.conftest import Caller, caller, token
from tests.doors.fhir.test_visibility import ABSENT, CANARY
from tests.support import postgres

from maillage.access.queries import VisibleTo
from maillage.doors.fhir import FhirDoor
from maillage.record.types import SERVED
from maillage.store import Database

pytestmark = pytest.mark.asyncio
MODES = ("both", "second-alone", "first-alone")


@dataclass(frozen=True)
class Outsider:
    """Somebody of another organisation, in front of what was planted."""

    client: Caller
    hidden: dict[str, str]
    seen: str


async def plant(theirs: Caller) -> dict[str, str]:
    """A patient with resources of several types, all of whose texts hold the canary: type to id."""
    patient = await theirs.make(
        {
            "resourceType": "Patient",
            "identifier": [{"system": f"urn:{CANARY}", "value": CANARY}],
            "name": [{"family": CANARY, "given": [CANARY]}],
            "birthDate": "1970-01-01",
            "gender": "female",
        }
    )
    made = {"Patient": patient["id"]}
    about, coded = {"reference": f"Patient/{patient['id']}"}, {"text": CANARY, "coding": [{"code": CANARY}]}
    more: dict[str, dict[str, Any]] = {
        "Observation": {"status": "final", "code": coded, "subject": about},
        "Condition": {"code": coded, "subject": about},
        "Procedure": {"status": "completed", "code": coded, "subject": about},
        "Basic": {"code": coded, "subject": about},
        "Communication": {"status": "completed", "category": [coded], "subject": about, "payload": [{"contentString": CANARY}]},
    }
    for kind, fields in more.items():
        if kind in SERVED:
            made[kind] = (await theirs.make({"resourceType": kind, **fields}))["id"]
    return made


@pytest_asyncio.fixture(params=MODES)
async def outsider(request: pytest.FixtureRequest, db: Database, dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Outsider]:
    """An outsider behind the walls of this mode."""
    async with caller(FhirDoor(db, mode="test"), await token(db, "theirs", "org-b")) as theirs:
        hidden = await plant(theirs)
    here = db
    if request.param in ("first-alone", "none"):
        here = await Database.open(postgres.owner(dsn), db.clock, limits=LIMITS, connection_class=postgres.ShufflingConnection)
    if request.param in ("second-alone", "none"):
        monkeypatch.setattr(VisibleTo, "sql", lambda _self, _alias, _params: "true")
    try:
        async with caller(FhirDoor(here, mode="test"), await token(db, "ours", "org-a")) as ours:
            about = {"reference": f"Patient/{(await ours.make({'resourceType': 'Patient', 'name': [{'family': 'mienne'}]}))['id']}"}
            pointing = {"derivedFrom": [{"reference": f"Observation/{hidden['Observation']}"}], "subject": about}
            seen = await ours.make({"resourceType": "Observation", "status": "final", "code": {"text": "mienne"}, **pointing})
            yield Outsider(ours, hidden, seen["id"])
    finally:
        if here is not db:
            await here.close()


def silent(answer: httpx.Response, asked: str) -> None:
    """Not a byte of the canary in status line, headers or body, beyond what the question itself said."""
    said = f"{answer.status_code} {answer.reason_phrase} {dict(answer.headers)} {answer.text}"
    if CANARY in asked:
        links = [link["url"] for link in answer.json().get("link", [])]
        for url in links:
            said = said.replace(url, "")
    assert CANARY not in said, (asked, said[:400])


async def test_no_read_tells(outsider: Outsider) -> None:
    for kind, id in outsider.hidden.items():
        for path in ("{}", "{}/_history", "{}/_history/1"):
            here = await outsider.client.get(f"/fhir/{kind}/{path.format(id)}")
            absent = await outsider.client.get(f"/fhir/{kind}/{path.format(ABSENT)}")
            silent(here, "")
            assert (here.status_code, here.content) == (absent.status_code, absent.content), (kind, path)
    for path in ("$everything", "Observation"):
        silent(await outsider.client.get(f"/fhir/Patient/{outsider.hidden['Patient']}/{path}"), "")


async def test_no_list_tells(outsider: Outsider) -> None:
    patient, observation = outsider.hidden["Patient"], outsider.hidden["Observation"]
    queries = [f"{kind}?_count=200&_total=accurate" for kind in outsider.hidden]
    queries += [f"{kind}/_history" for kind in outsider.hidden]
    queries += [
        "_history",
        f"Patient?family={CANARY}",
        f"Patient?identifier={CANARY}&_summary=count",
        f"Patient?_id={patient}&_elements=name",
        "Patient?_sort=family&_revinclude=Observation:subject&_revinclude=Provenance:target",
        f"Patient?_has:Observation:patient:code={CANARY}",
        f"Observation?subject:Patient.family={CANARY}",
        f"Observation?subject:Patient.identifier={CANARY}",
        f"Observation?derived-from:Observation.code={CANARY}",
        f"Observation?_id={outsider.seen}&_include=Observation:derived-from&_include:iterate=Observation:subject",
        f"Observation?patient={patient}",
        f"Observation/$lastn?patient={patient}",
        f"Observation/$lastn?patient={patient}&code={CANARY}&max=5",
        f"Observation/$lastn?subject:Patient.family={CANARY}",
        f"Provenance?target=Observation/{observation}",
        f"AuditEvent?patient=Patient/{patient}",
    ]
    for query in queries:
        answer = await outsider.client.get(f"/fhir/{query}")
        assert answer.status_code == 200, (query, answer.text)
        silent(answer, query)
        bundle = answer.json()
        shown = {entry["resource"]["id"] for entry in bundle.get("entry", []) if "resource" in entry}
        assert not shown & set(outsider.hidden.values()), query
        if query.startswith("Patient?") and (CANARY in query or patient in query):
            assert bundle["total"] == 0, query


async def test_no_bundle_and_no_match_tells(outsider: Outsider) -> None:
    urls = [("GET", f"{kind}/{id}") for kind, id in outsider.hidden.items()]
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": method, "url": url}} for method, url in urls]}
    answer = await outsider.client.post("/fhir", json=batch)
    silent(answer, "")
    assert {entry["response"]["status"] for entry in answer.json()["entry"]} == {"404"}
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {
                "name": "resource",
                "resource": {
                    "resourceType": "Patient",
                    "name": [{"family": CANARY, "given": [CANARY]}],
                    "birthDate": "1970-01-01",
                    "gender": "female",
                },
            }
        ],
    }
    matched = await outsider.client.post("/fhir/Patient/$match", json=parameters)
    assert outsider.hidden["Patient"] not in matched.text
    silent(matched, "")


async def test_nothing_of_theirs_is_changed(outsider: Outsider, db: Database) -> None:
    for kind, id in outsider.hidden.items():
        body = {"resourceType": kind, "id": id}
        for answer in (
            await outsider.client.put(f"/fhir/{kind}/{id}", json=body, headers={"if-match": 'W/"1"'}),
            await outsider.client.delete(f"/fhir/{kind}/{id}", headers={"if-match": 'W/"1"'}),
        ):
            silent(answer, "")
            assert 400 <= answer.status_code < 500, (kind, answer.text)
    async with caller(FhirDoor(db, mode="test"), await token(db, "theirs", "org-b")) as theirs:
        for kind, id in outsider.hidden.items():
            assert (await theirs.get(f"/fhir/{kind}/{id}")).json()["meta"]["versionId"] == "1"


@pytest.mark.parametrize("outsider", ["none"], indirect=True)
async def test_without_walls_everything_comes_out(outsider: Outsider) -> None:
    """What the tests above look for is there to be found: each of them would fail if no wall stood."""
    for kind, id in outsider.hidden.items():
        assert CANARY in (await outsider.client.get(f"/fhir/{kind}/{id}")).text, kind
    assert (await outsider.client.get(f"/fhir/Patient?family={CANARY}")).json()["total"] == 1
