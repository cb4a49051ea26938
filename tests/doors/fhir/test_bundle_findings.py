"""What a transaction says beside its answers, and where it says that something is wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.doors.fhir.conftest import Caller, caller, token
from tests.factories import referrals as make

from maillage import directory, journeys
from maillage.cli.scenario.referral import referral_bundle
from maillage.cli.scenario.session import SERVICE
from maillage.codes import systems
from maillage.doors.fhir import FhirDoor
from maillage.kernel.actor import SYSTEM
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def town(db: Database) -> AsyncIterator[Caller]:
    door = FhirDoor(db, operations=journeys.OPERATIONS, intake=journeys.INTAKE, mode="test")
    async with caller(door, await token(db, "town", make.CENTRE)) as made:
        yield made


@pytest_asyncio.fixture
async def bundle(db: Database) -> dict[str, Any]:
    async with db.transaction(SYSTEM) as tx:
        canonical = (await directory.get_service(tx, SERVICE)).questionnaire
        return referral_bundle(canonical, await directory.get_questionnaire(tx, canonical))


def place_of(bundle: dict[str, Any], kind: str) -> int:
    return next(place for place, entry in enumerate(bundle["entry"]) if entry["resource"]["resourceType"] == kind)


def findings(answer: Any, place: int) -> list[tuple[str, str, str, list[str]]]:
    outcome = answer.json()["entry"][place]["response"].get("outcome", {"issue": []})
    return [
        (issue["severity"], issue["code"], issue["details"]["coding"][0]["code"], issue.get("expression", [])) for issue in outcome["issue"]
    ]


async def test_a_reference_to_another_entry_is_not_unknown(town: Caller, bundle: dict[str, Any]) -> None:
    answer = await town.post("/fhir", json=bundle)
    assert answer.status_code == 200, answer.text
    assert [findings(answer, place) for place in range(len(bundle["entry"]))] == [[], [], [], []]


async def test_a_reference_to_nothing_is_still_told(town: Caller, bundle: dict[str, Any]) -> None:
    request = place_of(bundle, "ServiceRequest")
    bundle["entry"][request]["resource"]["supportingInfo"].append({"reference": "DocumentReference/nowhere"})
    answer = await town.post("/fhir", json=bundle)
    expected = ("warning", "not-found", "reference-unknown", ["ServiceRequest.supportingInfo[1].reference"])
    assert findings(answer, request) == [expected]


@pytest.mark.parametrize(("system", "severity"), [(systems.INS_TEST, "information"), (systems.INS_NIR, "warning")])
async def test_a_finding_keeps_its_severity_its_code_and_its_place(
    town: Caller, bundle: dict[str, Any], system: str, severity: str
) -> None:
    patient = place_of(bundle, "Patient")
    number = {"use": "official", "system": system, "value": "271040000000099"}
    bundle["entry"][patient]["resource"]["identifier"].append(number)
    answer = await town.post("/fhir", json=bundle)
    assert answer.status_code == 200, answer.text
    assert (severity, "value", "ins-key", ["Patient.identifier[1].value"]) in findings(answer, patient)


def refusals(answer: Any) -> list[tuple[str, str]]:
    return [(issue["details"]["coding"][0]["code"], issue["expression"][0]) for issue in answer.json()["issue"]]


async def test_a_room_that_speaks_of_another_resource_is_pointed_at_the_entry_that_holds_it(town: Caller, bundle: dict[str, Any]) -> None:
    request = place_of(bundle, "ServiceRequest")
    bundle["entry"][request]["resource"].pop("extension")
    answer = await town.post("/fhir", json=bundle)
    assert answer.status_code == 422
    assert ("identity-unconfirmed", f"Bundle.entry[{request}].resource.subject") in refusals(answer)


async def test_what_no_entry_holds_is_said_of_the_entry_that_lacks_it(town: Caller, bundle: dict[str, Any]) -> None:
    form = bundle["entry"].pop(place_of(bundle, "QuestionnaireResponse"))
    request, task = place_of(bundle, "ServiceRequest"), place_of(bundle, "Task")
    bundle["entry"][request]["resource"].pop("supportingInfo")
    answer = await town.post("/fhir", json=bundle)
    assert answer.status_code == 422
    assert form["resource"]["resourceType"] == "QuestionnaireResponse"
    assert {path for _, path in refusals(answer)} <= {f"Bundle.entry[{task}].resource", f"Bundle.entry[{request}].resource"}
    assert any("QuestionnaireResponse.item" in issue.get("diagnostics", "") for issue in answer.json()["issue"])
