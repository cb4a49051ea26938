"""$everything, $match, $lastn, $meta: what they show, in which order, and that they never tell of patients of others."""

from __future__ import annotations

from typing import Any

import pytest
from tests.doors.fhir.conftest import Caller, caller, token

from maillage.codes import systems
from maillage.doors.fhir import FhirDoor

pytestmark = pytest.mark.asyncio

INS = "260058815400233"
LISTED = {"url": systems.EXT_BIRTH_LIST_GIVEN_NAME, "valueString": "Anne Marie"}


def reliability(method: str = "INSI") -> dict[str, Any]:
    def part(url: str, **value: Any) -> dict[str, Any]:
        return {"url": url, **value}

    return {
        "url": systems.EXT_IDENTITY_RELIABILITY,
        "extension": [
            part("identityStatus", valueCoding={"system": systems.FR_IDENTITY_STATUS, "code": "VALI"}),
            part("validationMode", valueCoding={"system": systems.FR_IDENTITY_VALIDATION_MODE, "code": "CN"}),
            part("methodCollection", valueCoding={"system": systems.FR_IDENTITY_COLLECTION, "code": method}),
        ],
    }


def born(insee: str) -> dict[str, Any]:
    commune = {"url": systems.EXT_ADDRESS_INSEE_CODE, "valueCoding": {"system": systems.COMMUNE, "code": insee}}
    return {"url": systems.EXT_BIRTH_PLACE, "valueAddress": {"extension": [commune]}}


def person(given: str = "Anne", *, ins: str = "", insee: str = "94028", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "resourceType": "Patient",
        "extension": [born(insee), *([reliability()] if ins else [])],
        "name": [{"use": "official", "family": "Lefèvre", "given": [given]}],
        "gender": "female",
        "birthDate": "1960-05-14",
        **more,
    }
    if ins:
        made["identifier"] = [{"use": "official", "system": systems.INS_TEST, "value": ins}]
    return made


def asked(resource: dict[str, Any], **flags: Any) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"name": "resource", "resource": resource}]
    parts += [{"name": name, ("valueBoolean" if type(value) is bool else "valueInteger"): value} for name, value in flags.items()]
    return {"resourceType": "Parameters", "parameter": parts}


async def found(who: Caller, resource: dict[str, Any], **flags: Any) -> list[tuple[str, str]]:
    answer = await who.post("/fhir/Patient/$match", json=asked(resource, **flags))
    assert answer.status_code == 200, answer.text
    return [(e["resource"]["id"], e["search"]["extension"][0]["valueCode"]) for e in answer.json().get("entry", [])]


# --- $match ------------------------------------------------------------------------
async def test_a_qualified_ins_is_certain(ours: Caller) -> None:
    made = await ours.make(person(ins=INS))
    identifier = [{"use": "official", "system": systems.INS_TEST, "value": f"{INS[:1]} {INS[1:]}"}]
    assert await found(ours, {"resourceType": "Patient", "identifier": identifier}) == [(made["id"], "certain")]


async def test_a_trait_that_disagrees_makes_an_ins_only_possible(ours: Caller) -> None:
    made = await ours.make(person(ins=INS))
    assert await found(ours, person(ins=INS, birthDate="1961-05-14")) == [(made["id"], "possible")]
    assert await found(ours, person(ins=INS, birthDate="1961-05-14"), onlyCertainMatches=True) == []


async def test_five_strict_traits_are_probable_and_four_possible(ours: Caller) -> None:
    made = await ours.make(person())
    assert await found(ours, person()) == [(made["id"], "probable")]
    four = person()
    del four["extension"]
    assert await found(ours, four) == [(made["id"], "possible")]
    assert await found(ours, person(), onlyCertainMatches=True) == []


async def test_a_twin_is_another_person(ours: Caller) -> None:
    await ours.make(person("Anne"))
    assert await found(ours, person("Claire")) == []


async def test_namesakes_are_both_only_possible_and_count_bounds_them(ours: Caller) -> None:
    made = {(await ours.make(person()))["id"], (await ours.make(person()))["id"]}
    answer = await found(ours, person())
    assert {id for id, _ in answer} == made
    assert {grade for _, grade in answer} == {"possible"}
    assert len(await found(ours, person(), count=1)) == 1


async def test_two_ins_that_differ_are_two_people(ours: Caller) -> None:
    await ours.make(person(ins=INS))
    assert await found(ours, person(ins="260058815400330")) == []


async def test_the_directory_is_not_browsed(ours: Caller) -> None:
    answer = await ours.post("/fhir/Patient/$match", json=asked({"resourceType": "Patient", "gender": "female", "birthDate": "1960-05-14"}))
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "too-few-traits"


async def test_a_patient_of_others_is_answered_like_nobody(ours: Caller, theirs: Caller) -> None:
    nobody = await ours.post("/fhir/Patient/$match", json=asked(person(ins=INS)))
    await theirs.make(person(ins=INS))
    hidden = await ours.post("/fhir/Patient/$match", json=asked(person(ins=INS)))
    assert (hidden.status_code, hidden.content) == (nobody.status_code, nobody.content)


