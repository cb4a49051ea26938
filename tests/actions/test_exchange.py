"""A request between a town that works here and a hospital that works at a peer: what is told, in which order, once, and what is not."""

from __future__ import annotations

from base64 import b64decode
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.factories import referrals as make
from tests.support.machines import jwks

from maillage import journeys, referrals
from maillage.access import choices, peers
from maillage.access.clients.types import Client
from maillage.documents import Checked
from maillage.journeys import exchange
from maillage.journeys.exchange import Parcel
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, NotAllowed
from maillage.store import Database
from maillage.store.blobs import Folder, Ring, Vault

FILL = make.territory
pytestmark = pytest.mark.asyncio
PERCY = Actor("client", "percy", (make.HOSPITAL,), frozenset({"logiciel"}))
TOLD_TO_PATIENTS = "SELECT count(*) FROM outbox WHERE topic = 'patient-notification'"
VERBS = {operation.name: operation.call for operation in journeys.OPERATIONS if operation.type == "Task"}


async def with_percy(db: Database, *organizations: str) -> None:
    """The hospital works elsewhere from now on."""
    async with db.transaction(SYSTEM) as tx:
        client = Client("percy", "backend", "percy", organizations or (make.HOSPITAL,), peers.SCOPES, jwks(), "", (), "")
        await peers.add_peer(tx, client, "https://percy.example/fhir/", "clamart")


async def there(db: Database, verb: str, task: str, **given: Any) -> None:
    """The peer plays what was done there."""
    await make.act(db, PERCY, VERBS[verb], task, **given)


async def taken(db: Database) -> int:
    [(name, fence)] = await exchange.lease(db)
    assert name == "percy"
    return fence


async def next_of(db: Database, fence: int) -> Parcel:
    parcel = await exchange.prepare(db, "percy", fence)
    assert parcel is not None
    return parcel


async def standing(db: Database) -> tuple[int, int]:
    async with db.transaction(SYSTEM) as tx:
        [row] = await exchange.waiting(tx)
    return row["waiting"], row["refused"]


async def test_a_request_to_a_service_of_a_peer_is_told_to_it_with_all_that_it_needs(db: Database) -> None:
    await with_percy(db)
    task = await make.sent(db)
    row = await make.look(db, task)
    assert (row["peer"], row["peer_side"]) == ("percy", "performer")
    parcel = await next_of(db, await taken(db))
    assert (parcel.verb, parcel.target, parcel.key, parcel.role) == ("send", task, f"{task}.1", make.GP.role_id)
    assert parcel.patient["id"] == row["patient_id"]
    assert parcel.request["id"] == row["request_id"]
    assert parcel.form is not None
    assert parcel.form["status"] == "completed"
    assert parcel.services == (make.SERVICE,)
    names = [part["name"] for part in parcel.parameters["parameter"]]
    assert names == ["identity_confirmed", "patient_informed"]


async def test_a_request_between_people_who_work_here_is_nobody_elses(db: Database) -> None:
    await with_percy(db, make.OTHER_HOSPITAL)
    task = await make.to_book(db)
    assert (await make.look(db, task))["peer"] is None
    assert await standing(db) == (0, 0)


async def test_one_installation_speaks_for_an_organisation(db: Database) -> None:
    await with_percy(db)
    with pytest.raises(Conflict, match="organization-elsewhere"):
        await with_percy(db)


async def test_what_the_peer_did_is_not_told_back_and_its_patient_is_not_told_twice(db: Database) -> None:
    await with_percy(db)
    task = await make.sent(db)
    async with db.transaction(SYSTEM) as tx:
        before = await tx.fetchval(TOLD_TO_PATIENTS)
    await there(db, "open", task)
    await there(db, "accept", task)
    assert (await make.look(db, task))["state"] == "to-book"
    assert await standing(db) == (1, 0), "the sending alone"
    assert ("referral-accept", make.CENTRE, make.GP.role_id) in await make.told(db, task)
    async with db.transaction(SYSTEM) as tx:
        assert await tx.fetchval(TOLD_TO_PATIENTS) == before == 1


async def test_steps_are_told_in_their_order_one_after_the_other(db: Database) -> None:
    await with_percy(db)
    task = await make.sent(db)
    await there(db, "ask-info", task, items=["Bilan"])
    await make.act(db, make.GP, referrals.answer_info, task, answers=[{"number": 1, "answer": "Normal"}])
    fence = await taken(db)
    verbs = []
    while parcel := await exchange.prepare(db, "percy", fence):
        assert (await exchange.prepare(db, "percy", fence)) == parcel, "the same one until it has an end"
        verbs.append(parcel.verb)
        await exchange.told(db, parcel)
    assert verbs == ["send", "answer-info"]
    assert await standing(db) == (0, 0)
    async with db.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT count(*) FROM referral_step WHERE given <> '{}'") == 0, "what was brought is kept once"


async def test_one_worker_at_a_time_and_one_that_lost_its_lease_tells_nothing(db: Database, clock: FixedClock) -> None:
    await with_percy(db)
    await make.sent(db)
    first = await taken(db)
    assert await exchange.lease(db) == []
    clock.advance(peers.LEASE + timedelta(seconds=1))
    second = await taken(db)
    assert await exchange.prepare(db, "percy", first) is None
    assert await exchange.prepare(db, "percy", second) is not None


