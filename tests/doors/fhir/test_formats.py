"""Every kind of answer in both formats: the XML of an answer is valid R4 and says what its JSON says; HEAD answers with the headers of GET."""

from __future__ import annotations

from typing import Any

import pytest
from tests.doors.fhir.conftest import Caller
from tests.doors.fhir.test_xml import same

from maillage.codes import r4
from maillage.codes.json import decode, encode
from maillage.doors.fhir import xml

pytestmark = pytest.mark.asyncio

VARY = {"x-request-id", "content-length", "content-type", "date"}


async def addresses(ours: Caller) -> list[str]:
    patient = await ours.make(
        {
            "resourceType": "Patient",
            "identifier": [{"system": "urn:x", "value": "1"}],
            "name": [{"family": "Lef\u00e8vre", "text": "<&>\"'"}],
        }
    )
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": f"Patient/{patient['id']}"},
        "valueQuantity": {"value": 4, "unit": "kg"},
        "_status": {"extension": [{"url": "http://x/y", "valueString": "z"}]},
    }
    made = await ours.make(observation)
    gone = await ours.make(observation)
    await ours.delete(f"/fhir/Observation/{gone['id']}", headers={"if-match": 'W/"1"'})
    return [
        "metadata",
        f"Patient/{patient['id']}",
        f"Patient/{patient['id']}/_history/1",
        f"Patient/{patient['id']}/_history",
        f"Patient/{patient['id']}?_elements=name",
        "_history",
        "Patient",
        "Patient?family=lef&_revinclude=Observation:subject",
        "Observation?colour=red&_include=Observation:subject&_total=accurate",
        "Observation?_summary=count",
        "AuditEvent",
        f"Patient/{patient['id']}/$meta",
        f"Observation/{made['id']}",
        f"Observation/{gone['id']}",
        "Observation?_count=many",
        "Nothing/1",
        "Patient/$nothing",
    ]


async def test_both_formats_say_the_same(ours: Caller) -> None:
    paths = await addresses(ours)
    for path in paths:
        await ours.get(f"/fhir/{path}")  # what reads leave in the audit trail is there before the comparison
    for path in paths:
        if path == "AuditEvent":
            continue  # each reading of the trail adds to it
        as_json = await ours.get(f"/fhir/{path}")
        as_xml = await ours.get(f"/fhir/{path}", headers={"accept": "application/fhir+xml"})
        assert as_json.status_code == as_xml.status_code, path
        assert r4.validate(decode(as_json.content)) == [], path
        assert as_xml.headers["content-type"] == "application/fhir+xml; charset=utf-8", path
        assert same(xml.read(as_xml.content), decode(as_json.content)), path
    trail = xml.read((await ours.get("/fhir/AuditEvent?_format=xml")).content)
    assert r4.validate(trail) == []
    assert len(trail["entry"]) > 10


async def test_a_head_has_the_headers_of_the_get(ours: Caller) -> None:
    for path in await addresses(ours):
        for accept in ("application/fhir+json", "application/fhir+xml"):
            got = await ours.get(f"/fhir/{path}", headers={"accept": accept})
            head = await ours.head(f"/fhir/{path}", headers={"accept": accept})
            assert (head.status_code, head.content) == (got.status_code, b""), path
            assert head.headers["content-type"] == got.headers["content-type"], path
            assert {k: v for k, v in head.headers.items() if k not in VARY} == {k: v for k, v in got.headers.items() if k not in VARY}, path


async def test_an_operation_and_a_bundle_in_xml(ours: Caller) -> None:
    headers = {"content-type": "application/fhir+xml", "accept": "application/fhir+xml"}
    basic: dict[str, Any] = {"resourceType": "Basic", "code": {"text": "x"}}
    told = await ours.post(
        "/fhir/Basic/$validate",
        content=xml.write(encode({"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": basic}]})),
        headers=headers,
    )
    assert (told.status_code, xml.read(told.content)["resourceType"]) == (200, "OperationOutcome")
    entries = [{"request": {"method": "POST", "url": "Basic"}, "resource": basic}, {"request": {"method": "GET", "url": "Basic/none"}}]
    for kind, status in (("batch", 200), ("transaction", 404)):
        answer = await ours.post(
            "/fhir", content=xml.write(encode({"resourceType": "Bundle", "type": kind, "entry": entries})), headers=headers
        )
        assert answer.status_code == status, answer.text
        assert r4.validate(xml.read(answer.content)) == []
    parts = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "Basic.code.text"},
        {"name": "value", "valueString": "y"},
    ]
    patch = xml.write(encode({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}))
    made = await ours.make(basic)
    patched = await ours.patch(f"/fhir/Basic/{made['id']}", content=patch, headers={**headers, "if-match": 'W/"1"'})
    assert xml.read(patched.content)["code"] == {"text": "y"}
