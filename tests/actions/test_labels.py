"""Labels: set by the server for who keeps the resource, stronger than roles and addressees, weaker than an explicit link."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.factories import referrals as make

from maillage import access, record
from maillage.access import labels, policy
from maillage.codes.json import decode
from maillage.journeys import OPERATIONS
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
VERBS = {(op.type, op.name): op for op in OPERATIONS}
READERS = ("medecin", "sage-femme", "infirmier", "patient", "representant")
OPEN_TO = {
    "R": {"medecin", "sage-femme", "infirmier"},
    "V": set(),
    "PSY": {"medecin"},
    "SEX": {"medecin", "sage-femme"},
    "CEL": {"medecin"},
    "MASQUE_PS": set(),
    "INVISIBLE_PATIENT": {"medecin", "sage-femme", "infirmier"},
    "INVISIBLE_REPRESENTANTS_LEGAUX": {"medecin", "sage-femme", "infirmier", "patient"},
}


def reader(role: str) -> Actor:
    return Actor("person", f"reader-{role}", (make.HOSPITAL,), frozenset({role}), assurance="eidas2")


async def sees(db: Database, actor: Actor, id: str) -> bool:
    async with db.transaction(actor) as tx:
        return id in await record.existing(tx, "Observation", [id], access.visible_to(actor, "Observation"))


async def observation(db: Database) -> str:
    """A result of the centre, addressed to the hospital."""
    patient = (await make.patients(db))[0]
    async with db.transaction(make.GP) as tx:
        resource = {"resourceType": "Observation", "id": "result-1", "status": "final", "code": {"text": "x"}}
        await record.first_photograph(tx, resource, patient=patient, owner=make.CENTRE, parties=[make.HOSPITAL])
    return "result-1"


async def played(db: Database, verb: str, id: str, code: str, actor: Actor = make.GP) -> Any:
    async with db.transaction(actor) as tx:
        return await VERBS["Observation", verb].call(tx, id, version=None, code=code)


async def shown(db: Database, id: str) -> list[str]:
    async with db.transaction(SYSTEM) as tx:
        stored = await record.read(tx, "Observation", id, access.visible_to(SYSTEM, "Observation"))
    return [one["code"] for one in decode(stored.content)["meta"].get("security", [])]


async def test_every_label_of_the_file_is_one_that_the_server_sets(db: Database) -> None:
    assert set(policy.policy().labels) == set(labels.CODES) == set(OPEN_TO)
    async with db.transaction(SYSTEM) as tx:
        rule = await tx.fetchval("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'security_label_code_check'")
    assert {code for code in OPEN_TO if f"'{code}'" in rule} == set(OPEN_TO)


@pytest.mark.parametrize("code", OPEN_TO)
async def test_a_label_leaves_open_to_the_roles_of_the_file_until_it_ends(db: Database, code: str) -> None:
    id = await observation(db)
    assert [await sees(db, reader(role), id) for role in READERS] == [True] * 5
    await played(db, "label", id, code)
    assert {role for role in READERS if await sees(db, reader(role), id)} == OPEN_TO[code]
    assert await sees(db, make.GP, id), "who set it still sees it"
    assert await shown(db, id) == [code]
    await played(db, "unlabel", id, code)
    assert [await sees(db, reader(role), id) for role in READERS] == [True] * 5
    assert await shown(db, id) == []


@pytest.mark.parametrize(("code", "past"), [("V", True), ("PSY", True), ("MASQUE_PS", True), ("INVISIBLE_PATIENT", False)])
async def test_an_explicit_link_goes_past_what_is_closed_to_a_role_and_not_past_what_is_held_back(
    db: Database, code: str, past: bool
) -> None:
    id = await observation(db)
    await played(db, "label", id, code)
    who = reader("patient" if code == "INVISIBLE_PATIENT" else "infirmier")
    async with db.transaction(SYSTEM) as tx:
        patient, until = (await make.patients(db))[0], tx.now + timedelta(days=1)
        await access.link(tx, patient, make.HOSPITAL, "presence", "Task/1")
    assert not await sees(db, who, id), "a link of the whole house is not an explicit one"
    async with db.transaction(SYSTEM) as tx:
        await access.link(tx, patient, make.HOSPITAL, "consentement", "Consent/1", ends=until, person=who.id)
    assert await sees(db, who, id) is past


async def test_a_colleague_of_the_keeper_goes_past_a_mask_and_past_nothing_else(db: Database) -> None:
    id = await observation(db)
    nurse = Actor("person", "nurse", (make.CENTRE,), frozenset({"infirmier"}))
    await played(db, "label", id, "MASQUE_PS")
    assert await sees(db, nurse, id)
    await played(db, "label", id, "PSY")
    assert not await sees(db, nurse, id)


async def test_only_the_keeper_who_sees_the_whole_sets_a_label_once(db: Database) -> None:
    id = await observation(db)
    with pytest.raises(NotAllowed) as refusal:
        await played(db, "label", id, "R", reader("medecin"))
    assert refusal.value.reason == "not-the-owner"
    with pytest.raises(NotFound):
        await played(db, "label", id, "R", Actor("person", "desk", (make.CENTRE,), frozenset({"secretaire"})))
    with pytest.raises(Invalid):
        await played(db, "label", id, "N")
    with pytest.raises(Conflict):
        await played(db, "unlabel", id, "R")
    await played(db, "label", id, "R")
    with pytest.raises(Conflict):
        await played(db, "label", id, "R")


async def test_a_patient_is_closed_with_all_that_is_known(db: Database) -> None:
    id = await observation(db)
    patient = (await make.patients(db))[0]
    async with db.transaction(SYSTEM) as tx:
        await tx.execute("UPDATE resource_head SET owner_org = $2 WHERE id = $1", patient, make.CENTRE)
    async with db.transaction(make.GP) as tx:
        await labels.put_label(tx, "Patient", patient, "CEL")
    assert [await sees(db, reader(role), id) for role in ("medecin", "infirmier")] == [True, False]
