"""Every verb in every state by every party, through the real actions: done, or refused as the table says. Never a defect, never a half."""

from __future__ import annotations

from typing import Any

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.actor import SYSTEM
from maillage.kernel.answers import Refused
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, MaillageError, NotAllowed, NotFound
from maillage.referrals.rules import find_line, speaking_for_patient
from maillage.referrals.types import STATES
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio

ACTORS = {
    frozenset({"RC"}): make.GP,
    frozenset({"RO"}): make.NURSE,
    frozenset({"PC"}): make.TRIAGER,
    frozenset({"PC", "LD"}): make.SENIOR,
    frozenset({"PO"}): make.PLANNER,
    frozenset({"SY"}): SYSTEM,
    frozenset({"RC", "RO", "PC", "PO"}): make.CLIENT,
}
WITH_CONTACT = {"offer", "book", "reschedule", "refuse-offer", "cancel-appointment"}


class Undone(Exception):  # not an error: it undoes what a verb did, to try the next one
    """Roll back."""


def arguments(verb: str, clock: FixedClock) -> dict[str, Any]:
    why = {"comment": "Un commentaire assez long."}
    slot = make.slot(9, days=30)
    return {
        "send": make.SEND,
        "ask-info": {"items": ["CRP"]},
        "answer-info": {"answers": [{"number": 1, "answer": "x"}, {"number": 2, "cannot": True}]},
        "accept": {"priority": "urgent", "reason": "triage-assessment"},
        "advise": {"recommendation": "to-be-seen", "text": "À revoir", "due": slot["start"]},
        "redirect": {"service": make.ELSEWHERE, "reason": "age"},
        "decline": {"reason": "became-impossible", **why},
        "no-place": {"reason": "quota-exhausted"},
        "offer": slot,
        "book": slot,
        "reschedule": slot,
        "refuse-offer": {"reason": "transport"},
        "cancel-appointment": {"side": "patient", "reason": "ill"},
        "return-after-absence": {"record_reviewed": True, "contacts": 2, **why},
        "mark-seen": {"start": clock.now()},
        "send-outcome": {"text": "Vu.", "done_otherwise": True, "recommendations": [{"text": "Revoir", "due": slot["start"]}]},
        "dispute": {"reason": "pending-result"},
        "withdraw": {"reason": "resolved"},
        "request-cancellation": {"reason": "resolved"},
        "decide-next": {"reason": "resolved"},
        "send-elsewhere": {"service": make.ELSEWHERE, "reason": "closer-site"},
        "insist": {"text": make.LONG},
        "change-priority": {"priority": "asap", "reason": "worsened"},
        "declare-unavailable": {"start": slot["start"], "end": slot["end"]},
        "enter-in-error": {"reason": "duplicate"},
        "hand-back": why,
    }.get(verb, {})


async def attempt(db: Database, actor: Any, operation: Any, task: str, values: dict[str, Any]) -> MaillageError | None:
    try:
        async with db.transaction(actor) as tx:
            await operation.call(tx, task, version=None, **values)
            raise Undone
    except Undone:
        return None
    except MaillageError as error:
        return error


@pytest.mark.parametrize("state", [state.code for state in STATES])
async def test_every_verb_by_every_party(db: Database, clock: FixedClock, state: str) -> None:
    task = await make.reach(db, clock, state)
    before = await make.look(db, task)
    for parties, actor in ACTORS.items():
        hidden = state == "to-complete" and parties <= {"PC", "LD", "PO"}
        for operation in referrals.OPERATIONS:
            verb = operation.name
            if verb in ("available-actions", "look", "hand-back", "done", "give-news"):
                continue
            error = await attempt(db, actor, operation, task, arguments(verb, clock))
            acting = frozenset({"PO"}) if (verb, actor) == ("cancel-appointment", SYSTEM) else parties
            line = find_line(state, verb, acting)
            if hidden:
                assert isinstance(error, NotFound), (verb, parties)
            elif isinstance(line, Refused):
                assert isinstance(error, Conflict if line.reason == "not-in-table" else NotAllowed), (verb, parties, error)
            else:
                assert error is None or isinstance(error, Conflict | Invalid | NotAllowed), (verb, parties, error)
    assert await make.look(db, task) == before


@pytest.mark.parametrize("state", ["to-book", "offered", "booked"])
async def test_a_logged_contact_speaks_for_the_patient(db: Database, clock: FixedClock, state: str) -> None:
    task = await make.reach(db, clock, state)
    for operation in referrals.OPERATIONS:
        if operation.name in WITH_CONTACT:
            values = {**arguments(operation.name, clock), "contact": "Appel du matin"}
            error = await attempt(db, make.NURSE, operation, task, values)
            allowed = not isinstance(find_line(state, operation.name, speaking_for_patient(frozenset({"RO"}))), Refused)
            assert (error is None) is allowed, (operation.name, error)


@pytest.mark.parametrize(
    "operation", [operation for operation in referrals.OPERATIONS if operation.name != "available-actions"], ids=lambda o: o.name
)
async def test_a_stranger_and_an_unknown_id_read_the_same(db: Database, clock: FixedClock, operation: Any) -> None:
    task = await make.booked(db)
    values = arguments(operation.name, clock)
    seen, unknown = await attempt(db, make.STRANGER, operation, task, values), await attempt(db, make.GP, operation, "unknown", values)
    assert isinstance(seen, NotFound)
    assert isinstance(unknown, NotFound)
    assert seen.args == unknown.args
