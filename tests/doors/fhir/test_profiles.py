"""Profiles at the door: claimed on a write, asked with `$validate`; what is not loaded never blocks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.doors.fhir.conftest import Caller, caller, token
from tests.support.packages import package

from maillage.codes.definitions import Definitions
from maillage.codes.packages import read_package
from maillage.doors.fhir import FhirDoor
from maillage.store import Database

pytestmark = pytest.mark.asyncio

NAMED = "https://example.org/fhir/StructureDefinition/named"
PROFILE = {
    "resourceType": "StructureDefinition",
    "id": "named",
    "url": NAMED,
    "version": "2.0.0",
    "name": "Named",
    "status": "active",
    "kind": "resource",
    "abstract": False,
    "type": "Basic",
    "derivation": "constraint",
    "snapshot": {
        "element": [
            {"id": "Basic", "path": "Basic", "min": 0, "max": "*"},
            {"id": "Basic.author", "path": "Basic.author", "min": 1, "max": "1"},
            {
                "id": "Basic.code",
                "path": "Basic.code",
                "min": 1,
                "max": "1",
                "binding": {"strength": "extensible", "valueSet": "http://hl7.org/fhir/ValueSet/administrative-gender"},
            },
        ]
    },
}
AUTHOR = {"display": "Dr A"}


@pytest_asyncio.fixture
async def door(db: Database) -> FhirDoor:
    return FhirDoor(db, mode="test", definitions=Definitions([read_package(package([PROFILE]))]))


@pytest_asyncio.fixture
async def us(door: FhirDoor) -> AsyncIterator[Caller]:
    async with caller(door, await token(door.db, "us", "org-a")) as made:
        yield made


def basic(*profiles: str, **more: Any) -> dict[str, Any]:
    meta = {"meta": {"profile": list(profiles)}} if profiles else {}
    return {"resourceType": "Basic", "code": {"text": "x"}, **meta, **more}


def reasons(outcome: dict[str, Any]) -> set[tuple[str, str]]:
    return {(issue["severity"], issue["details"]["coding"][0]["code"]) for issue in outcome["issue"]}


async def test_a_write_keeps_to_the_profile_that_it_claims(us: Caller) -> None:
    refused = await us.post("/fhir/Basic", json=basic(f"{NAMED}|2.0.0"))
    assert (refused.status_code, reasons(refused.json())) == (422, {("error", "profile-required")})
    assert refused.json()["issue"][0]["expression"] == ["Basic.author"]
    made = await us.make(basic(NAMED, author=AUTHOR))
    worse = {**made, "author": None, "code": {"text": "y"}}
    del worse["author"]
    changed = await us.put(f"/fhir/Basic/{made['id']}", json=worse, headers={"if-match": 'W/"1"'})
    assert changed.status_code == 422


async def test_a_warning_of_a_profile_does_not_block(us: Caller) -> None:
    coded = {"coding": [{"system": "urn:x", "code": "x"}]}
    answer = await us.post("/fhir/Basic", json=basic(NAMED, author=AUTHOR, code=coded))
    assert answer.status_code == 201
    assert "profile-code-other Basic.code" in answer.headers["x-warnings"]


async def test_a_profile_that_is_not_loaded_never_blocks(us: Caller) -> None:
    made = await us.post("/fhir/Basic", json=basic("https://example.org/fhir/StructureDefinition/nobody"))
    assert (made.status_code, "x-warnings" in made.headers) == (201, False)
    told = await us.post("/fhir/Basic/$validate", json=basic("https://example.org/fhir/StructureDefinition/nobody"))
    assert reasons(told.json()) == {("information", "profile-unknown")}


async def test_validate_asks_for_a_profile_in_the_url_or_in_parameters(us: Caller) -> None:
    in_url = await us.post(f"/fhir/Basic/$validate?profile={NAMED}", json=basic())
    parameters = [
        {"name": "resource", "resource": basic()},
        {"name": "profile", "valueCanonical": NAMED},
        {"name": "mode", "valueCode": "profile"},
    ]
    inside = await us.post("/fhir/Basic/$validate", json={"resourceType": "Parameters", "parameter": parameters})
    assert in_url.json() == inside.json()
    assert reasons(in_url.json()) == {("error", "profile-required")}
    fine = await us.post(f"/fhir/$validate?profile={NAMED}", json=basic(author=AUTHOR))
    assert reasons(fine.json()) == {("information", "valid")}


async def test_modes_of_validate(us: Caller, theirs: Caller) -> None:
    made = await us.make(basic())
    url = f"/fhir/Basic/{made['id']}/$validate"
    assert reasons((await us.post(f"{url}?mode=update", json=made)).json()) == {("information", "valid")}
    assert reasons((await us.post(f"{url}?mode=update", json={**made, "id": "other"})).json()) == {("error", "id-differs")}
    assert reasons((await us.post(f"{url}?mode=delete")).json()) == {("information", "valid")}
    assert (await theirs.post(f"{url}?mode=delete")).status_code == 404
    for bad in ("?mode=wish", "?mode=profile"):
        assert (await us.post(f"/fhir/Basic/$validate{bad}", json=basic())).status_code == 400
    assert (await us.post("/fhir/Basic/$validate?mode=update", json=basic())).status_code == 400


async def test_the_stored_resource_is_validated_when_none_is_sent(us: Caller) -> None:
    made = await us.make(basic())
    told = await us.post(f"/fhir/Basic/{made['id']}/$validate?profile={NAMED}")
    assert reasons(told.json()) == {("error", "profile-required")}


async def test_the_capabilities_name_the_profiles_that_were_added(us: Caller) -> None:
    told = {one["type"]: one.get("supportedProfile") for one in (await us.get("/fhir/metadata")).json()["rest"][0]["resource"]}
    assert (told["Basic"], told["Task"]) == ([NAMED], None)