async def test_a_peer_that_is_away_makes_everything_wait(db: Database, clock: FixedClock) -> None:
    await with_percy(db)
    await make.sent(db)
    fence = await taken(db)
    await next_of(db, fence)
    await exchange.away(db, "percy", fence, "connection")
    assert await exchange.lease(db) == []
    clock.advance(timedelta(seconds=3))
    fence = await taken(db)
    await exchange.away(db, "percy", fence, "connection")
    clock.advance(timedelta(seconds=3))
    assert await exchange.lease(db) == [], "longer each time"
    clock.advance(timedelta(seconds=3))
    await exchange.told(db, await next_of(db, await taken(db)))
    assert await standing(db) == (0, 0)


async def test_what_the_peer_refuses_is_told_to_people_and_can_be_told_again(db: Database) -> None:
    await with_percy(db)
    task = await make.sent(db)
    fence = await taken(db)
    await exchange.refused(db, await next_of(db, fence), "requester-missing")
    assert await exchange.prepare(db, "percy", fence) is None
    assert await standing(db) == (0, 1)
    assert ("referral-step-refused", make.CENTRE, make.GP.role_id) in await make.told(db, task)
    async with db.transaction(SYSTEM) as tx:
        assert await exchange.retry(tx, "percy") == 1
    assert (await next_of(db, fence)).verb == "send"


async def test_a_patient_who_says_no_meanwhile_is_told_of_to_nobody(db: Database) -> None:
    await with_percy(db)
    task = await make.sent(db)

    async with db.transaction(make.GP) as tx:
        await choices.oppose(tx, (await make.request_of(db, task))["patient_id"], act=choices.READING, said_by="patient")
    assert await exchange.prepare(db, "percy", await taken(db)) is None
    assert await standing(db) == (0, 1)


async def test_the_diary_is_where_the_service_works(db: Database) -> None:
    await with_percy(db)
    task = await make.sent(db)
    await there(db, "accept", task)
    with pytest.raises(Conflict, match="diary-elsewhere"):
        await make.act(db, make.GP, VERBS["book"], task, slot="any", contact=make.PHONE)
    place = {"appointment_id": "there-1", **make.SLOT}
    await there(db, "offer", task, **place)
    await make.act(db, make.GP, VERBS["book"], task, contact=make.PHONE)
    row = await make.look(db, task)
    assert (row["state"], row["appointment_id"], row["slot_start"]) == ("booked", "there-1", make.SLOT["start"])
    await there(db, "cancel-appointment", task, side="hospital", reason="leave")
    assert (await make.look(db, task))["slot_start"] is None


async def test_what_the_diary_there_decides_is_its_own_to_say(db: Database) -> None:
    await with_percy(db)
    task = await make.sent(db)
    await there(db, "accept", task)
    await there(db, "offer", task, appointment_id="there-1", **make.SLOT)
    with pytest.raises(NotAllowed):
        await make.act(db, make.GP, VERBS["offer-expired"], task)
    await there(db, "offer-withdrawn", task, reason="leave")
    assert (await make.look(db, task))["state"] == "to-book"


async def test_the_clock_here_does_not_park_what_waits_there(db: Database, clock: FixedClock) -> None:
    await with_percy(db)
    task = await make.sent(db)
    await there(db, "accept", task)
    clock.advance(timedelta(days=20))
    async with db.transaction(SYSTEM) as tx:
        await journeys.referral_to_booking.run_deadlines(tx)
    assert (await make.look(db, task))["state"] == "to-book"


async def test_a_follow_up_has_the_same_name_on_both_sides(db: Database) -> None:
    await with_percy(db)
    task = await make.sent(db)
    due = make.SLOT["start"] + timedelta(days=30)
    await there(db, "advise", task, recommendation="to-be-seen", text="À revoir", due=due)
    [child] = await make.children(db, task, "follow-up")
    await make.act(db, make.GP, referrals.accept_follow_up, child["id"])
    fence, last = await taken(db), None
    while parcel := await exchange.prepare(db, "percy", fence):
        last = parcel
        await exchange.told(db, parcel)
    assert last is not None
    assert (last.verb, last.target, last.task) == ("accept", child["id"], task)
    assert child["id"] == (await make.children(db, task, "follow-up"))[0]["id"]


async def test_files_go_with_the_request_and_with_what_they_came_with(db: Database, tmp_path: Path) -> None:
    await with_percy(db)
    vault = Vault(Folder(tmp_path / "objects"), Ring(tmp_path / "master.keys"))
    file = Checked("pieces", "radio.txt", "text/plain", b"Radio de face")
    [task] = await make.draft(db)
    async with db.transaction(make.GP) as tx:
        [first] = await referrals.attach(tx, vault, task, [file], "request")
    await make.act(db, make.GP, referrals.send, task, **make.SEND)
    await there(db, "ask-info", task, items=["Bilan"])
    async with db.transaction(make.GP) as tx:
        await referrals.answer_info(tx, task, answers=[{"number": 1, "answer": "Joint"}])
        [second] = await referrals.attach(tx, vault, task, [file], "answer")
    fence, told = await taken(db), []
    while parcel := await exchange.prepare(db, "percy", fence):
        told.append((parcel.verb, parcel.part, parcel.files))
        last = parcel
        await exchange.told(db, parcel)
    assert told == [("send", "request", (first,)), ("answer-info", "", ()), ("attach", "answer", (second,))]
    body = await exchange.content(db, vault, last, second)
    values = {part["name"]: part for part in body["parameter"]}
    assert values["title"]["valueString"] == "radio.txt"
    assert b64decode(values["content"]["valueBase64Binary"]) == b"Radio de face"
