"""Search over photographs: what each kind of parameter finds, and what is never found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from maillage.access import visible_to
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.errors import Malformed
from maillage.record import kinds_in, photograph
from maillage.record.search import Page, search, search_types
from maillage.store import Database

pytestmark = pytest.mark.asyncio
ACTOR = Actor(kind="client", id="t", organizations=("org-a",), roles=frozenset({"logiciel"}))
OTHER = Actor(kind="client", id="o", organizations=("org-b",), roles=frozenset({"logiciel"}))


async def fill(db: Database, *resources: dict[str, Any], owner: str = "org-a") -> None:
    async with db.transaction(ACTOR) as tx:
        for resource in resources:
            await photograph(tx, resource, owner=owner)


async def page(db: Database, kinds: str | Sequence[str], query: str, actor: Actor = ACTOR, **options: Any) -> Page:
    pairs = [(part.partition("=")[0], part.partition("=")[2]) for part in query.split("&") if part]
    async with db.transaction(actor) as tx:
        if isinstance(kinds, str):
            return await search(tx, kinds, pairs, lambda type_: visible_to(tx.actor, type_), key=b"k" * 32, **options)
        return await search_types(tx, kinds, pairs, lambda type_: visible_to(tx.actor, type_), key=b"k" * 32, **options)


async def ids(db: Database, kind: str, query: str, **options: Any) -> list[str]:
    return [match.id for match in (await page(db, kind, query, **options)).matches]


def basic(id: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Basic", "id": id, "code": {"coding": [{"system": "urn:c", "code": "c"}]}, **more}


PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [{"system": "urn:oid:1", "value": "ab 12", "type": {"coding": [{"system": "urn:t", "code": "MR"}], "text": "Dossier"}}],
    "name": [{"family": "Lefebvre-Noël", "given": ["Élodie"]}],
    "birthDate": "1974-12-25",
    "gender": "female",
}


FINDS = (
    "family=lefeb",
    "family=Lefebvre Noel",
    "family=lefebvre-noel",
    "family=LEFEBVRE - NOËL",
    "family:exact=Lefebvre-Noël",
    "family:contains=RE NO",
    "birthdate=1974",
    "birthdate=ge1974-12",
    "gender=female",
    "identifier=ab 12",
    "identifier=urn:oid:1|AB12",
    "identifier=urn:oid:1|",
    "identifier=zz,urn:oid:1|ab12",
    "identifier:of-type=urn:t|MR|AB 12",
    "identifier:text=dossier",
    "name=elodie",
    "_id=p1",
    "_id:not=p2",
    "gender:not=male",
    "birthdate:missing=false",
    "address:missing=true",
    "gender=http://hl7.org/fhir/administrative-gender|female",
    "gender:in=http://hl7.org/fhir/ValueSet/administrative-gender",
    "_lastUpdated=ge2020",
    "_tag:missing=true",
)
MISSES = (
    "family=ebvre",
    "family:exact=lefebvre-noël",
    "birthdate=1975",
    "birthdate=gt1974",
    "gender=male",
    "identifier=urn:oid:2|",
    "identifier=|AB12",
    "identifier:of-type=urn:t|PI|AB12",
    "gender:not-in=http://hl7.org/fhir/ValueSet/administrative-gender",
    "_id:missing=true",
)


async def test_patient(db: Database) -> None:
    await fill(db, PATIENT)
    assert [query for query in FINDS if await ids(db, "Patient", query) != ["p1"]] == []
    assert [query for query in MISSES if await ids(db, "Patient", query) != []] == []


REFUSED = (
    ("Patient", "family:below=x"), ("Patient", "gender:exact=x"), ("Patient", "birthdate:exact=1974"), ("Patient", "birthdate:missing=yes"),
    ("Patient", "gender:in=http://nowhere/ValueSet"), ("Patient", "identifier:of-type=a|b"), ("Patient", "identifier=a|b|c"), ("Patient", "identifier=|"),
    ("Patient", "family="), ("Patient", "gender=male,,female"), ("Patient", "gender=" + ",".join(["x"] * 201)), ("Patient", "_text=x"), ("Patient", "_content=x"),
    ("Patient", "_filter=name eq x"), ("Patient", "_list=1"), ("Patient", "_id:exact=1"), ("Patient", "_tag:below=x"), ("Patient", "_count=1e9"), ("Patient", "_count=-1"),
    ("Patient", "_total=much"), ("Patient", "_summary=short"), ("Patient", "_summary=text&_include=Patient:organization"), ("Patient", "_sort:desc=name"),
    ("Patient", "_sort=a,b,c,d,e,f,g,h,i"), ("Patient", "_include=Patient:name"), ("Patient", "_include=Nothing:x"), ("Patient", "_include:often=Patient:organization"),
    ("Patient", "organization.nothing=1"), ("Patient", "organization:Patient.name=x"), ("Patient", "name.family=x"), ("Patient", "_has:Task=x"), ("Patient", "_has:Nothing:a:b=x"),
    ("Patient", "_has:Observation:code:status=final"), ("Patient", "general-practitioner:Robot=1"), ("Patient", "link." + "other." * 9 + "_id=1"), ("Patient", "organization:above=x,"),
    ("Patient", "general-practitioner:x:y=1"), ("Observation", "value-quantity=x"), ("Observation", "value-quantity=1e99999"), ("Observation", "value-quantity=5|kg"),
    ("Observation", "value-quantity:missing=0"), ("Observation", "code-value-quantity=x"), ("Observation", "code-value-quantity=a$b$c"), ("Observation", "code-value-quantity:exact=a$1"),
    ("Observation", "code:below=x"), ("Observation", "code:above=urn:none|x"), ("Observation", "encounter:below=1"), ("Observation", "focus.status=x"), ("Location", "near=1"),
    ("Location", "near=91|0|1|km"), ("Location", "near=1|2|3|parsec"), ("Location", "near=1|2|3|km|x"), ("Questionnaire", "url:exact=x"), ("Patient", "_cursor=AAAA"),
)  # fmt: skip


async def test_what_is_not_understood_is_refused(db: Database) -> None:
    taken = []
    for kind, query in REFUSED:
        try:
            await page(db, kind, query)
        except Malformed:
            continue
        taken.append((kind, query))
    assert taken == []


async def test_unknown_parameters_are_ignored_or_refused(db: Database) -> None:
    await fill(db, PATIENT)
    found = await page(db, "Patient", "colour=red&gender=female&_sort=family,shoe-size,-_id")
    assert (found.ignored, found.used) == (("colour", "_sort"), (("gender", "female"), ("_sort", "family,-_id")))
    for query in ("colour=red", "_sort=shoe-size", "_sort=family;drop table ix_patient", "name'--=x"):
        with pytest.raises(Malformed):
            await page(db, "Patient", query, strict=True)


async def test_aliases_are_one_system(db: Database) -> None:
    """FR Core under its old and its present names (standards.md 3)."""
    old, new = "http://interopsante.org/fhir/CodeSystem/fr-v2-0203", "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203"
    await fill(
        db,
        basic(
            "b1", meta={"tag": [{"system": old, "code": "x"}], "profile": ["http://interopsante.org/fhir/StructureDefinition/FrSlot|1.1.0"]}
        ),
        {**PATIENT, "identifier": [{"system": old, "value": "1", "type": {"coding": [{"system": old, "code": "INS-NIR"}]}}]},
    )
    for system in (old, new, f"{new}|2.2.0"):
        escaped = system.replace("|", "\\|")
        assert await ids(db, "Basic", f"_tag={escaped}|x") == ["b1"], system
        assert await ids(db, "Patient", f"identifier={escaped}|1") == ["p1"], system
        assert await ids(db, "Patient", f"identifier:of-type={escaped}|INS-NIR|1") == ["p1"], system
    for profile in (
        "http://interopsante.org/fhir/StructureDefinition/FrSlot",
        "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-slot",
    ):
        assert await ids(db, "Basic", f"_profile={profile}") == ["b1"], profile


async def test_composites_hold_their_parts_together(db: Database) -> None:
    def part(code: str, value: int) -> dict[str, Any]:
        return {
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "valueQuantity": {"value": value, "unit": "mmHg", "code": "mm[Hg]"},
        }

    pressure = {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "code": {"text": "p"},
        "component": [part("8480-6", 120), part("8462-4", 80)],
    }
    document = {
        "resourceType": "DocumentReference",
        "id": "d",
        "status": "current",
        "content": [{"attachment": {"url": "http://x"}}],
        "relatesTo": [{"code": "replaces", "target": {"reference": "DocumentReference/old"}}],
    }
    await fill(db, pressure, document)
    for value in (
        "8480-6$gt100",
        "http://loinc.org|8480-6$120",
        "http://loinc.org|$lt90",
        "8462-4$80||mmHg",
        "x$1,8462-4$80",
        "8480-6$ap115",
    ):
        assert await ids(db, "Observation", f"component-code-value-quantity={value}") == ["o"], value
    for value in ("8480-6$80", "8462-4$gt100", "|8480-6$120", "8480-6$120||kPa"):
        assert await ids(db, "Observation", f"combo-code-value-quantity={value}") == [], value
    assert await ids(db, "DocumentReference", "relationship=replaces$DocumentReference/old") == ["d"]
    assert await ids(db, "DocumentReference", "relationship=appends$DocumentReference/old") == []
    assert await ids(db, "Observation", "component-code-value-quantity:missing=true") == []


async def test_places_near(db: Database) -> None:
    await fill(
        db,
        {"resourceType": "Location", "id": "rambouillet", "name": "R", "position": {"latitude": 48.6437, "longitude": 1.8294}},
        {"resourceType": "Location", "id": "versailles", "name": "V", "position": {"latitude": 48.8049, "longitude": 2.1204}},
        {"resourceType": "Location", "id": "nowhere", "name": "N"},
    )
    assert await ids(db, "Location", "near=48.8|2.13") == ["versailles"]
    assert await ids(db, "Location", "near=48.8|2.13|30|km") == ["rambouillet", "versailles"]
    assert await ids(db, "Location", "near=48.8|2.13|900|m") == ["versailles"]
    assert await ids(db, "Location", "near=48.8|2.13|600|m") == []


async def test_hierarchies(db: Database) -> None:
    await fill(
        db,
        {"resourceType": "Organization", "id": "ght", "name": "GHT"},
        {"resourceType": "Organization", "id": "ch", "name": "CH", "partOf": {"reference": "Organization/ght"}},
        {"resourceType": "Organization", "id": "service", "name": "S", "partOf": {"reference": "Organization/ch"}},
        {"resourceType": "HealthcareService", "id": "h", "providedBy": {"reference": "Organization/service"}},
    )
    assert await ids(db, "HealthcareService", "organization:below=Organization/ght") == ["h"]
    assert await ids(db, "HealthcareService", "organization:below=service") == ["h"]
    assert await ids(db, "HealthcareService", "organization:above=ch") == []
    assert await ids(db, "Organization", "partof:below=ch") == ["service"]
    assert await ids(db, "Organization", "partof:above=service") == ["ch", "service"]
    assert await ids(db, "HealthcareService", "organization.partof.partof=ght") == ["h"]
    code = "http://terminology.hl7.org/CodeSystem/v3-ActCode|_ActEncounterCode"
    await fill(
        db, {"resourceType": "Encounter", "id": "e", "status": "planned", "class": {"system": code.partition("|")[0], "code": "AMB"}}
    )
    assert await ids(db, "Encounter", f"class:below={code}") == ["e"]
    assert await ids(db, "Encounter", f"class:above={code}") == []


async def test_french_parameters(db: Database) -> None:
    extension = {
        "url": "http://hl7.org/fhir/5.0/StructureDefinition/extension-Slot.serviceType",
        "valueReference": {"reference": "HealthcareService/h"},
    }
    slot = {
        "resourceType": "Slot",
        "id": "s",
        "status": "free",
        "start": "2026-11-22T08:00:00Z",
        "end": "2026-11-22T08:20:00Z",
        "schedule": {"reference": "Schedule/x"},
        "serviceType": [{"extension": [extension], "coding": [{"code": "604"}]}],
    }
    appointment = {
        "resourceType": "Appointment",
        "id": "a",
        "status": "booked",
        "start": slot["start"],
        "comment": "À jeun",
        "created": "2026-11-01",
    }
    await fill(db, slot, {"resourceType": "HealthcareService", "id": "h", "name": "CPTS"}, appointment)
    found = await page(db, "Slot", "service-type-reference=HealthcareService/h&_include=Slot:service-type-reference")
    assert ([s.id for s in found.matches], [s.id for s in found.included]) == (["s"], ["h"])
    assert await ids(db, "Appointment", "start=ge2026-11-22&description=a jeun&created=2026-11") == ["a"]


# --- what comes with the matches -----------------------------------------------------
async def with_(db: Database, kind: str, query: str) -> list[str]:
    """A patient of an organisation, three observations about the patient, a report on the second of them: what comes with a search."""
    about = {"subject": {"reference": "Patient/p1"}}
    await fill(
        db,
        {"resourceType": "Organization", "id": "o1", "name": "O"},
        {**PATIENT, "managingOrganization": {"reference": "Organization/o1"}},
        *({"resourceType": "Observation", "id": f"x{n}", "status": "final", "code": {"text": "x"}, **about} for n in range(3)),
        {
            "resourceType": "DiagnosticReport",
            "id": "d",
            "status": "final",
            "code": {"text": "d"},
            "result": [{"reference": "Observation/x1"}],
        },
    )
    return [s.id for s in (await page(db, kind, query)).included]


@pytest.mark.parametrize(
    ("kind", "query", "wanted"),
    [
        ("Observation", "_include=Observation:patient", ["p1"]),
        ("Observation", "_include=Observation:subject:Location", []),
        ("Observation", "_include=*", ["p1"]),
        ("Observation", "_include=Observation:*&_include:iterate=Patient:organization", ["p1", "o1"]),
        ("Observation", "_include=Observation:*&_include=Patient:organization", ["p1"]),
        ("Observation", "_id=x1&_revinclude=DiagnosticReport:result", ["d"]),
        ("Patient", "_revinclude=Observation:patient&_revinclude:iterate=DiagnosticReport:result", ["x0", "x1", "x2", "d"]),
        ("Patient", "_revinclude=*", ["x0", "x1", "x2"]),
        ("Organization", "_revinclude:iterate=Patient:organization&_revinclude:iterate=Observation:patient", ["p1", "x0", "x1", "x2"]),
    ],
)
async def test_includes(db: Database, kind: str, query: str, wanted: list[str]) -> None:
    assert await with_(db, kind, query) == wanted


async def test_includes_are_bounded_by_scopes_and_number(db: Database) -> None:
    await with_(db, "Observation", "")
    refused = await page(db, "Observation", "_include=*", allows=lambda kind: kind != "Patient")
    assert refused.included == ()
    many = "&".join(f"_include=Patient:organization:{kind}" for kind in kinds_in("Patient"))
    with pytest.raises(Malformed):
        await page(db, "Patient", f"{many}&_revinclude=*&_revinclude:iterate=*")


async def test_what_may_not_be_seen_is_never_reached(db: Database) -> None:
    """Not by a chain, not backwards, not beside a match, not counted, not by its order."""
    hidden = {
        "resourceType": "Observation",
        "id": "secret",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": "Patient/p1"},
    }
    theirs = {
        "resourceType": "Observation",
        "id": "theirs",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": "Patient/p1"},
    }
    async with db.transaction(SYSTEM) as tx:
        await photograph(tx, PATIENT, owner="org-a")
        await photograph(tx, hidden, owner="org-a")
        await photograph(tx, theirs, owner="org-b")
    assert await ids(db, "Observation", "status=final", actor=OTHER) == ["theirs"]
    assert await ids(db, "Observation", "patient.family=lefebvre", actor=OTHER) == []
    assert await ids(db, "Observation", "patient.family=lefebvre") == ["secret"]
    assert (await page(db, "Observation", "_include=*&_summary=false", actor=OTHER)).included == ()
    assert (await page(db, "Observation", "_total=accurate&_count=1", actor=OTHER)).total == 1
    assert (await page(db, "Observation", "_summary=count", actor=OTHER)).total == 1
    assert await ids(db, "Patient", "_has:Observation:patient:_id=theirs") == []
    assert await ids(db, "Observation", "_sort=subject", compartment=("Patient", "p1"), actor=OTHER) == ["theirs"]
    nobody = Actor(kind="client", id="n", organizations=(), roles=frozenset({"logiciel"}))
    assert (await page(db, ("Observation", "Patient"), "_total=accurate", actor=nobody)).matches == ()


# --- several types ---------------------------------------------------------------------
async def test_several_types_page_by_page(db: Database) -> None:
    await fill(
        db, *(basic(f"b{n}", meta={"tag": [{"code": "t"}]}) for n in range(3)), {**PATIENT, "id": "b1", "meta": {"tag": [{"code": "t"}]}}
    )
    found: list[tuple[str, str]] = []
    cursor: str | None = ""
    while cursor is not None:
        one = await page(
            db, ("Basic", "Patient"), "_tag=t&_count=1&_sort=-_lastUpdated&_total=accurate" + (f"&_cursor={cursor}" if cursor else "")
        )
        assert one.total == 4
        found += [(s.type, s.id) for s in one.matches]
        cursor = one.next_cursor
    assert sorted(found) == [("Basic", "b0"), ("Basic", "b1"), ("Basic", "b2"), ("Patient", "b1")]
    assert (await page(db, ("Basic", "Patient"), "_tag=t&_summary=count")).total == 4
    assert (await page(db, ("Basic", "Patient"), "identifier=none")).matches == ()
    assert (await page(db, ("Basic", "Patient"), "family=x")).ignored == ("family",)
    with pytest.raises(Malformed):
        await page(db, ("Basic", "Patient"), "family=x", strict=True)


async def test_compartments(db: Database) -> None:
    await fill(
        db,
        PATIENT,
        basic("b", subject={"reference": "Patient/p1"}),
        basic("other", subject={"reference": "Patient/p2"}),
        {
            "resourceType": "Appointment",
            "id": "a",
            "status": "booked",
            "participant": [{"actor": {"reference": "Patient/p1"}, "status": "accepted"}],
        },
    )
    assert await ids(db, "Basic", "", compartment=("Patient", "p1")) == ["b"]
    assert await ids(db, "Appointment", "status=booked", compartment=("Patient", "p1")) == ["a"]
    assert await ids(db, "Appointment", "status=proposed", compartment=("Patient", "p1")) == []
    everything = await page(db, kinds_in("Patient"), "_sort=_id", compartment=("Patient", "p1"))
    assert [(s.type, s.id) for s in everything.matches] == [("Appointment", "a"), ("Basic", "b"), ("Patient", "p1")]
    assert "Location" not in kinds_in("Patient")
    assert "Encounter" in kinds_in("Practitioner")


async def test_frequent_names_come_in_order_and_once(db: Database) -> None:
    """Without another order, patients found by a name come by that name; one who has it twice comes once."""
    names = ["Martin", "MARTIN", "Martineau", "Martin-Noël", "Mártin"]
    people = [{**PATIENT, "id": f"p{n}", "name": [{"family": name}, {"family": "Martin", "given": ["X"]}]} for n, name in enumerate(names)]
    await fill(db, *people)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        one = await page(db, "Patient", "family=martin&_count=2" + (f"&_cursor={cursor}" if cursor else ""))
        seen += [s.id for s in one.matches]
        cursor = one.next_cursor
    assert seen == ["p0", "p1", "p2", "p3", "p4"]
    assert await ids(db, "Patient", "family=martine") == ["p2"]
    assert await ids(db, "Patient", "family=martin n&given=x") == ["p3"]


async def test_more_than_may_come_is_told(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maillage.record.includes.MOST_INCLUDED", 2)
    await with_(db, "Patient", "")
    whole = await page(db, "Patient", "_revinclude=DiagnosticReport:patient&_revinclude=Patient:link")
    assert (whole.included, whole.cut) == ((), False)
    cut = await page(db, "Patient", "_revinclude=Observation:patient")
    assert ([stored.id for stored in cut.included], cut.cut) == (["x0", "x1"], True)
