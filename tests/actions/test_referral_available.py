"""`$available-actions`: the only source of buttons; every operation is a verb of the table."""

from __future__ import annotations

import inspect

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import NotFound
from maillage.referrals.types import STATES
from maillage.store import Database

FILL = make.territory


@pytest.mark.asyncio
@pytest.mark.parametrize("state", [state.code for state in STATES])
async def test_each_actor_is_offered_what_the_table_gives(db: Database, clock: FixedClock, state: str) -> None:
    task = await make.reach(db, clock, state)
    for actor, parties in ((make.GP, {"RC"}), (make.NURSE, {"RO"}), (make.TRIAGER, {"PC"}), (make.PLANNER, {"PO"}), (SYSTEM, {"SY"})):
        if state == "to-complete" and actor in (make.TRIAGER, make.PLANNER):
            with pytest.raises(NotFound):
                await make.act(db, actor, referrals.available_actions, task)
            continue
        found = {one.verb for one in await make.act(db, actor, referrals.available_actions, task)}
        assert found == {line.verb for line in referrals.TABLE.legal(state, parties)} - {"close-opposed"}, "nobody opposes"


@pytest.mark.asyncio
async def test_a_draft_says_what_it_lacks(db: Database) -> None:
    [task] = await make.draft(db, filled=False)
    found = {one.verb: one.missing for one in await make.act(db, make.GP, referrals.available_actions, task)}
    assert "item-missing:question" in found["send"]
    assert "patient-not-informed" in found["send"]
    assert found["enter-in-error"] == ("reason-missing",)


def test_each_verb_is_an_operation_and_takes_what_it_declares() -> None:
    by_name = {operation.name: operation for operation in referrals.OPERATIONS}
    inside = {"not-selected", "offer-withdrawn"}
    assert set(referrals.TABLE.verbs) - inside <= set(by_name)
    for operation in referrals.OPERATIONS:
        if operation.name == "accept":
            continue
        taken = inspect.signature(operation.call).parameters
        assert {param.name for param in operation.parameters} <= set(taken), operation.name
        assert "version" in taken


def test_verbs_that_free_a_slot_cross_into_booking() -> None:
    assert referrals.FREES_THE_SLOT < referrals.CROSSES_INTO_BOOKING
    assert set(referrals.TABLE.verbs) >= referrals.CROSSES_INTO_BOOKING


@pytest.mark.asyncio
async def test_accept_is_for_a_request_or_for_a_follow_up(db: Database) -> None:
    task = await make.opened(db)
    accept = next(operation for operation in referrals.OPERATIONS if operation.name == "accept")
    await make.act(db, make.TRIAGER, accept.call, task, version=(await make.look(db, task))["version"])
    assert (await make.look(db, task))["state"] == "to-book"
