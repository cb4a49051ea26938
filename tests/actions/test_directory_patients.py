"""Patients: kept whole, found by INS or three strict traits only, one active patient per sure INS."""

from __future__ import annotations

import asyncio
import json
from copy import deepcopy
from datetime import date
from typing import Any

import pytest

from maillage import access, directory, record
from maillage.codes import systems
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.errors import Conflict, Invalid, NotFound, Stale
from maillage.store import Database, Transaction

DOCTOR = Actor("person", "isambert-maud", ("cms-clamart-soins",), frozenset({"medecin"}), "clamart-mg-isambert")
STRANGER = Actor("person", "lavardac-myriam", ("chic",), frozenset({"medecin"}), "chic-cardiologie-lavardac")
[FIRST, SECOND] = directory.generate_patients(11, 2)
FIRST_INS = next(item["value"] for item in FIRST["identifier"] if item["system"] == systems.INS_TEST)


def body(resource: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in deepcopy(resource).items() if key != "id"}


async def create(tx: Transaction, resource: dict[str, Any] = FIRST, **options: Any) -> str:
    id = await directory.create_patient(tx, body(resource), mode="test", **options)
    await access.link(tx, id, tx.actor.organization or "cms-clamart-soins", "presence", f"Patient/{id}")
    return id


@pytest.mark.asyncio
async def test_a_patient_is_kept_whole(db: Database) -> None:
    async with db.transaction(DOCTOR) as tx:
        id = await create(tx)
        stored = await record.read(tx, "Patient", id, access.visible_to(DOCTOR, "Patient"))
        patient = await directory.get_patient(tx, id, access.visible_to(DOCTOR, "Patient"))
    kept = record.comparable(json.loads(stored.content))
    assert kept == {**body(FIRST), "id": id}
    assert (patient.family, patient.birth_date, patient.ins) == (
        FIRST["name"][0]["family"],
        date.fromisoformat(FIRST["birthDate"]),
        FIRST_INS,
    )
    assert patient.version == 1
    assert patient.display == f"{patient.family.upper()} {patient.given}"


@pytest.mark.asyncio
async def test_another_organisation_does_not_see_the_patient(db: Database) -> None:
    async with db.transaction(DOCTOR) as tx:
        id = await create(tx)
    async with db.transaction(STRANGER) as tx:
        with pytest.raises(NotFound):
            await directory.get_patient(tx, id, access.visible_to(STRANGER, "Patient"))
        with pytest.raises(NotFound):
            await directory.update_patient(tx, id, body(FIRST), access.visible_to(STRANGER, "Patient"), mode="test")
        assert await directory.find_patients(tx, access.visible_to(STRANGER, "Patient"), ins=FIRST_INS) == []


@pytest.mark.asyncio
async def test_the_ins_finds_its_patient_however_it_is_spelt(db: Database) -> None:
    async with db.transaction(DOCTOR) as tx:
        id = await create(tx)
        await create(tx, SECOND)
        spelt = " ".join(FIRST_INS)
        found = await directory.find_patients(tx, access.visible_to(DOCTOR, "Patient"), ins=spelt)
        assert [patient.id for patient in found] == [id]
        assert await directory.find_patients(tx, access.visible_to(DOCTOR, "Patient"), ins=FIRST_INS, family="Personne") == []


@pytest.mark.asyncio
async def test_three_traits_find_a_patient_without_accents_or_case(db: Database) -> None:
    accented = body(FIRST)
    accented["name"][0] |= {"family": "Le Bihàn-Öré", "given": ["Éloïse"]}
    async with db.transaction(DOCTOR) as tx:
        id = await create(tx, accented)
        visible = access.visible_to(DOCTOR, "Patient")
        born = date.fromisoformat(FIRST["birthDate"])
        for family in ("LE BIHAN ORE", "le bihan-ore", "Le Bihàn-Öré"):
            found = await directory.find_patients(tx, visible, family=family, given="eloise", birth_date=born)
            assert [patient.id for patient in found] == [id]
        assert await directory.find_patients(tx, visible, family="Bihan", given="eloise", birth_date=born) == []


@pytest.mark.asyncio
async def test_a_name_of_use_finds_the_patient_too(db: Database) -> None:
    married = body(FIRST)
    married["name"].append({"use": "usual", "family": "Épouse-Martel", "given": FIRST["name"][0]["given"]})
    async with db.transaction(DOCTOR) as tx:
        id = await create(tx, married)
        found = await directory.find_patients(
            tx,
            access.visible_to(DOCTOR, "Patient"),
            family="epouse martel",
            gender=FIRST["gender"],
            birth_date=date.fromisoformat(FIRST["birthDate"]),
        )
    assert [patient.id for patient in found] == [id]


