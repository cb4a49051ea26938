"""Taking a request back: withdrawn before a decision, asked and confirmed afterwards."""

from __future__ import annotations

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.errors import Conflict, Invalid
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def test_withdrawn_before_a_decision(db: Database) -> None:
    task = await make.cancelled(db)
    row = await make.look(db, task)
    assert (row["state"], row["business"], row["turn"]) == ("cancelled", "6.0", None)
    assert (await make.last_status(db, task))["published_rows"] == "04+23"
    assert (await make.request_of(db, task))["status"] == "revoked"
    assert (await make.photograph(db, "Task", task))["statusReason"]["text"] == "Refus du patient"


async def test_a_reason_is_needed(db: Database) -> None:
    task = await make.sent(db)
    for values, reason in (({}, "reason-missing"), ({"reason": "other", "comment": "bref"}, "comment-too-short")):
        error = await make.refused(db, make.GP, referrals.withdraw, task, Invalid, **values)
        assert error.issues[0].reason == reason
        assert error.issues[0].expression.startswith("Parameters.parameter.where(name=")


async def test_once_accepted_the_service_is_asked(db: Database) -> None:
    task = await make.booked(db)
    await make.refused(db, make.GP, referrals.withdraw, task, Conflict, reason="resolved")
    await make.act(db, make.GP, referrals.request_cancellation, task, reason="resolved", comment="Guérison")
    row = await make.look(db, task)
    assert (row["state"], row["business"], row["appointment_id"]) == ("cancellation-requested", "5.2", "appointment-1")
    [abort] = await make.children(db, task, "abort")
    shown = await make.photograph(db, "Task", abort["id"])
    assert shown["focus"] == {"reference": f"Task/{task}"}
    assert shown["code"]["coding"][0]["code"] == "abort"
    assert shown["owner"] == {"reference": f"HealthcareService/{make.SERVICE}"}


async def test_confirmed(db: Database) -> None:
    task = await make.cancellation_requested(db)
    await make.act(db, make.PLANNER, referrals.confirm_cancellation, task)
    row = await make.look(db, task)
    assert (row["state"], row["appointment_id"], row["reason"]) == ("cancelled", None, "resolved")
    [abort] = await make.children(db, task, "abort")
    assert (await make.photograph(db, "Task", abort["id"]))["status"] == "completed"
    assert (await make.request_of(db, task))["status"] == "revoked"


async def test_no_decline_once_a_cancellation_is_asked(db: Database) -> None:
    task = await make.cancellation_requested(db)
    await make.refused(db, make.TRIAGER, referrals.decline, task, Conflict, reason="contraindication", comment="Non")
