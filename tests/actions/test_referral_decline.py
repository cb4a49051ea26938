"""Saying no: never for lack of capacity, held by the rule and by the database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Invalid, NotAllowed
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def test_declined(db: Database) -> None:
    task = await make.declined(db)
    row = await make.look(db, task)
    assert (row["state"], row["turn"], row["deadline"], row["reason_axis"]) == ("declined", "requester", "next-decided", "clinical")
    shown = await make.photograph(db, "Task", task)
    assert shown["statusReason"]["text"] == "Pas d'indication à ce stade."
    assert shown["status"] == "rejected"
    assert (await make.request_of(db, task))["status"] == "active", "declining is not cancelling"
    assert [child["state"] for child in await make.children(db, task, "decide-next")] == ["due"]


async def test_lack_of_capacity_is_not_a_refusal(db: Database) -> None:
    task = await make.opened(db)
    error = await make.refused(db, make.TRIAGER, referrals.decline, task, Invalid, reason="no-slot-in-target", comment="Complet")
    assert "capacity-is-not-refusal" in [issue.reason for issue in error.issues]


async def test_the_database_refuses_what_the_rules_would_let_through(db: Database) -> None:
    task = await make.opened(db)
    columns = "task_id, seq, at, verb, state, fhir_status, priority, party, actor_kind, actor_id, organization, reason_axis"
    values = "$1, 99, now(), 'decline', 'declined', 'rejected', 'routine', 'PC', 'person', 'x', 'y', 'capacity'"
    reason = "reason_list = 'capacity', reason = 'no-slot-in-target', reason_axis = 'capacity'"
    for statement in (
        f"UPDATE referral_task SET state = 'declined', {reason} WHERE id = $1",
        f"INSERT INTO referral_status ({columns}) VALUES ({values})",
    ):
        with pytest.raises(Invalid) as refused:
            async with db.transaction(make.TRIAGER) as tx:
                await tx.execute(statement, task)
        assert refused.value.reason == "capacity-is-not-refusal"


async def test_once_accepted_only_two_reasons_remain(db: Database) -> None:
    task = await make.booked(db)
    error = await make.refused(db, make.TRIAGER, referrals.decline, task, Invalid, reason="no-indication", comment="Finalement non")
    assert [issue.reason for issue in error.issues] == ["only-if-impossible"]
    await make.act(db, make.TRIAGER, referrals.decline, task, reason="contraindication", comment="Pace-maker")
    row = await make.look(db, task)
    assert (row["appointment_id"], row["slot_start"]) == (None, None)
    assert (await make.last_status(db, task))["published_rows"] == "10"


async def test_missing_prerequisites_refuse_after_an_unanswered_round(db: Database, clock: FixedClock) -> None:
    why = {"reason": "prerequisites-missing", "comment": "Toujours pas de biologie"}
    task = await make.opened(db)
    error = await make.refused(db, make.TRIAGER, referrals.decline, task, Invalid, **why)
    assert [issue.reason for issue in error.issues] == ["no-unanswered-round"]
    await make.act(db, make.TRIAGER, referrals.ask_info, task, items=["CRP"])
    await make.refused(db, make.TRIAGER, referrals.decline, task, Invalid, **why)
    clock.advance(timedelta(days=8))
    await make.act(db, make.TRIAGER, referrals.decline, task, **why)
    assert (await make.look(db, task))["state"] == "declined"


async def test_the_office_never_declines(db: Database) -> None:
    task = await make.opened(db)
    await make.refused(db, make.PLANNER, referrals.decline, task, NotAllowed, reason="no-indication", comment="Non")


async def test_a_decline_from_to_rebook_plays_row_33(db: Database) -> None:
    task = await make.to_rebook(db)
    await make.act(db, make.TRIAGER, referrals.decline, task, reason="became-impossible", comment="Départ du praticien")
    assert (await make.last_status(db, task))["published_rows"] == "33"
    assert await make.ledger(db, task) == [("cancelled-by-service", "strike", "withdrawn")]
