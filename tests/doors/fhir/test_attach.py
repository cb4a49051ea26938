"""`Task/[id]/$attach`: software joins a file to what it just wrote, checked like one that a page was given."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.doors.fhir.conftest import Caller, caller, token
from tests.factories import booking as diary
from tests.factories import referrals as requests
from tests.support.hostile_files import SECRET, gps_photo, pdf, pdf_with_script, png

from maillage import journeys
from maillage.doors.fhir import FhirDoor
from maillage.settings import DataSettings, ServerSettings, Settings
from maillage.store import Database

pytestmark = pytest.mark.asyncio
FILL = diary.territory


@pytest_asyncio.fixture
async def door(db: Database, tmp_path: Path) -> FhirDoor:
    settings = Settings(data=DataSettings(folder=tmp_path), server=ServerSettings(body_limit=10_000))
    return FhirDoor(db, operations=journeys.OPERATIONS, intake=journeys.INTAKE, mode="test", settings=settings)


@pytest_asyncio.fixture
async def centre(door: FhirDoor) -> AsyncIterator[Caller]:
    async with caller(door, await token(door.db, "centre", requests.CENTRE)) as made:
        yield made


@pytest_asyncio.fixture
async def hospital(door: FhirDoor) -> AsyncIterator[Caller]:
    async with caller(door, await token(door.db, "hospital", requests.HOSPITAL)) as made:
        yield made


def asked(data: bytes | str, *, part: str = "answer", kind: str = "image/png", title: str = "radio.png") -> dict[str, Any]:
    text = data if isinstance(data, str) else base64.b64encode(data).decode()
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "part", "valueCode": part},
            {"name": "title", "valueString": title},
            {"name": "content-type", "valueCode": kind},
            {"name": "content", "valueBase64Binary": text},
        ],
    }


async def attach(who: Caller, task: str, body: dict[str, Any], **headers: str) -> Any:
    etag = (await who.get(f"/fhir/Task/{task}")).headers.get("etag", 'W/"1"')
    return await who.post(f"/fhir/Task/{task}/$attach", json=body, headers={"if-match": etag, **headers})


async def test_a_photo_goes_with_an_answer_without_its_place(db: Database, centre: Caller, hospital: Caller) -> None:
    task = await requests.info_received(db)
    photo = gps_photo()
    done = await attach(centre, task, asked(photo, kind="image/jpeg", title="lésion.jpg"), **{"idempotency-key": "1"})
    assert done.status_code == 201, done.text
    document = done.json()
    assert document["resourceType"] == "DocumentReference"
    found = (await hospital.get(f"/fhir/Binary/{document['id']}")).json()
    assert SECRET not in base64.b64decode(found["data"])
    again = await centre.post(
        f"/fhir/Task/{task}/$attach",
        json=asked(photo, kind="image/jpeg", title="lésion.jpg"),
        headers={"if-match": done.request.headers["if-match"], "idempotency-key": "1"},
    )
    assert again.json()["id"] == document["id"]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (asked("pas du base64 !"), 400, "parameter-value"),
        (asked(png(), kind="application/pdf"), 422, "attachment-differs"),
        (asked(b"MZ" + b"\0" * 200, kind="image/png"), 422, "attachment-type"),
        (asked(pdf_with_script(), kind="application/pdf", title="a.pdf"), 422, "attachment-unsafe"),
        (asked(png(), part="autre"), 400, "parameter-code"),
        (asked(png(), part="letter"), 403, "not-for-this-party"),
    ],
    ids=["no-base64", "another-type", "programme", "script", "no-such-part", "the-other-side"],
)
async def test_what_is_wrong_is_said(db: Database, centre: Caller, body: dict[str, Any], status: int, reason: str) -> None:
    task = await requests.info_received(db)
    answer = await attach(centre, task, body)
    assert (answer.status_code, answer.json()["issue"][0]["details"]["coding"][0]["code"]) == (status, reason), answer.text


async def test_a_file_goes_with_what_was_just_written(db: Database, centre: Caller, hospital: Caller) -> None:
    task = await requests.opened(db)
    answer = await attach(centre, task, asked(png()))
    assert (answer.status_code, answer.json()["issue"][0]["details"]["coding"][0]["code"]) == (409, "not-in-table")
    stale = await hospital.post(f"/fhir/Task/{task}/$attach", json=asked(png(), part="letter"))
    assert stale.status_code == 428
    assert (await attach(hospital, "nowhere", asked(png(), part="letter"))).status_code == 404


async def test_a_file_may_be_longer_than_another_body(db: Database, centre: Caller) -> None:
    task = await requests.info_received(db)
    text = b"Compte rendu. " * 2000
    assert (await attach(centre, task, asked(text, kind="text/plain", title="cr.txt"))).status_code == 201
    form = {"resourceType": "Parameters", "parameter": [{"name": "text", "valueString": "x" * 20_000}]}
    assert (await centre.post(f"/fhir/Task/{task}/$insist", json=form)).status_code == 413


async def test_a_letter_may_be_a_pdf(db: Database, hospital: Caller) -> None:
    task = await requests.to_book(db)
    etag = (await hospital.get(f"/fhir/Task/{task}")).headers["etag"]
    letter = base64.b64encode(pdf()).decode()
    asked_for = [{"name": "document", "valueBase64Binary": letter}, {"name": "title", "valueString": "Compte rendu"}]
    body = {"resourceType": "Parameters", "parameter": asked_for}
    done = await hospital.post(f"/fhir/Task/{task}/$send-outcome", json=body, headers={"if-match": etag})
    assert done.status_code == 200, done.text
    found = (await hospital.get(f"/fhir/DocumentReference?related=Task/{task}")).json()["entry"][0]["resource"]
    assert found["content"][0]["attachment"]["contentType"] == "application/pdf"