async def test_what_is_sent_to_match_must_be_a_patient(ours: Caller) -> None:
    wrong: list[Any] = [{"resourceType": "Observation"}, {"resourceType": "Patient", "genre": "f"}, "Patient"]
    for resource in wrong:
        assert (await ours.post("/fhir/Patient/$match", json=asked(resource))).status_code == 400


# --- $everything ---------------------------------------------------------------------
async def record_of(who: Caller, patient: dict[str, Any], observations: int = 3) -> list[str]:
    about = {"reference": f"Patient/{patient['id']}"}
    made = [
        await who.make({"resourceType": "Observation", "status": "final", "code": {"text": f"n{n}"}, "subject": about})
        for n in range(observations)
    ]
    made.append(await who.make({"resourceType": "Condition", "subject": about, "code": {"text": "c"}}))
    return [f"{r['resourceType']}/{r['id']}" for r in made]


def names(bundle: dict[str, Any], mode: str = "match") -> list[str]:
    return [f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in bundle.get("entry", []) if e["search"]["mode"] == mode]


async def test_everything_holds_the_patient_and_all_that_is_about_it_and_nobody_else(ours: Caller) -> None:
    organization = await ours.make({"resourceType": "Organization", "name": "CPTS"})
    patient = await ours.make(person(managingOrganization={"reference": f"Organization/{organization['id']}"}))
    wanted = await record_of(ours, patient)
    await record_of(ours, await ours.make(person("Claire")))
    bundle = (await ours.get(f"/fhir/Patient/{patient['id']}/$everything")).json()
    assert set(names(bundle)) >= {f"Patient/{patient['id']}", *wanted}
    assert {name.partition("/")[0] for name in names(bundle)} <= {"Patient", "Observation", "Condition", "Provenance"}
    assert len([n for n in names(bundle) if n.startswith("Observation")]) == 3
    assert names(bundle, "include") == [f"Organization/{organization['id']}"]


async def test_everything_is_read_in_pages_each_resource_once(ours: Caller) -> None:
    patient = await ours.make(person())
    await record_of(ours, patient, 4)
    whole = names((await ours.get(f"/fhir/Patient/{patient['id']}/$everything")).json())
    seen: list[str] = []
    url = f"/fhir/Patient/{patient['id']}/$everything?_count=2"
    while url:
        bundle = (await ours.get(url)).json()
        assert len(names(bundle)) <= 2
        seen += names(bundle)
        url = next((link["url"].removeprefix("http://testserver") for link in bundle["link"] if link["relation"] == "next"), "")
    assert seen == whole


async def test_everything_is_narrowed_by_type_and_by_date(ours: Caller, door: FhirDoor) -> None:
    patient = await ours.make(person())
    await record_of(ours, patient)
    bundle = (await ours.get(f"/fhir/Patient/{patient['id']}/$everything?_type=Condition,Patient")).json()
    assert {name.partition("/")[0] for name in names(bundle)} == {"Patient", "Condition"}
    later = (await ours.get(f"/fhir/Patient/{patient['id']}/$everything?_since=2030-01-01T00:00:00Z")).json()
    assert names(later) == []
    for bad in ("_since=yesterday", "_type=Nothing", "_count=many", "_cursor=AAAA"):
        assert (await ours.get(f"/fhir/Patient/{patient['id']}/$everything?{bad}")).status_code == 400, bad


async def test_everything_about_a_patient_of_others_is_absent(ours: Caller, theirs: Caller) -> None:
    patient = await theirs.make(person())
    hidden = await ours.get(f"/fhir/Patient/{patient['id']}/$everything")
    absent = await ours.get("/fhir/Patient/0192f0c1-0000-7000-8000-000000000000/$everything")
    assert (hidden.status_code, hidden.content) == (404, absent.content)


async def test_everything_shows_only_types_that_the_scopes_grant(door: FhirDoor, ours: Caller) -> None:
    patient = await ours.make(person())
    await record_of(ours, patient)
    async with caller(door, await token(door.db, "narrow", "org-a", "system/Patient.r", "system/Condition.r")) as narrow:
        bundle = (await narrow.get(f"/fhir/Patient/{patient['id']}/$everything")).json()
    assert {name.partition("/")[0] for name in names(bundle)} == {"Patient", "Condition"}


async def test_everything_is_audited_once_for_each_resource_of_the_patient(ours: Caller) -> None:
    patient = await ours.make(person())
    await ours.get(f"/fhir/Patient/{patient['id']}/$everything")
    trail = (await ours.get(f"/fhir/AuditEvent?patient={patient['id']}")).json()
    assert any("everything" in str(entry["resource"].get("subtype")) for entry in trail["entry"])


