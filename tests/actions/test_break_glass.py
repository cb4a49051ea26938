"""Emergency access: one listed person, one patient, four hours, every look marked, told and reviewed (CSP L1111-17)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.factories import referrals as make
from tests.support import postgres

from maillage import access, journeys, record
from maillage.access import emergency
from maillage.journeys.emergency import watch
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
WHY = "Malaise sur la voie publique, traitement inconnu."
DOCTOR = Actor("person", "urgentist", ("chiv",), frozenset({"medecin"}), "urgentist-role", assurance="eidas2")
COLLEAGUE = Actor("person", "colleague", ("chiv",), frozenset({"medecin"}), "colleague-role", assurance="eidas2")
SENIOR = Actor("person", "senior", ("chiv",), frozenset({"medecin", "referent"}), "senior-role", assurance="eidas2")
DPO = Actor("person", "dpo", ("chiv",), frozenset({"dpo"}), "dpo-role", assurance="eidas2")
DESK = make.person("vernois-colette", make.CENTRE, "secretaire", role_id="clamart-secretaire-vernois")


async def played(db: Database, actor: Actor, verb: Any, *args: Any, **given: Any) -> Any:
    async with db.transaction(actor) as tx:
        return await verb(tx, *args, **given)


async def broken(db: Database, patient: str, actor: Actor = DOCTOR, reason: str = "emergency") -> Any:
    return await played(db, actor, journeys.break_glass, patient, reason=reason, explanation=WHY)


async def patients(db: Database) -> list[str]:
    return await make.patients(db)


async def sees(db: Database, actor: Actor, kind: str, id: str) -> bool:
    async with db.transaction(actor) as tx:
        return id in await record.existing(tx, kind, [id], access.visible_to(actor, kind))


async def looked(db: Database, actor: Actor, patient: str, verb: str = "read") -> str:
    """The purpose that the audit trail gives to a look."""
    async with db.transaction(actor) as tx:
        await record.audit(tx, "R", "Patient", patient, patient=patient, verb=verb)
    async with db.trail.transaction(SYSTEM) as tx:
        return str(
            await tx.fetchval(
                "SELECT purpose FROM audit_event WHERE actor_id = $1 AND patient_id = $2 ORDER BY seq DESC LIMIT 1", actor.id, patient
            )
        )


async def notices(db: Database, event: str) -> list[str]:
    async with db.transaction(SYSTEM) as tx:
        return [row["role"] for row in await tx.fetch("SELECT role FROM notification WHERE event = $1 ORDER BY role", event)]


async def held_for_patients(db: Database) -> list[Any]:
    async with db.transaction(SYSTEM) as tx:
        return list(await tx.fetch("SELECT due_at FROM outbox WHERE topic = 'patient-notification' ORDER BY due_at"))


async def test_the_glass_opens_one_record_to_one_person_for_four_hours(db: Database, clock: FixedClock) -> None:
    one, other = (await patients(db))[:2]
    task = await make.sent(db)
    assert not await sees(db, DOCTOR, "Patient", one)
    await broken(db, one)
    assert [await sees(db, who, "Patient", one) for who in (DOCTOR, COLLEAGUE)] == [True, False]
    assert await sees(db, DOCTOR, "Task", task)
    assert not await sees(db, DOCTOR, "Patient", other)
    clock.advance(timedelta(hours=4) - timedelta(seconds=1))
    assert await sees(db, DOCTOR, "Patient", one)
    clock.advance(timedelta(seconds=1))
    assert not await sees(db, DOCTOR, "Patient", one)


async def test_every_look_under_the_glass_says_btg_and_no_other_does(db: Database, clock: FixedClock) -> None:
    one, other = (await patients(db))[:2]
    await broken(db, one)
    assert [await looked(db, DOCTOR, one), await looked(db, DOCTOR, other), await looked(db, COLLEAGUE, one)] == ["BTG", "TREAT", "TREAT"]
    clock.advance(timedelta(hours=4))
    assert await looked(db, DOCTOR, one) == "TREAT"


async def test_of_a_list_the_one_under_the_glass_says_btg_and_each_is_counted(db: Database, clock: FixedClock) -> None:
    one, other, third = (await patients(db))[:3]
    await broken(db, other)

    async def listed(verb: str) -> dict[str, str]:
        async with db.transaction(DOCTOR) as tx:
            await record.audit_many(tx, "R", [("Task", "", one), ("Task", "", other), ("Task", "", None), ("Task", "", third)], verb=verb)
        async with db.trail.transaction(SYSTEM) as tx:
            rows = await tx.fetch("SELECT x.patient_id, x.purpose FROM audit_event e, audit_shown(e) x WHERE e.verb = $1", verb)
        return {row["patient_id"]: row["purpose"] for row in rows}

    assert await listed("search") == {one: "TREAT", other: "BTG", None: "TREAT", third: "TREAT"}
    async with db.transaction(SYSTEM) as tx:
        looks = await tx.fetch("SELECT patient_id FROM patient_look WHERE practitioner_id = $1", DOCTOR.id)
    assert sorted(row["patient_id"] for row in looks) == sorted([one, other, third])
    clock.advance(timedelta(hours=4))
    assert set((await listed("read")).values()) == {"TREAT"}


async def test_who_has_to_know_is_told_at_once(db: Database) -> None:
    patient = (await patients(db))[0]
    glass = await broken(db, patient)
    assert await notices(db, "emergency-access") == ["dpo", "referent"]
    assert len(await held_for_patients(db)) == 1
    again = await broken(db, patient)
    assert again.id == glass.id
    assert await notices(db, "emergency-access") == ["dpo", "referent"], "opening again what is open tells nobody twice"


async def test_the_patient_is_told_later_where_the_deployer_says_so_and_not_at_all_where_messages_are_refused(
    dsn: str, db: Database, clock: FixedClock
) -> None:
    one, other = (await patients(db))[:2]
    await postgres.as_owner(dsn, "UPDATE emergency_limit SET tell_patient_after = '2 days'")
    await broken(db, one)
    assert [row["due_at"] for row in await held_for_patients(db)] == [clock.now() + timedelta(days=2)]
    await played(db, DESK, journeys.oppose, other, act="messages", said_by="patient")
    await broken(db, other)
    assert len(await held_for_patients(db)) == 1


async def test_more_than_three_a_day_raise_an_alarm(db: Database, clock: FixedClock) -> None:
    for patient in (await patients(db))[:3]:
        await broken(db, patient)
    assert await notices(db, "emergency-alarm") == []
    clock.advance(timedelta(hours=23))
    await broken(db, (await patients(db))[3])
    assert await notices(db, "emergency-alarm") == ["dpo", "referent"]


@pytest.mark.parametrize("reason", emergency.REASONS)
async def test_a_refusal_of_emergency_access_stops_all_but_a_vital_emergency(db: Database, reason: str) -> None:
    patient = (await patients(db))[0]
    await played(db, DESK, journeys.oppose, patient, act="emergency", said_by="patient")
    if reason == "vital":
        assert (await broken(db, patient, reason=reason)).refused_before
        async with db.trail.transaction(SYSTEM) as tx:
            assert await tx.fetchval("SELECT count(*) FROM audit_event WHERE verb = 'break-glass-past-refusal' AND purpose = 'BTG'") == 1
        assert await sees(db, DOCTOR, "Patient", patient)
    else:
        with pytest.raises(NotAllowed) as refusal:
            await broken(db, patient, reason=reason)
        assert refusal.value.reason == "emergency-refused"
        assert not await sees(db, DOCTOR, "Patient", patient)


async def test_a_vital_emergency_opens_more_than_the_glass_that_was_open(db: Database) -> None:
    patient = (await patients(db))[0]
    await played(db, DESK, journeys.oppose, patient, act="reading", said_by="patient")
    first = await broken(db, patient)
    assert not await sees(db, DOCTOR, "Patient", patient), "an ordinary emergency does not beat what the patient refused"
    second = await broken(db, patient, reason="vital")
    assert second.id != first.id
    assert await sees(db, DOCTOR, "Patient", patient)


@pytest.mark.parametrize(("roles", "assurance", "reason"), [({"medecin"}, "eidas1", "assurance"), ({"medecin"}, "", "assurance")])
async def test_a_weak_sign_in_breaks_nothing(db: Database, roles: set[str], assurance: str, reason: str) -> None:
    actor = Actor("person", "p", ("chiv",), frozenset(roles), "r", assurance=assurance)
    with pytest.raises(NotAllowed) as refusal:
        await broken(db, (await patients(db))[0], actor)
    assert refusal.value.reason == reason


@pytest.mark.parametrize("role", ["secretaire", "gestionnaire", "dpo", "administrateur", "logiciel"])
async def test_for_others_the_patient_does_not_exist(db: Database, role: str) -> None:
    actor = Actor("person", "p", ("chiv",), frozenset({role}), "r", assurance="eidas3")
    for patient in ((await patients(db))[0], "nobody"):
        with pytest.raises(NotFound):
            await broken(db, patient, actor)
    with pytest.raises(NotFound):
        await broken(db, "nobody")


@pytest.mark.parametrize(
    ("given", "reason"), [({"reason": "curious"}, "reason-unknown"), ({"explanation": "  court       "}, "explanation-short")]
)
async def test_a_reason_and_a_sentence_are_owed(db: Database, given: dict[str, str], reason: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await played(db, DOCTOR, journeys.break_glass, (await patients(db))[0], **{"reason": "emergency", "explanation": WHY, **given})
    assert refusal.value.reason == reason


async def test_only_listed_people_learn_that_a_patient_is_there(db: Database) -> None:
    async with db.transaction(SYSTEM) as tx:
        row = await tx.fetchrow("SELECT id, family, given, birth_date FROM patient ORDER BY id LIMIT 1")
    traits = {name: row[name] for name in ("family", "given", "birth_date")}
    assert await played(db, DOCTOR, emergency.hidden_patient, **traits) == row["id"]
    assert await played(db, DPO, emergency.hidden_patient, **traits) is None
    with pytest.raises(Invalid):
        await played(db, DOCTOR, emergency.hidden_patient, family=row["family"], given=row["given"])
    assert await played(db, DOCTOR, emergency.hidden_patient, **{**traits, "family": "Personne"}) is None


# --- review -------------------------------------------------------------------------


@pytest.mark.parametrize("reviewer", [SENIOR, DPO])
async def test_each_use_is_reviewed_by_somebody_else_once(db: Database, reviewer: Actor) -> None:
    glass = await broken(db, (await patients(db))[0])
    assert [one.id for one in await played(db, reviewer, emergency.to_review)] == [glass.id]
    await played(db, reviewer, emergency.review, glass.id, decision="justified")
    assert await played(db, reviewer, emergency.to_review) == []
    assert (await played(db, reviewer, emergency.glass, glass.id)).decision == "justified"
    with pytest.raises(Conflict):
        await played(db, reviewer, emergency.review, glass.id, decision="not-justified")


async def test_nobody_judges_their_own_access_nor_without_the_role_nor_elsewhere(db: Database) -> None:
    glass = await broken(db, (await patients(db))[0], SENIOR)
    assert await played(db, SENIOR, emergency.to_review) == []
    for actor, reason in ((SENIOR, "own-access"), (COLLEAGUE, "role")):
        with pytest.raises(NotAllowed) as refusal:
            await played(db, actor, emergency.review, glass.id, decision="justified")
        assert refusal.value.reason == reason
    with pytest.raises(NotFound):
        await played(db, make.SENIOR, emergency.review, glass.id, decision="justified")
    with pytest.raises(Invalid):
        await played(db, DPO, emergency.review, glass.id, decision="fine")


async def test_a_late_review_is_called_for_once(db: Database, clock: FixedClock) -> None:
    await broken(db, (await patients(db))[0])
    clock.advance(timedelta(days=7) - timedelta(seconds=1))
    await played(db, SYSTEM, watch)
    assert await notices(db, "emergency-review-late") == []
    clock.advance(timedelta(seconds=1))
    for _ in range(2):
        await played(db, SYSTEM, watch)
    assert await notices(db, "emergency-review-late") == ["dpo", "referent"]


# --- browsing ------------------------------------------------------------------------


async def test_more_patients_than_a_day_explains_are_told_once_an_hour(dsn: str, db: Database, clock: FixedClock) -> None:
    await postgres.as_owner(dsn, "UPDATE emergency_limit SET patients_an_hour = 3")
    for number, patient in enumerate((await patients(db))[:5]):
        if number == 3:
            await played(db, SYSTEM, watch)
            assert await notices(db, "browsing") == []
        await looked(db, make.GP, patient)
        await looked(db, make.GP, patient)  # the same patient again is one patient
        await looked(db, make.COLLEAGUE, patient, "worklist")  # a list that one's work opens is no curiosity
    for _ in range(2):
        await played(db, SYSTEM, watch)
    assert await notices(db, "browsing") == ["dpo", "referent"]
    clock.advance(timedelta(days=3))
    await played(db, SYSTEM, watch)
    async with db.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT count(*) FROM patient_look") == 0


async def test_patients_of_the_agenda_are_no_curiosity(dsn: str, db: Database) -> None:
    await postgres.as_owner(dsn, "UPDATE emergency_limit SET patients_an_hour = 3")
    async with db.transaction(SYSTEM) as tx:
        for patient in (await patients(db))[:5]:
            await access.link(tx, patient, make.CENTRE, "rendez-vous", "Appointment/1")
    for patient in (await patients(db))[:5]:
        await looked(db, make.GP, patient)
    await played(db, SYSTEM, watch)
    assert await notices(db, "browsing") == []
