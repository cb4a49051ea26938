"""Accepting: never one's own request, one winner, the priority changed with a reason."""

from __future__ import annotations

import pytest
from tests.factories import referrals as make

from maillage import directory, referrals
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, Unavailable
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def test_accepted(db: Database) -> None:
    task = await make.to_book(db)
    row = await make.look(db, task)
    assert (row["state"], row["decided_by"], row["deadline"]) == ("to-book", "castanier-leo", "first-offer")
    assert ("referral-accept", make.HOSPITAL, "planificateur") in await make.told(db, task)
    assert ("referral-accept", make.CENTRE, "clamart-mg-isambert") in await make.told(db, task)


async def test_nobody_accepts_an_own_request(db: Database) -> None:
    task = await make.opened(db)
    there = {
        "resourceType": "PractitionerRole",
        "id": "percy-hge-x",
        "practitioner": {"reference": "Practitioner/isambert-maud"},
        "organization": {"reference": f"Organization/{make.HOSPITAL}"},
        "healthcareService": [{"reference": f"HealthcareService/{make.SERVICE}"}],
    }
    await make.act(db, SYSTEM, directory.save, there)
    both = make.person("isambert-maud", make.HOSPITAL, "medecin", role_id="percy-hge-x")
    error = await make.refused(db, both, referrals.accept, task, NotAllowed)
    assert error.reason == "own-request"


async def test_the_priority_changes_with_a_reason(db: Database) -> None:
    task = await make.opened(db)
    error = await make.refused(db, make.TRIAGER, referrals.accept, task, Invalid, priority="asap")
    assert error.issues[0].reason == "priority-reason"
    await make.act(db, make.TRIAGER, referrals.accept, task, priority="asap", reason="triage-assessment")
    row = await make.look(db, task)
    assert (row["priority"], row["reason_list"], row["reason"]) == ("asap", "priority", "triage-assessment")
    assert (await make.request_of(db, task))["priority"] == "routine", "only its author changes a request"


async def test_stat_is_a_call(db: Database) -> None:
    task = await make.opened(db)
    error = await make.refused(db, make.TRIAGER, referrals.accept, task, Invalid, priority="stat", reason="worsened")
    assert error.issues[0].reason == "call-instead"


async def test_keeping_the_same_priority_needs_no_reason(db: Database) -> None:
    task = await make.opened(db)
    await make.act(db, make.TRIAGER, referrals.accept, task, priority="routine")
    assert (await make.look(db, task))["reason"] is None


async def test_the_first_acceptance_takes_the_request_from_the_others(db: Database) -> None:
    first, second = await make.draft(db, services=[make.SERVICE, make.OTHER_SERVICE])
    request = (await make.request_of(db, first))["id"]
    async with db.transaction(make.GP) as tx:
        other = [item for item in await make.form(tx, make.OTHER_SERVICE) if item["linkId"] in ("specific", "act")]
        await referrals.save_form(tx, request, items=[*await make.form(tx, make.SERVICE), *other])
    for task in (first, second):
        await make.act(db, make.GP, referrals.send, task, **make.SEND)
    await make.act(db, make.TRIAGER, referrals.accept, first)
    row = await make.look(db, second)
    assert (row["state"], row["business"], row["turn"]) == ("cancelled", "6.0", None)
    status = await make.last_status(db, second)
    assert (status["verb"], status["party"], status["published_rows"]) == ("not-selected", "SY", "C3")
    assert (await make.request_of(db, first))["status"] == "active"


async def test_two_acceptances_at_once_have_one_winner(db: Database) -> None:
    import asyncio

    task = await make.opened(db)
    actors = [make.TRIAGER, make.TRIAGER_2] * 10
    results = await asyncio.gather(*(make.act(db, actor, referrals.accept, task) for actor in actors), return_exceptions=True)
    assert [result for result in results if not isinstance(result, Exception)] == [task]
    lost = {type(result) for result in results if isinstance(result, Exception)}
    assert Conflict in lost
    assert lost <= {Conflict, Unavailable}, "a busy machine may say: later"
    verbs = [row["verb"] for row in (await make.thread(db, task))["referral_status"]]
    assert verbs.count("accept") == 1


async def test_accept_and_redirect_at_once_have_one_winner(db: Database) -> None:
    import asyncio

    task = await make.opened(db)
    results = await asyncio.gather(
        make.act(db, make.TRIAGER, referrals.accept, task),
        make.act(db, make.TRIAGER_2, referrals.redirect, task, service=make.OTHER_SERVICE, reason="age"),
        return_exceptions=True,
    )
    # A redirection is also legal from to-book: when the acceptance comes first, both are played, one after the other.
    states = [row["state"] for row in (await make.thread(db, task))["referral_status"]]
    assert states[-1] in ("redirected", "to-book")
    assert states.count("redirected") == sum(result == task for result in results[1:])
    assert isinstance(results[0], Conflict) or "to-book" in states
