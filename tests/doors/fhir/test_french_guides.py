"""The document guide (PDSm 3.1.1), the care circle (CDS 2.0.1) and the directory (AS 1.2.0): what each takes, refuses and mends."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from tests.doors.fhir.conftest import Caller

pytestmark = pytest.mark.asyncio
JSON_PATCH = {"content-type": "application/json-patch+json"}
ARCHIVED = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived"
WHERE = "/fhir/pdsm/DocumentReference?identifier=urn:ietf:rfc:3986|urn:oid:1.2.3"
AS = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition"


async def document(ours: Caller, **attachment: Any) -> dict[str, Any]:
    patient = await ours.make({"resourceType": "Patient", "name": [{"family": "mienne"}]})
    return {
        "resourceType": "DocumentReference",
        "extension": [{"url": ARCHIVED, "valueBoolean": False}],
        "masterIdentifier": {"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3"},
        "status": "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": "11488-4"}]},
        "subject": {"reference": f"Patient/{patient['id']}"},
        "date": "2026-11-16T09:00:00+01:00",
        "author": [{"display": "Dr Isambert"}],
        "custodian": {"display": "CMS"},
        "content": [{"attachment": {"contentType": "text/plain", "title": "Compte rendu", **attachment}}],
    }


def patch(path: str, value: Any, op: str = "replace") -> list[dict[str, Any]]:
    return [{"op": op, "path": path, "value": value}]


async def test_a_document_is_published_and_three_elements_of_it_change(ours: Caller) -> None:
    made = await ours.post("/fhir/pdsm/DocumentReference", json=await document(ours))
    assert (made.status_code, made.json()["status"]) == (201, "current"), made.text
    steps = [
        (patch("/status", "superseded"), "status", "superseded"),
        (patch("DocumentReference.status", "current "), "status", "current"),
        (patch("extension[0].valueBoolean", "true"), "extension", [{"url": ARCHIVED, "valueBoolean": True}]),
        (patch("/securityLabel", [{"coding": [{"code": "R"}]}], "add"), "securityLabel", [{"coding": [{"code": "R"}]}]),
    ]
    for body, name, value in steps:
        changed = await ours.patch(WHERE, json=body, headers=JSON_PATCH)
        assert (changed.status_code, changed.json().get(name)) == (200, value), changed.text
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
        {"name": "type", "valueCode": "replace"}, {"name": "path", "valueString": "DocumentReference.status"},
        {"name": "value", "valueCode": "superseded"}]}]}  # fmt: skip
    assert (await ours.patch(WHERE, json=parameters)).json()["status"] == "superseded"
    for path, value in (("/description", "autre"), ("/content/0/attachment/title", "autre"), ("/custodian/display", "autre"),
        ("/extension/0/url", "http://autre.example")):  # fmt: skip
        refused = await ours.patch(WHERE, json=patch(path, value, "add"), headers=JSON_PATCH)
        assert (refused.status_code, refused.json()["issue"][0]["details"]["coding"][1]["code"]) == (405, "SEND_METHOD_NOT_ALLOWED"), path
    assert (await ours.put(f"/fhir/pdsm/DocumentReference/{made.json()['id']}", json=made.json())).status_code == 405
    assert (await ours.patch(WHERE.replace("1.2.3", "1.2.4"), json=steps[0][0], headers=JSON_PATCH)).status_code == 404
    found = (await ours.get("/fhir/pdsm/DocumentReference", params={"isArchived": "true", "type": "11488-4"})).json()
    assert [entry["resource"]["id"] for entry in found["entry"]] == [made.json()["id"]]


async def test_a_false_hash_or_size_is_kept_with_a_warning(ours: Caller) -> None:
    data = base64.b64encode(b"compte rendu").decode()
    right = base64.b64encode(hashlib.sha1(b"compte rendu", usedforsecurity=False).digest()).decode()
    true = await ours.post("/fhir/pdsm/DocumentReference", json=await document(ours, data=data, hash=right, size=12))
    assert (true.status_code, "x-warnings" in true.headers) == (201, False), true.headers.get("x-warnings")
    false = await ours.post("/fhir/pdsm/DocumentReference", json=await document(ours, data=data, hash="AAAA", size=13))
    assert false.status_code == 201
    assert {one.partition(" ")[0] for one in false.headers["x-warnings"].split(", ")} == {"hash-false", "size-false"}
    assert (await ours.get(f"/fhir/DocumentReference/{false.json()['id']}")).json()["content"][0]["attachment"]["hash"] == "AAAA"
    bare = {key: value for key, value in (await document(ours)).items() if key not in ("custodian", "author")}
    refused = await ours.post("/fhir/pdsm/DocumentReference", json=bare)
    assert (refused.status_code, len(refused.json()["issue"])) == (400, 2)


def team(subject: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "CareTeam",
        "meta": {"profile": ["https://interop.esante.gouv.fr/ig/fhir/cds/StructureDefinition/cds-ihe-careteam"]},
        "identifier": [{"value": "cercle-1"}],
        "status": "active",
        "name": "Cercle de soins",
        "subject": {"reference": subject},
        "period": {"start": "2026-01-01"},
        "participant": [{"member": {"display": "Dr Isambert"}, "period": {"start": "2026-02-01"}}],
        **more,
    }


async def test_a_care_circle_is_made_with_its_patient_and_read_with_its_history(ours: Caller) -> None:
    url = "urn:uuid:00000001-0000-4000-8000-000000000000"
    entries = [
        {
            "fullUrl": url,
            "request": {"method": "POST", "url": "Patient"},
            "resource": {"resourceType": "Patient", "name": [{"family": "mienne"}]},
        },
        {"request": {"method": "POST", "url": "CareTeam"}, "resource": team(url)},
    ]
    made = await ours.post("/fhir/cds", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert made.status_code == 200, made.text
    whole = made.json()["entry"][1]["resource"]
    assert whole["subject"]["reference"] == f"Patient/{made.json()['entry'][0]['resource']['id']}"
    for query in ("start=ge2026-01-01", "participant-start=2026-02-01", "identifier=cercle-1", f"subject={whole['subject']['reference']}"):
        assert (await ours.get(f"/fhir/cds/CareTeam?{query}")).json()["total"] == 1, query
    again = await ours.put("/fhir/cds/CareTeam?identifier=cercle-1", json=team(whole["subject"]["reference"], status="inactive"))
    assert (again.status_code, again.json()["id"]) == (200, whole["id"]), again.text
    assert (await ours.get(f"/fhir/cds/CareTeam/{whole['id']}/_history")).json()["total"] == 2
    assert (await ours.get(f"/fhir/cds/CareTeam/{whole['id']}/_history/1")).json()["status"] == "active"
    assert (await ours.delete(f"/fhir/cds/CareTeam/{whole['id']}")).status_code == 405
    assert (await ours.get("/fhir/cds/Observation")).status_code == 404
    wrong = {**entries[1], "resource": team(url, participant=[{"member": {"display": "Dr Isambert"}}], identifier=[])}
    del wrong["resource"]["identifier"]
    refused = await ours.post("/fhir/cds", json={"resourceType": "Bundle", "type": "transaction", "entry": [entries[0], wrong]})
    assert refused.status_code == 400
    assert [one["expression"][0] for one in refused.json()["issue"]] == [
        "Bundle.entry[1].resource.identifier",
        "Bundle.entry[1].resource.participant[0].period.start",
    ]


async def test_an_empty_translation_is_dropped_with_a_warning(ours: Caller) -> None:
    patient = await ours.make({"resourceType": "Patient", "name": [{"family": "mienne"}]})
    empty = {
        "url": "http://hl7.org/fhir/StructureDefinition/translation",
        "extension": [{"url": "lang", "valueCode": "en"}, {"url": "content", "valueString": ""}],
    }
    made = await ours.post("/fhir/cds/CareTeam", json=team(f"Patient/{patient['id']}", _name={"extension": [empty]}))
    assert (made.status_code, "_name" in made.json()) == (201, False), made.text
    assert made.headers["x-warnings"].startswith("empty-translation")
    assert (await ours.post("/fhir/CareTeam", json=team(f"Patient/{patient['id']}", _name={"extension": [empty]}))).status_code == 400


async def test_the_directory_is_searched_by_its_own_parameters(ours: Caller) -> None:
    trace = {"url": f"{AS}/as-ext-data-trace", "extension": [
        {"url": "autorite-enregistrement", "valueCodeableConcept": {"coding": [{"system": "urn:ae", "code": "DREES"}]}},
        {"url": "systeme-information", "valueCode": "RPPS"}]}  # fmt: skip
    card = {"url": f"{AS}/as-ext-smartcard", "extension": [
        {"url": "type", "valueCodeableConcept": {"coding": [{"code": "CPS"}]}}, {"url": "number", "valueString": "2800000001"}]}  # fmt: skip
    mailbox = {"system": "email", "value": "doc@pro.mssante.example", "extension": [{"url": f"{AS}/as-ext-mailbox-mss-metadata", "extension": [
        {"url": "type", "valueCodeableConcept": {"coding": [{"code": "PER"}]}}]}]}  # fmt: skip
    doctor = await ours.make({"resourceType": "Practitioner", "extension": [trace, card], "telecom": [mailbox],
        "qualification": [{"code": {"coding": [{"system": "urn:g15", "code": "10"}]}}]})  # fmt: skip
    licence = {"url": f"{AS}/as-ext-organization-pharmacy-licence", "valueString": "75#000123"}
    shop = await ours.make({"resourceType": "Organization", "name": "Pharmacie", "extension": [licence, trace],
        "address": [{"line": ["96 rue Didot"], "extension": [
            {"url": "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code", "valueCoding": {"code": "75114"}}]}]})  # fmt: skip
    for kind, id, query in (
        ("Practitioner", doctor["id"], "data-registration-authority=urn:ae|DREES&data-information-system=RPPS"),
        ("Practitioner", doctor["id"], "mailbox-mss=doc@pro&mailbox-mss-type=PER"),
        ("Practitioner", doctor["id"], "number-smartcard=2800000001&type-smartcard=CPS&qualification-code=10"),
        ("Organization", shop["id"], "pharmacy-licence=75%23000123&address-line=96 rue&address-insee=75114"),
    ):
        found = await ours.get(f"/fhir/annuaire/{kind}?{query}", headers={"prefer": "handling=strict"})
        assert [entry["resource"]["id"] for entry in found.json().get("entry", ())] == [id], (query, found.text)


async def test_the_directory_shows_what_the_public_one_shows(ours: Caller) -> None:
    """Ten digits under the RPPS system of a role, as its guide writes them, are kept; they are nobody's RPPS."""
    red = {"url": f"{AS}/as-ext-mailbox-mss-metadata", "extension": [{"url": "listeRouge", "valueBoolean": True}]}
    who = await ours.make(
        {"resourceType": "Practitioner", "telecom": [{"system": "email", "value": "secret@pro.mssante.example", "extension": [red]}]}
    )
    role = await ours.make(
        {
            "resourceType": "PractitionerRole",
            "identifier": [{"system": "https://rpps.esante.gouv.fr", "value": "1012345678"}],
            "practitioner": {"reference": f"Practitioner/{who['id']}"},
            "specialty": [{"coding": [{"code": "SM54"}]}],
            "telecom": [{"system": "phone", "value": "0199000000"}],
        }
    )
    shown = (await ours.get(f"/fhir/annuaire/PractitionerRole/{role['id']}")).json()
    assert ("specialty" in shown, shown["identifier"][0]["value"], len(shown["telecom"])) == (False, "1012345678", 1)
    found = (await ours.get("/fhir/annuaire/PractitionerRole", params={"_include": "PractitionerRole:practitioner"})).json()
    assert [sorted(entry["resource"].keys() & {"specialty", "telecom"}) for entry in found["entry"]] == [["telecom"], []]
    assert "specialty" in (await ours.get(f"/fhir/PractitionerRole/{role['id']}")).json()


