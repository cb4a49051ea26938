"""What was entered in error, through vread and history of the door: kept, and masked for every caller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from tests.doors.fhir.conftest import caller, token
from tests.factories import referrals as make

from maillage import referrals
from maillage.doors.fhir import FhirDoor
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
SECRETS = ("douleurs abdominales", "CRP", "70 kg")


async def in_error(db: Database) -> Sequence[str]:
    """A request that was asked about, answered, then found to be of the wrong patient; its resources as `Type/id`."""
    task = await make.info_received(db)
    request = (await make.request_of(db, task))["id"]
    form = (await make.photograph(db, "ServiceRequest", request))["supportingInfo"][0]["reference"]
    [child] = await make.children(db, task, "provide-information")
    await make.act(db, make.GP, referrals.enter_in_error, task, reason="wrong-patient")
    return (f"ServiceRequest/{request}", form, f"Task/{task}", f"Task/{child['id']}")


@pytest.mark.parametrize("organization", [make.CENTRE, make.HOSPITAL])
async def test_no_older_version_says_what_the_last_does_not(db: Database, door: FhirDoor, organization: str) -> None:
    async with caller(door, await token(db, organization, organization)) as client:
        for address in await in_error(db):
            history = await client.get(f"/fhir/{address}/_history")
            assert history.status_code == 200
            assert not any(secret in history.text for secret in SECRETS), address
            resources: list[dict[str, Any]] = [entry["resource"] for entry in history.json()["entry"]]
            assert len(resources) > 1
            for resource in resources:
                version = resource["meta"]["versionId"]
                one = await client.get(f"/fhir/{address}/_history/{version}")
                assert (one.status_code, one.headers["etag"]) == (200, f'W/"{version}"')
                assert one.json() == resource
                assert resource["status"] == resources[0]["status"]
            labels = [[label["code"] for label in resource["meta"].get("security", [])] for resource in resources]
            assert labels == [[], *[["MASKED"]] * (len(resources) - 1)]


async def test_the_history_of_a_type_masks_too(db: Database, door: FhirDoor) -> None:
    await in_error(db)
    async with caller(door, await token(db, make.HOSPITAL, make.HOSPITAL)) as client:
        for path in ("_history", "ServiceRequest/_history", "Task/_history?_since=2020", "QuestionnaireResponse/_history?_at=2026"):
            answer = await client.get(f"/fhir/{path}", params={"_count": "200"} if "?" not in path else {})
            assert answer.status_code == 200
            entries = [
                entry for entry in answer.json()["entry"] if "/HealthcareService/" not in entry["fullUrl"]
            ]  # a service asks for a CRP
            assert len(entries) > 1
            assert not any(secret in str(entries) for secret in SECRETS), path


async def test_a_stranger_still_finds_nothing(db: Database, door: FhirDoor) -> None:
    addresses = await in_error(db)
    async with caller(door, await token(db, "elsewhere", "cabinet-creteil")) as client:
        for address in addresses:
            for path in (address, f"{address}/_history", f"{address}/_history/1"):
                assert (await client.get(f"/fhir/{path}")).status_code == 404
