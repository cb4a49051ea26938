"""A patient's consent and oppositions as verbs: recorded at once, in force at once, taken back as easily."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.factories import referrals as make
from tests.support import postgres

from maillage import access, journeys, record
from maillage.access import choices
from maillage.codes.json import decode
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Unavailable
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
DESK = make.person("vernois-colette", make.CENTRE, "secretaire", role_id="clamart-secretaire-vernois")
OUTSIDER = Actor("person", "outsider", ("chiv",), frozenset({"medecin"}), "outsider-role")


async def patient_of(db: Database) -> str:
    return (await make.patients(db))[0]


async def played(db: Database, actor: Actor, verb: Any, *args: Any, **given: Any) -> Any:
    async with db.transaction(actor) as tx:
        return await verb(tx, *args, **given)


async def sees(db: Database, actor: Actor, kind: str, id: str) -> bool:
    async with db.transaction(actor) as tx:
        return id in await record.existing(tx, kind, [id], access.visible_to(actor, kind))


async def shown(db: Database, id: str) -> dict[str, Any]:
    async with db.transaction(SYSTEM) as tx:
        found: dict[str, Any] = decode((await record.read(tx, "Consent", id, access.visible_to(SYSTEM, "Consent"))).content)
    return found


async def trail(db: Database, verb: str) -> int:
    async with db.trail.transaction(SYSTEM) as tx:
        return int(await tx.fetchval("SELECT count(*) FROM audit_event WHERE verb = $1 AND res_type = 'Consent'", verb))


# --- oppose -------------------------------------------------------------------------


async def test_an_opposition_counts_at_once_and_its_lifting_too(db: Database) -> None:
    patient = await patient_of(db)
    assert await sees(db, make.TRIAGER, "Patient", patient)
    id = await played(db, DESK, journeys.oppose, patient, act="reading", said_by="patient", organization=f"Organization/{make.HOSPITAL}")
    assert not await sees(db, make.TRIAGER, "Patient", patient)
    assert await sees(db, make.GP, "Patient", patient)
    assert await sees(db, DESK, "Consent", id)
    assert not await sees(db, make.TRIAGER, "Consent", id)
    assert await played(db, DESK, journeys.revoke, id, said_by="patient") == id
    assert await sees(db, make.TRIAGER, "Patient", patient)
    assert [await trail(db, verb) for verb in ("oppose-reading", "lift-reading")] == [1, 1]


async def test_the_consent_resource_says_who_is_denied_what_and_until_when(db: Database, clock: FixedClock) -> None:
    patient, end = await patient_of(db), clock.now() + timedelta(days=30)
    id = await played(
        db, DESK, journeys.oppose, patient, act="reading", said_by="representant", practitioner="Practitioner/castanier-leo", ends=end
    )
    found = await shown(db, id)
    assert (found["status"], found["policyRule"]["coding"][0]["code"], found["provision"]["type"]) == ("active", "OPTOUT", "deny")
    assert found["provision"]["actor"][0]["reference"] == {"reference": "Practitioner/castanier-leo"}
    assert found["provision"]["period"]["end"] == end.isoformat()
    assert found["performer"] == [{"display": "representant"}]
    clock.advance(timedelta(days=1))
    await played(db, DESK, journeys.revoke, id, said_by="patient")
    ended = await shown(db, id)
    assert (ended["status"], ended["provision"]["period"]["end"]) == ("inactive", clock.now().isoformat())


async def test_a_document_is_refused_to_all_but_its_keeper(db: Database) -> None:
    patient = await patient_of(db)
    async with db.transaction(make.GP) as tx:
        letter = {"resourceType": "Basic", "id": "letter-1", "code": {"text": "x"}}
        await record.first_photograph(tx, letter, patient=patient, owner=make.CENTRE, parties=[make.HOSPITAL])
    assert await sees(db, make.TRIAGER, "Basic", "letter-1")
    await played(db, make.GP, journeys.oppose, patient, act="reading", said_by="patient", document="Basic/letter-1")
    assert not await sees(db, make.TRIAGER, "Basic", "letter-1")
    assert await sees(db, make.GP, "Basic", "letter-1")
    assert await sees(db, make.TRIAGER, "Patient", patient)


async def test_the_desk_that_recorded_a_general_opposition_can_lift_it(db: Database) -> None:
    patient = await patient_of(db)
    id = await played(db, DESK, journeys.oppose, patient, act="reading", said_by="patient")
    assert await sees(db, DESK, "Patient", patient)
    assert not await sees(db, make.TRIAGER, "Patient", patient)
    await played(db, DESK, journeys.revoke, id, said_by="patient")
    assert await sees(db, make.TRIAGER, "Patient", patient)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"act": "listening"}, "act-unknown"),
        ({"organization": "a", "practitioner": "b"}, "one-target"),
        ({"act": "messages", "organization": "a"}, "general-only"),
        ({"act": "emergency", "document": "Basic/1"}, "general-only"),
        ({"said_by": "neighbour"}, "speaker-unknown"),
        ({"document": "Basic/nowhere"}, "document-unknown"),
        ({"document": "nowhere"}, "document-unknown"),
        ({"starts": timedelta(hours=-1)}, "starts-in-past"),
        ({"ends": timedelta(0)}, "ends-before-start"),
    ],
)
async def test_what_an_opposition_must_be(db: Database, clock: FixedClock, given: dict[str, Any], reason: str) -> None:
    patient = await patient_of(db)
    dated = {name: clock.now() + value if isinstance(value, timedelta) else value for name, value in given.items()}
    with pytest.raises(Invalid) as refusal:
        await played(db, DESK, journeys.oppose, patient, **{"act": "reading", "said_by": "patient", **dated})
    assert refusal.value.reason == reason


async def test_only_who_sees_the_patient_and_has_the_role_records_a_choice(db: Database) -> None:
    patient = await patient_of(db)
    with pytest.raises(NotFound):
        await played(db, OUTSIDER, journeys.oppose, patient, act="reading", said_by="patient")
    planner = make.person("aumontel-delphine", make.HOSPITAL, "planificateur")
    with pytest.raises(NotAllowed) as refusal:
        await played(db, planner, journeys.oppose, patient, act="reading", said_by="patient")
    assert refusal.value.reason == "role"


async def test_a_choice_ends_once_and_by_who_recorded_it(db: Database) -> None:
    id = await played(db, DESK, journeys.oppose, await patient_of(db), act="feeding", said_by="patient")
    with pytest.raises(NotAllowed):
        await played(db, make.TRIAGER, journeys.revoke, id, said_by="patient")
    await played(db, DESK, journeys.revoke, id, said_by="patient")
    with pytest.raises(Conflict) as refusal:
        await played(db, DESK, journeys.revoke, id, said_by="patient")
    assert refusal.value.reason == "choice-ended"
    with pytest.raises(NotFound):
        await played(db, DESK, journeys.revoke, "nothing", said_by="patient")


async def test_both_sides_of_an_open_request_hear_of_an_opposition(db: Database) -> None:
    task = await make.sent(db)
    patient = (await make.look(db, task))["patient_id"]
    await played(db, DESK, journeys.oppose, patient, act="reading", said_by="patient", organization=make.HOSPITAL)
    async with db.transaction(SYSTEM) as tx:
        rows = await tx.fetch("SELECT organization_id FROM notification WHERE event = 'patient-opposed' AND focus_id = $1 ORDER BY 1", task)
    assert [row["organization_id"] for row in rows] == sorted([make.CENTRE, make.HOSPITAL])
    assert await sees(db, make.GP, "Task", task)  # the request stays on the list of who can decide
    assert not await sees(db, make.TRIAGER, "Task", task)


async def test_three_refusals_are_three_states(db: Database) -> None:
    patient = await patient_of(db)
    for act in ("feeding", "messages", "emergency"):
        await played(db, DESK, journeys.oppose, patient, act=act, said_by="patient")
    async with db.transaction(SYSTEM) as tx:
        told = {act: await choices.refuses(tx, patient, act) for act in choices.ACTS}
        assert await choices.opposed_organizations(tx, patient, [make.HOSPITAL]) == set()
    assert told == {"reading": False, "feeding": True, "messages": True, "emergency": True}


# --- consent ------------------------------------------------------------------------


async def test_a_consent_opens_the_record_to_whom_it_names_until_it_is_taken_back(db: Database, clock: FixedClock) -> None:
    patient = await patient_of(db)
    task = await make.sent(db)
    assert not await sees(db, OUTSIDER, "Task", task)
    id = await played(db, DESK, journeys.consent, patient, organization="chiv", ends=clock.now() + timedelta(days=90), said_by="patient")
    assert await sees(db, OUTSIDER, "Task", task)
    async with db.transaction(SYSTEM) as tx:
        assert await choices.consents_to(tx, patient, "chiv")
    await played(db, DESK, journeys.revoke, id, said_by="patient")
    assert not await sees(db, OUTSIDER, "Task", task)
    assert [await trail(db, verb) for verb in ("consent-consent", "withdraw-consent")] == [1, 1]
    assert (await shown(db, id))["policyRule"]["coding"][0]["code"] == "OPTIN"


async def test_a_consent_ends_at_its_date(db: Database, clock: FixedClock) -> None:
    patient, end = await patient_of(db), clock.now() + timedelta(days=90)
    await played(db, DESK, journeys.consent, patient, organization="chiv", ends=end, said_by="patient")
    seen = []
    for at in (end - timedelta(seconds=1), end):
        clock.set(at)
        seen.append(await sees(db, OUTSIDER, "Patient", patient))
    assert seen == [True, False]


async def test_a_consent_for_one_professional_is_for_that_one(db: Database, clock: FixedClock) -> None:
    patient = await patient_of(db)
    given = {"organization": "chiv", "practitioner": OUTSIDER.id, "ends": clock.now() + timedelta(days=9), "said_by": "patient"}
    await played(db, DESK, journeys.consent, patient, **given)
    colleague = Actor("person", "colleague", ("chiv",), frozenset({"medecin"}))
    assert [await sees(db, who, "Patient", patient) for who in (OUTSIDER, colleague)] == [True, False]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"organization": make.CENTRE}, "own-organization"),
        ({"ends": timedelta(0)}, "ends-before-start"),
        ({"ends": timedelta(days=4000)}, "consent-too-long"),
        ({"organization": ""}, "recipient-missing"),
    ],
)
async def test_what_a_consent_must_be(db: Database, clock: FixedClock, given: dict[str, Any], reason: str) -> None:
    asked = {"organization": "chiv", "ends": timedelta(days=1), "said_by": "patient", **given}
    with pytest.raises(Invalid) as refusal:
        await played(db, DESK, journeys.consent, await patient_of(db), **{**asked, "ends": clock.now() + asked["ends"]})
    assert refusal.value.reason == reason


async def test_choices_are_told_to_the_organisation_that_recorded_them(db: Database) -> None:
    patient = await patient_of(db)
    await played(db, DESK, journeys.oppose, patient, act="feeding", said_by="patient")
    async with db.transaction(make.GP) as tx:
        assert [(one.act, one.in_force(tx.now)) for one in await choices.choices_of(tx, patient)] == [("feeding", True)]
    async with db.transaction(make.TRIAGER) as tx:
        assert await choices.choices_of(tx, patient) == []


async def test_what_is_recorded_is_never_rewritten(db: Database, dsn: str) -> None:
    await played(db, DESK, journeys.oppose, await patient_of(db), act="feeding", said_by="patient")
    for statement in ("UPDATE opposition SET act = 'reading'", "DELETE FROM opposition"):
        with pytest.raises(Unavailable, match="not-granted"):
            async with db.transaction(SYSTEM) as tx:
                await tx.execute(statement)
        with pytest.raises(Exception, match="append-only"):
            await postgres.as_owner(dsn, statement)