async def test_a_submission_set_comes_with_its_documents_and_their_bytes(ours: Caller) -> None:
    data = base64.b64encode(b"compte rendu").decode()
    one, two, three = (f"urn:uuid:0000000{n}-0000-4000-8000-000000000000" for n in (1, 2, 3))
    content = await document(ours, url=three, hash="AAAA")
    mhd = "https://profiles.ihe.net/ITI/MHD/StructureDefinition"
    lot = {
        "resourceType": "List",
        "extension": [
            {"url": f"{mhd}/ihe-sourceId", "valueIdentifier": {"value": "urn:oid:1.2.9"}},
            {"url": f"{mhd}/ihe-designationType", "valueCodeableConcept": {"coding": [{"code": "04"}]}},
        ],
        "identifier": [{"value": "lot-1"}],
        "status": "current",
        "mode": "working",
        "code": {"coding": [{"code": "submissionset"}]},
        "subject": content["subject"],
        "date": "2026-11-16T09:00:00+01:00",
        "entry": [{"item": {"reference": two}}],
    }
    entries = [
        {"fullUrl": one, "resource": lot, "request": {"method": "POST", "url": "List"}},
        {"fullUrl": two, "resource": content, "request": {"method": "POST", "url": "DocumentReference"}},
        {
            "fullUrl": three,
            "resource": {"resourceType": "Binary", "contentType": "text/plain", "data": data},
            "request": {"method": "POST", "url": "Binary"},
        },
    ]
    whole = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    made = await ours.post("/fhir/pdsm", json=whole)
    assert made.status_code == 200, made.text
    kept = [entry.get("resource") for entry in made.json()["entry"]]
    assert kept[1]["content"][0]["attachment"] == {"contentType": "text/plain", "title": "Compte rendu", "hash": "AAAA", "data": data}
    assert kept[0]["entry"][0]["item"]["reference"] == f"DocumentReference/{kept[1]['id']}"
    assert (kept[2], made.json()["entry"][2]["response"]["location"]) == (None, made.json()["entry"][1]["response"]["location"])
    assert made.json()["entry"][1]["response"]["outcome"]["issue"][0]["details"]["coding"][0]["code"] == "hash-false"
    for query in ("sourceId=urn:oid:1.2.9", "designationType=04", "identifier=lot-1&code=submissionset"):
        assert (await ours.get(f"/fhir/pdsm/List?{query}")).json()["total"] == 1, query
    assert (await ours.post("/fhir/pdsm/List", json=lot)).status_code == 405
    orphan = {**whole, "entry": [entries[0], entries[2]]}
    assert (await ours.post("/fhir/pdsm", json=orphan)).status_code == 400
