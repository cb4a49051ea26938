"""A patient who refuses that a service reads the record is not referred there; what is under way stays on its list, without a name."""

from __future__ import annotations

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.access import choices
from maillage.access.choices import Target
from maillage.kernel.errors import Conflict, Invalid
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def oppose(db: Database, task: str, target: Target | None = None, act: str = choices.READING) -> str:
    patient = str((await make.look(db, task))["patient_id"])
    async with db.transaction(make.GP) as tx:
        return await choices.oppose(tx, patient, act=act, said_by="patient", target=target)


async def lines(db: Database, name: str) -> list[tuple[str, str | None]]:
    async with db.transaction(make.TRIAGER) as tx:
        return [(row["id"], row["family"]) for row in await referrals.worklist(tx, name)]


@pytest.mark.parametrize("target", [Target(), Target(organization=make.HOSPITAL)], ids=["general", "organization"])
async def test_nothing_is_prepared_for_whom_the_patient_refuses(db: Database, target: Target) -> None:
    async with db.transaction(make.GP) as tx:
        await choices.oppose(tx, (await make.patients(db))[0], act=choices.READING, said_by="patient", target=target)
    with pytest.raises(Invalid) as refusal:
        await make.draft(db)
    assert [(issue.reason, issue.expression) for issue in refusal.value.issues] == [("patient-opposed", "ServiceRequest.performer")]
    assert await make.draft(db, patient=1)


async def test_nothing_is_sent_to_whom_the_patient_refuses_until_it_is_lifted(db: Database) -> None:
    [task] = await make.draft(db)
    opposition = await oppose(db, task, Target(organization=make.HOSPITAL))
    error = await make.refused(db, make.GP, referrals.send, task, Invalid, **make.SEND)
    assert [(issue.reason, issue.expression) for issue in error.issues] == [("patient-opposed", "Task.owner")]
    async with db.transaction(make.GP) as tx:
        assert "patient-opposed" in {one.verb: one.missing for one in await referrals.available_actions(tx, task)}["send"]
        await choices.withdraw(tx, opposition, said_by="patient")
    await make.act(db, make.GP, referrals.send, task, **make.SEND)
    assert (await make.look(db, task))["state"] == "sent"


@pytest.mark.parametrize(
    ("target", "act"),
    [
        (Target(organization=make.OTHER_HOSPITAL), choices.READING),
        (Target(practitioner="somebody"), choices.READING),
        (None, choices.FEEDING),
    ],
    ids=["elsewhere", "one-person", "feeding"],
)
async def test_another_refusal_stops_no_request(db: Database, target: Target | None, act: str) -> None:
    [task] = await make.draft(db)
    await oppose(db, task, target, act)
    await make.act(db, make.GP, referrals.send, task, **make.SEND)


async def test_it_is_not_handed_on_to_whom_the_patient_refuses(db: Database) -> None:
    task = await make.declined(db)
    await oppose(db, task, Target(organization=make.OTHER_HOSPITAL))
    there = {"service": make.ELSEWHERE, "reason": "other-specialty"}
    error = await make.refused(db, make.GP, referrals.send_elsewhere, task, Conflict, **there)
    assert error.reason == "patient-opposed"
    assert (await make.look(db, task))["state"] == "declined"
    await make.act(db, make.GP, referrals.send_elsewhere, task, service=make.OTHER_SERVICE, reason="other-specialty")


async def test_after_a_general_refusal_the_line_stays_and_says_no_name(db: Database) -> None:
    task, other = await make.sent(db), await make.sent(db, patient=1)
    before = dict(await lines(db, "to-triage"))
    assert None not in before.values()
    opposition = await oppose(db, task)
    assert dict(await lines(db, "to-triage")) == {**before, task: None}
    async with db.transaction(make.GP) as tx:
        await choices.withdraw(tx, opposition, said_by="patient")
    assert dict(await lines(db, "to-triage")) == before
    assert other in before