@pytest.mark.asyncio
@pytest.mark.parametrize("traits", [{}, {"family": "a"}, {"family": "a", "given": "b"}, {"family": "-", "given": "b", "gender": "male"}])
async def test_the_directory_is_not_browsed(db: Database, traits: dict[str, str]) -> None:
    async with db.transaction(DOCTOR) as tx:
        with pytest.raises(Invalid, match="too-few-traits"):
            await directory.find_patients(tx, access.visible_to(DOCTOR, "Patient"), **traits)


@pytest.mark.asyncio
async def test_namesakes_are_flagged(db: Database) -> None:
    twin = body(SECOND)
    twin["name"] = deepcopy(FIRST["name"])
    async with db.transaction(DOCTOR) as tx:
        await create(tx)
        visible = access.visible_to(DOCTOR, "Patient")
        [alone] = await directory.find_patients(tx, visible, ins=FIRST_INS)
        await create(tx, twin)
        [one] = await directory.find_patients(tx, visible, ins=FIRST_INS)
    assert (alone.homonym, one.homonym) == (False, True)


@pytest.mark.asyncio
async def test_a_sure_ins_belongs_to_one_active_patient(db: Database) -> None:
    async with db.transaction(DOCTOR) as tx:
        id = await create(tx)
    with pytest.raises(Conflict, match="patient-exists"):
        async with db.transaction(DOCTOR) as tx:
            await create(tx)
    async with db.transaction(DOCTOR) as tx:
        await directory.update_patient(tx, id, {**body(FIRST), "active": False}, access.visible_to(DOCTOR, "Patient"), mode="test")
    async with db.transaction(DOCTOR) as tx:
        assert await create(tx) != id


@pytest.mark.asyncio
@pytest.mark.parametrize("use", ["official", "usual", None])
async def test_six_at_once_make_one_file_of_one_ins(db: Database, use: str | None) -> None:
    """However the use of the number is said, or left unsaid."""
    number = {"system": systems.INS_TEST, "value": FIRST_INS, **({"use": use} if use else {})}
    person = {**body(FIRST), "meta": {}, "extension": [], "identifier": [number]}

    async def register() -> str:
        async with db.transaction(DOCTOR) as tx:
            return await create(tx, person)

    answers = await asyncio.gather(*(register() for _ in range(6)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Conflict)]
    assert (len(refused), {error.reason for error in refused}) == (5, {"patient-exists"})
    async with db.transaction(DOCTOR) as tx:
        assert await tx.fetchval("SELECT count(*) FROM patient") == 1


@pytest.mark.asyncio
async def test_that_an_ins_is_known_elsewhere_never_shows(db: Database) -> None:
    elsewhere = Actor("person", "somebody", ("cabinet-orly",), frozenset({"medecin"}))
    async with db.transaction(DOCTOR) as tx:
        id = await create(tx)
    async with db.transaction(elsewhere) as tx:
        assert await create(tx) != id
        owner = await tx.fetchval("SELECT owner_org FROM patient WHERE id <> $1", id)
    assert owner == "cabinet-orly"


@pytest.mark.asyncio
async def test_an_id_is_given_once(db: Database) -> None:
    async with db.transaction(DOCTOR) as tx:
        await create(tx, patient_id="p1")
    with pytest.raises(Conflict, match="patient-exists"):
        async with db.transaction(DOCTOR) as tx:
            await create(tx, SECOND, patient_id="p1")


@pytest.mark.asyncio
async def test_each_write_is_audited_and_says_who(db: Database) -> None:
    visible = access.visible_to(DOCTOR, "Patient")
    async with db.transaction(DOCTOR) as tx:
        id = await create(tx)
        for phone in ("06 39 98 00 01", "06 39 98 00 01"):
            await directory.update_patient(tx, id, {**body(FIRST), "telecom": [{"system": "phone", "value": phone}]}, visible, mode="test")
        told = await tx.fetchval("SELECT count(*) FROM resource_head WHERE res_type = 'Provenance' AND patient_id = $1", id)
    async with db.trail.transaction(DOCTOR) as tx:
        rows = await tx.fetch("SELECT action, verb FROM audit_event WHERE patient_id = $1 ORDER BY seq", id)
    assert [(row["action"], row["verb"]) for row in rows] == [("C", "create"), ("U", "update")]
    assert told == 2