# --- $lastn --------------------------------------------------------------------------
async def measured(who: Caller, patient: dict[str, Any], code: str, day: int, **more: Any) -> str:
    coding = {"system": "http://loinc.org", "code": code}
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [coding]},
        "subject": {"reference": f"Patient/{patient['id']}"},
        "effectiveDateTime": f"2026-10-{day:02d}T08:00:00+02:00",
        **more,
    }
    return str((await who.make(observation))["id"])


async def test_lastn_gives_the_newest_of_each_code(ours: Caller) -> None:
    patient = await ours.make(person())
    weight = [await measured(ours, patient, "29463-7", day) for day in (1, 3, 2)]
    height = await measured(ours, patient, "8302-2", 1)
    answer = (await ours.get(f"/fhir/Observation/$lastn?patient=Patient/{patient['id']}")).json()
    assert {e["resource"]["id"] for e in answer["entry"]} == {weight[1], height}
    two = (await ours.get(f"/fhir/Observation/$lastn?max=2&patient=Patient/{patient['id']}&code=29463-7")).json()
    assert [e["resource"]["id"] for e in two["entry"]] == [weight[1], weight[2]]


async def test_lastn_names_a_patient_and_orders_by_itself(ours: Caller) -> None:
    for bad in (
        "",
        "?max=1",
        "?max=0&patient=Patient/1",
        "?max=x&patient=Patient/1",
        "?patient=Patient/1&_sort=date",
        "?patient=Patient/1&zz=1",
    ):
        assert (await ours.get(f"/fhir/Observation/$lastn{bad}")).status_code == 400, bad
    assert (await ours.post("/fhir/Observation/$lastn", json={})).status_code == 405


async def test_lastn_shows_nothing_of_others(ours: Caller, theirs: Caller) -> None:
    patient = await theirs.make(person())
    await measured(theirs, patient, "29463-7", 1)
    answer = (await ours.get(f"/fhir/Observation/$lastn?patient=Patient/{patient['id']}")).json()
    assert (answer["total"], "entry" in answer) == (0, False)


# --- $meta ---------------------------------------------------------------------------
TAG = {"system": "urn:tags", "code": "a"}


def metas(**meta: Any) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]}


async def test_tags_are_added_once_and_taken_away(ours: Caller) -> None:
    made = await ours.make({"resourceType": "Basic", "code": {"text": "x"}})
    url = f"/fhir/Basic/{made['id']}"
    added = await ours.post(f"{url}/$meta-add", json=metas(tag=[TAG], profile=["urn:p"]))
    again = await ours.post(f"{url}/$meta-add", json=metas(tag=[TAG]))
    now = (await ours.get(f"{url}/$meta")).json()["parameter"][0]["valueMeta"]
    assert (now["tag"], now["profile"], now["versionId"]) == ([TAG], ["urn:p"], "2")
    assert added.headers["etag"] == again.headers["etag"] == 'W/"2"'
    await ours.post(f"{url}/$meta-delete", json=metas(tag=[TAG], profile=["urn:never"]))
    left = (await ours.get(f"{url}/$meta")).json()["parameter"][0]["valueMeta"]
    assert ("tag" in left, left["profile"]) == (False, ["urn:p"])


async def test_meta_is_checked_and_needs_something_that_a_caller_may_change(ours: Caller) -> None:
    made = await ours.make({"resourceType": "Basic", "code": {"text": "x"}})
    url = f"/fhir/Basic/{made['id']}/$meta-add"
    for bad in (metas(tag=[{"codes": "a"}]), metas(security=[TAG]), {"resourceType": "Parameters"}, metas(tag="a"), metas(profile=[1])):
        assert (await ours.post(url, json=bad)).status_code == 400, bad
    stale = await ours.post(url, json=metas(tag=[TAG]), headers={"if-match": 'W/"7"'})
    assert stale.status_code == 412
    assert (await ours.get(url)).status_code == 405


async def test_meta_of_a_hidden_resource_is_absent(ours: Caller, theirs: Caller) -> None:
    patient = await theirs.make(person())
    for method, name in (("GET", "$meta"), ("POST", "$meta-add"), ("POST", "$meta-delete")):
        answer = await ours.request(method, f"/fhir/Patient/{patient['id']}/{name}", json=metas(tag=[TAG]))
        assert answer.status_code == 404


async def test_a_resource_of_another_organisation_is_seen_but_not_tagged(ours: Caller, theirs: Caller) -> None:
    made = await theirs.make({"resourceType": "Organization", "name": "CPTS"})
    assert (await ours.get(f"/fhir/Organization/{made['id']}/$meta")).status_code == 200
    assert (await ours.post(f"/fhir/Organization/{made['id']}/$meta-add", json=metas(tag=[TAG]))).status_code == 403


async def test_an_operation_is_answered_only_where_it_is_published(ours: Caller) -> None:
    for path in (
        "/fhir/$everything",
        "/fhir/Observation/$match",
        "/fhir/Task/1/$everything",
        "/fhir/$meta",
        "/fhir/Zebra/1/$meta",
        "/fhir/$lastn",
    ):
        assert (await ours.get(path)).status_code == 404, path
