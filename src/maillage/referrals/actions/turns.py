"""Whose turn it is: holder, due instant, and the child Task through which the other side finds its turn."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from maillage.codes.json import decode
from maillage.kernel.breach import REMINDER, Clock, ladder
from maillage.kernel.ids import derived_id, new_id
from maillage.kernel.working_time import add_delay
from maillage.referrals import queries, rules
from maillage.referrals.actions.case import Case
from maillage.referrals.actions.rows import add_numbered, insert, update
from maillage.referrals.types import CHILD_OF_STATE

Row = Any

NOBODY: Final = dict.fromkeys(("turn", "holder", "deadline", "due_since", "due_at", "due_unit", "ladder_at"))
WITHOUT_SLOT: Final[Mapping[str, Any]] = dict.fromkeys(("appointment_id", "slot_start", "slot_end", "offered_at", "hold_expires_at"))
"""The columns of a Task that has no appointment any more."""


def entry(state: str, case: Case, dates: rules.Dates, priority: str) -> dict[str, Any]:
    """The turn that begins with a state: party, holder, deadline."""
    turn = rules.TABLE.states[state].turn
    if turn is None:
        return dict(NOBODY)
    clock = rules.clock_for(state, priority, case.tx.now, dates, case.calendar, case.delays)
    return {"turn": turn, "holder": holder(turn, case), **clock_columns(clock, case)}


def clock_columns(clock: Clock, case: Case) -> dict[str, Any]:
    """A deadline as columns, with the instant of the first step of its breach ladder."""
    first = ladder(clock, case.calendar)[REMINDER]
    return {"deadline": clock.deadline, "due_since": clock.since, "due_at": clock.due, "due_unit": clock.unit, "ladder_at": first}


def clock_of(task: Row) -> Clock:
    """The running deadline of a Task."""
    return Clock(task["deadline"], task["due_since"], task["due_at"], task["due_unit"])


def holder(turn: str, case: Case) -> str:
    """Who holds a turn: a person where one is named, else the service and its rota."""
    if turn == "requester":
        return f"PractitionerRole/{case.request['requester_role_id']}"
    if turn == "PT":
        return f"Patient/{case.request['patient_id']}"
    if turn == "LD" and case.task["lead_role_id"] and case.facts.lead_id != case.facts.decided_by:
        return f"PractitionerRole/{case.task['lead_role_id']}"
    return f"HealthcareService/{case.task['service_id']}"


def left_over(case: Case) -> dict[str, float]:
    """The share left of each deadline that was interrupted: a turn that comes back takes it up again."""
    task = case.task
    left = {name: float(share) for name, share in decode(task["clocks"]).items()}
    left[task["deadline"]] = rules.left_of(clock_of(task), case.tx.now, case.calendar, task["priority"], case.delays)
    if task["state"] == "sent":
        decided = rules.delay_of("decided", task["priority"], case.delays)
        whole = Clock("decided", task["sent_at"], add_delay(task["sent_at"], decided, case.calendar), decided.unit)
        left["decided"] = rules.left_of(whole, case.tx.now, case.calendar, task["priority"], case.delays)
    return left


async def pass_the_turn(case: Case, before: Row) -> None:
    """Settle the child Task of the turn that ends, open the one of the turn that begins."""
    for child in await queries.open_children(case.tx, case.id):
        if child["code"] == CHILD_OF_STATE.get(before["state"]):
            await settle(case, child, "settle")
        elif child["code"] == "abort" and case.task["state"] != "cancellation-requested":
            await settle(case, child, "settle" if case.task["state"] == "cancelled" else "cancel-child")
        elif child["code"] == "no-news":
            await settle(case, child, "settle")
        elif child["code"] == "follow-up" and case.task["state"] in ("seen", "entered-in-error"):
            await settle(case, child, "cancel-child")
    code = CHILD_OF_STATE.get(case.task["state"])
    if code:
        description = case.task["comment"] if code == "decide-next" else ""
        round_ = case.task["rounds"] if code == "provide-information" else None
        await open_child(case, code, case.task["turn"], case.task["holder"], case.task["due_at"], description, round_=round_)


async def open_child(
    case: Case,
    code: str,
    turn: str,
    owner: str,
    due_at: datetime,
    description: str = "",
    *,
    state: str = "due",
    recommendation: str | None = None,
    round_: int | None = None,
    id: str = "",
) -> str:
    """Add a child Task for a party; answers its id."""
    tx, child_id = case.tx, id or await _child_id(case, code)
    await insert(
        tx,
        "referral_child",
        id=child_id,
        task_id=case.id,
        patient_id=case.task["patient_id"],
        owner_org=case.task["owner_org"],
        requester_org=case.task["requester_org"],
        code=code,
        state=state,
        priority=case.task["priority"],
        round=round_,
        turn=turn,
        holder=owner,
        due_at=due_at,
        authored_on=tx.now,
        entered_at=tx.now,
        description=description,
        recommendation=recommendation,
    )
    await child_status(case, child_id, "open-child", state)
    case.work.touch("referral_child", child_id)
    return child_id


async def _child_id(case: Case, code: str) -> str:
    """A child that people act on by its id has the same one at the peer that holds the same Task."""
    if code not in rules.BY_HAND:
        return new_id()
    before = sum(child["code"] == code for child in await queries.children_of(case.tx, case.id))
    return derived_id(case.id, code, str(before))


async def settle(case: Case, child: Row, verb: str, **values: Any) -> None:
    """End a child Task because its turn ended."""
    state = "cancelled" if verb == "cancel-child" else "completed"
    await update(case.tx, "referral_child", child["id"], state=state, turn=None, entered_at=case.tx.now, **values)
    await child_status(case, child["id"], verb, state)
    case.work.touch("referral_child", child["id"])


async def child_status(case: Case, child_id: str, verb: str, state: str, comment: str = "") -> None:
    """Append who did what to a child Task."""
    tx = case.tx
    await add_numbered(
        tx,
        "referral_child_status",
        "child_id",
        child_id,
        at=tx.now,
        verb=verb,
        state=state,
        actor_id=tx.actor.id,
        role_id=tx.actor.role_id,
        organization=tx.actor.organization,
        comment=comment,
    )