@pytest.mark.asyncio
async def test_two_at_once_make_one_patient(db: Database) -> None:
    async def one() -> str:
        async with db.transaction(DOCTOR) as tx:
            return await create(tx)

    results = await asyncio.gather(*(one() for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(result, str) for result in results) == 1
    assert all(isinstance(result, str | Conflict) for result in results)


@pytest.mark.asyncio
async def test_an_ins_of_wrong_form_is_refused_and_points_at_the_field(db: Database) -> None:
    wrong = body(FIRST)
    wrong["identifier"][0] |= {"system": systems.INS_NIR, "value": "12"}
    with pytest.raises(Invalid) as caught:
        async with db.transaction(DOCTOR) as tx:
            await create(tx, wrong)
    assert [(issue.reason, issue.expression) for issue in caught.value.issues if issue.severity == "error"] == [
        ("ins-form", "Patient.identifier[0].value"),
        ("fr-core-1", "Patient.identifier"),
    ]


@pytest.mark.asyncio
async def test_a_false_key_is_an_error_in_production_only(db: Database) -> None:
    wrong = body(FIRST)
    kind = {"coding": [{"system": systems.FR_IDENTIFIER_TYPE, "code": "INS-NIR"}]}
    wrong["identifier"][0] |= {"system": systems.INS_NIR, "value": "123456789012244", "type": kind}
    async with db.transaction(DOCTOR) as tx:
        id = await create(tx, wrong)
        assert not (await directory.get_patient(tx, id, access.visible_to(DOCTOR, "Patient"))).qualified
    with pytest.raises(Invalid, match="ins-key"):
        async with db.transaction(DOCTOR) as tx:
            await directory.create_patient(tx, wrong)


@pytest.mark.asyncio
async def test_an_update_counts_versions_and_refuses_a_stale_one(db: Database) -> None:
    visible = access.visible_to(DOCTOR, "Patient")
    async with db.transaction(DOCTOR) as tx:
        id = await create(tx)
        moved = {**body(FIRST), "telecom": [{"system": "phone", "value": "06 39 98 00 01", "use": "mobile"}]}
        assert await directory.update_patient(tx, id, moved, visible, version=1, mode="test") == 2
        assert await directory.update_patient(tx, id, moved, visible, version=2, mode="test") == 2
        patient = await directory.get_patient(tx, id, visible)
        assert (patient.version, patient.phone) == (2, "06 39 98 00 01")
    with pytest.raises(Stale):
        async with db.transaction(DOCTOR) as tx:
            await directory.update_patient(tx, id, moved, visible, version=1, mode="test")


@pytest.mark.asyncio
async def test_a_patient_without_identifier_or_whole_birth_date_is_kept(db: Database) -> None:
    poor = {"resourceType": "Patient", "name": [{"text": "Inconnu"}], "birthDate": "1950"}
    async with db.transaction(SYSTEM) as tx:
        id = await create(tx, {**poor, "id": "x"})
        patient = await directory.get_patient(tx, id, access.visible_to(SYSTEM, "Patient"))
    assert (patient.family, patient.birth_date, patient.gender, patient.ins) == ("", None, "unknown", "")


@pytest.mark.asyncio
async def test_the_keeper_of_the_file_is_the_managing_organisation_when_the_actor_acts_for_it(db: Database) -> None:
    named = FIRST["managingOrganization"]["reference"].partition("/")[2]
    both = Actor("client", "software", ("cms-clamart-soins", named), frozenset({"logiciel"}))
    for actor, keeper in ((both, named), (DOCTOR, "cms-clamart-soins")):
        async with db.transaction(actor) as tx:
            id = await create(tx)
            visible = access.visible_to(actor, "Patient")
            await directory.update_patient(tx, id, {**body(FIRST), "active": True}, visible, mode="test")
            assert (await directory.get_patient(tx, id, visible)).owner_org == keeper


@pytest.mark.asyncio
async def test_rows_follow_their_photographs_and_drift_is_found(db: Database) -> None:
    async with db.transaction(SYSTEM) as tx:
        await directory.load_territory(tx)
        [id] = await directory.load_patients(tx, 3, 1)
        await directory.save(tx, {"resourceType": "HealthcareService", "id": "elsewhere", "name": "Ailleurs"})
        assert await directory.drift(tx, "test") == []
        await tx.execute("UPDATE patient SET phone = 'x' WHERE id = $1", id)
        await tx.execute("UPDATE organization SET name = 'x' WHERE id = 'chic'")
        await tx.execute("INSERT INTO location (id, name) VALUES ('ghost', 'x')")
        assert await directory.drift(tx, "test") == ["Organization/chic", "Location/ghost", f"Patient/{id}"]
