"""What a patient refuses beats whatever allows it: each basis x each scope x both orders of insertion (promise 5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.factories import referrals as make

from maillage import access, record
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.ids import new_id
from maillage.store import Database, Transaction

FILL = make.territory
pytestmark = pytest.mark.asyncio
BASES = ("presence", "adressage", "rendez-vous", "tele-expertise", "medecin-traitant", "consentement", "bris-de-glace")
ALLOWED_BY = (*BASES, "addressee", "owner")
READER = make.CARDIOLOGIST
NAMED: dict[str, dict[str, str]] = {
    "general": {},
    "organization": {"organization_id": READER.organization},
    "practitioner": {"practitioner_id": READER.id},
    "document": {},
}


async def oppose(
    tx: Transaction, patient: str, scope: str, *, act: str = "reading", document: tuple[str, str] = ("", ""), **more: Any
) -> str:
    """An opposition of the patient, in force from now on."""
    id, columns = new_id(), {**NAMED[scope], **more}
    if scope == "document":
        columns |= {"res_type": document[0], "res_id": document[1]}
    row = {
        "id": id,
        "patient_id": patient,
        "act": act,
        "scope": scope,
        "said_by": "patient",
        "starts": tx.now,
        "recorded_at": tx.now,
        "recorded_by": "desk",
        "owner_org": make.CENTRE,
        "parties": [make.CENTRE],
        **columns,
    }
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await tx.execute(f"INSERT INTO opposition ({', '.join(row)}) VALUES ({places})", *row.values())
    return id


async def sees(db: Database, actor: Actor, kind: str, id: str) -> bool:
    async with db.transaction(actor) as tx:
        return id in await record.existing(tx, kind, [id], access.visible_to(actor, kind))


async def letter(tx: Transaction, patient: str, *, owner: str, parties: tuple[str, ...] = ()) -> str:
    """A document about the patient."""
    id = new_id()
    await record.first_photograph(
        tx, {"resourceType": "Basic", "id": id, "code": {"text": "letter"}}, patient=patient, owner=owner, parties=parties
    )
    return id


async def allow(tx: Transaction, patient: str, basis: str) -> None:
    if basis in BASES:
        person = {"person": READER.id, "ends": tx.now + timedelta(hours=4)} if basis == "bris-de-glace" else {}
        await access.link(tx, patient, READER.organization, basis, "Task/1", **person)


@pytest.mark.parametrize("first", ["opposition", "allow"])
@pytest.mark.parametrize("scope", NAMED)
@pytest.mark.parametrize("basis", ALLOWED_BY)
async def test_an_opposition_beats_every_basis_in_both_orders(db: Database, basis: str, scope: str, first: str) -> None:
    patient = (await make.patients(db))[0]
    owner = READER.organization if basis == "owner" else make.HOSPITAL
    async with db.transaction(SYSTEM) as tx:
        document = await letter(tx, patient, owner=owner, parties=(READER.organization,) if basis == "addressee" else ())
        if first == "opposition":
            await oppose(tx, patient, scope, document=("Basic", document))
            await allow(tx, patient, basis)
        else:
            await allow(tx, patient, basis)
            await oppose(tx, patient, scope, document=("Basic", document))
    own_file = basis == "owner" and scope in ("general", "document")
    assert await sees(db, READER, "Basic", document) is own_file
    if basis in BASES and scope != "document":
        assert not await sees(db, READER, "Patient", patient)


async def test_an_opposition_has_its_dates_and_its_lifting(db: Database, clock: FixedClock) -> None:
    patient, now = (await make.patients(db))[0], clock.now()
    async with db.transaction(SYSTEM) as tx:
        await allow(tx, patient, "medecin-traitant")
        first = await oppose(tx, patient, "general", starts=now + timedelta(hours=1), ends=now + timedelta(hours=2))
        second = await oppose(tx, patient, "general", starts=now + timedelta(hours=3))
    seen = []
    for hours in (0, 1, 2, 3):
        clock.set(now + timedelta(hours=hours))
        seen.append(await sees(db, READER, "Patient", patient))
    assert seen == [True, False, True, False]
    async with db.transaction(SYSTEM) as tx:
        await tx.execute(
            "INSERT INTO choice_end (choice_id, patient_id, at, said_by, recorded_by, owner_org, parties) VALUES ($1, $2, $3, 'patient', 'x', $4, $5)",
            *(second, patient, tx.now, make.CENTRE, [make.CENTRE]),
        )
    assert first != second
    assert await sees(db, READER, "Patient", patient)


@pytest.mark.parametrize("act", ["feeding", "messages", "emergency"])
async def test_other_refusals_do_not_stop_reading(db: Database, act: str) -> None:
    patient = (await make.patients(db))[0]
    async with db.transaction(SYSTEM) as tx:
        await allow(tx, patient, "medecin-traitant")
        await oppose(tx, patient, "general", act=act)
    assert await sees(db, READER, "Patient", patient)


async def test_the_function_of_the_database_says_the_same_as_the_predicate(db: Database) -> None:
    patient = (await make.patients(db))[0]
    async with db.transaction(SYSTEM) as tx:
        await oppose(tx, patient, "practitioner")
        ask = "SELECT opposed($1, 'Basic', 'any', $2, $3, $4, app_now())"
        told = [await tx.fetchval(ask, patient, make.HOSPITAL, [READER.organization], person) for person in (READER.id, "somebody-else")]
    assert told == [True, False]


@pytest.mark.parametrize("reason", ["vital", "emergency"])
async def test_only_a_vital_emergency_goes_past_an_opposition(db: Database, reason: str) -> None:
    patient = (await make.patients(db))[0]
    async with db.transaction(SYSTEM) as tx:
        await oppose(tx, patient, "organization")
        await allow(tx, patient, "bris-de-glace")
        await tx.execute(
            """INSERT INTO break_glass (id, patient_id, practitioner_id, organization_id, reason, explanation, refused_before, starts, ends, review_due)
            VALUES ('glass', $1, $2, $3, $4, 'found on the street, no papers', false, $5, $5::timestamptz + interval '4 hours',
                $5::timestamptz + interval '7 days')""",
            *(patient, READER.id, READER.organization, reason, tx.now),
        )
    assert await sees(db, READER, "Patient", patient) is (reason == "vital")


async def test_a_link_of_one_person_or_one_document_opens_no_more(db: Database) -> None:
    patient = (await make.patients(db))[0]
    async with db.transaction(SYSTEM) as tx:
        given, kept = await letter(tx, patient, owner=make.HOSPITAL), await letter(tx, patient, owner=make.HOSPITAL)
        until = tx.now + timedelta(days=1)
        await access.link(
            tx, patient, READER.organization, "consentement", "Consent/1", ends=until, person=READER.id, only=("Basic", given)
        )
    colleague = Actor("person", "colleague", READER.organizations, READER.roles)
    assert [await sees(db, who, "Basic", id) for who, id in ((READER, given), (READER, kept), (colleague, given))] == [True, False, False]
