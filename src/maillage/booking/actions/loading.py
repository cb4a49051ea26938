"""Load and lock, always in the same order (sessions, slots by id, appointments by id), then ask the table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from maillage.access import visible_to
from maillage.booking import rules
from maillage.booking.rules.parties import Sides, parties_of
from maillage.booking.types import Row
from maillage.kernel.answers import Answer, Refused
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from maillage.kernel.transitions import Transition, TransitionTable
from maillage.store import Transaction
from maillage.store.sql import Params

INVALID = frozenset({"unknown-reason", "comment-too-short", "identity-unconfirmed"})
"""Refusals that speak of what was sent (422); the others speak of the state of things (409)."""


async def lock_vacation(tx: Transaction, id: str, version: int | None) -> Row:
    """A vacation, locked. Raises `NotFound`, `Stale`."""
    return _current(await tx.fetchrow("SELECT * FROM vacation WHERE id = $1 FOR UPDATE", id), "Schedule", id, version)


async def lock_session(tx: Transaction, id: str, version: int | None) -> Row:
    """A session, locked. Raises `NotFound`, `Stale`."""
    return _current(await tx.fetchrow("SELECT * FROM vacation_session WHERE id = $1 FOR UPDATE", id), "Schedule", id, version)


async def lock_slots(tx: Transaction, ids: Iterable[str]) -> dict[str, Row]:
    """Slots by id, locked in order, each with what its session says of host, room, practitioner and status. Raises `NotFound`."""
    wanted = sorted(set(ids))
    rows = await tx.fetch(
        """
        SELECT s.*, v.host_org, v.room_id, v.practitioner_id, v.status AS session_status FROM slot s
        JOIN vacation_session v ON v.id = s.session_id WHERE s.id = ANY ($1::text[]) ORDER BY s.id FOR UPDATE OF s
        """,
        wanted,
    )
    found = {row["id"]: row for row in rows}
    for id in wanted:
        if id not in found:
            raise NotFound("Slot", id)
    return found


async def lock_appointment(
    tx: Transaction, id: str, version: int | None = None, *, slots: Iterable[str] = ()
) -> tuple[Row, dict[str, Row]]:
    """A visible appointment and its slot, both locked, the slot first; `slots` are further ones to lock in the same sweep."""
    params = Params([id])
    select = f"SELECT a.* FROM appointment a WHERE a.id = $1 AND {visible_to(tx.actor, 'Appointment').sql('a', params)}"
    seen = _current(await tx.fetchrow(select, *params), "Appointment", id, None)
    names = {name for name in (seen["slot_id"], seen["offered_slot_id"]) if name}
    locked = await lock_slots(tx, names | set(slots)) if names or slots else {}
    row = _current(await tx.fetchrow(f"{select} FOR UPDATE OF a", *params), "Appointment", id, version)
    if (row["slot_id"], row["offered_slot_id"]) != (seen["slot_id"], seen["offered_slot_id"]):
        raise Stale(int(row["version"]))  # it moved while we waited for its old slot: look again
    return row, locked


async def require_patient(tx: Transaction, id: str) -> None:
    """The patient is known and visible to the actor. Raises `NotFound` otherwise: absent and invisible are the same."""
    params = Params([id])
    visible = visible_to(tx.actor, "Patient").sql("p", params)
    if not await tx.fetchval(f"SELECT true FROM patient p WHERE p.id = $1 AND {visible}", *params):
        raise NotFound("Patient", id)


def sides_of(row: Any) -> Sides:
    """Whose a session or an appointment is."""
    keys = frozenset(row.keys())  # a Record gives an iterator, which a first look would use up
    return Sides(
        owner_org=row["owner_org"],
        host_org=row["host_org"],
        requester_org=row["requester_org"] if "requester_org" in keys else None,
        practitioner_id=row["practitioner_id"],
        patient_id=row["patient_id"] if "patient_id" in keys else None,
    )


def play(tx: Transaction, table: TransitionTable, state: str, verb: str, sides: Sides, *, decided: bool = False) -> Transition:
    """The line of the table that applies to this actor. Raises `Conflict` (nobody may, now) or `NotAllowed` (another party may).

    `decided`: the same transaction decides it elsewhere, by the rules of the referral, and the hospital's office follows.
    """
    answer = table.check(state, verb, parties_of(tx.actor, sides) | ({"PO"} if decided else frozenset()))
    if isinstance(answer, Transition):
        return answer
    family = Conflict if answer.reason == "not-in-table" else NotAllowed
    raise family(answer.reason, legal=list(answer.legal))


def line_of(table: TransitionTable, state: str, verb: str, party: str) -> Transition:
    """A line that nobody asked for by name: the scheduler plays it, or another verb brings it about."""
    line = table.check(state, verb, [party])
    if isinstance(line, Transition):
        return line
    raise LookupError(f"{table.name}: {state} {verb} {party}")


def demand(answer: Answer, expression: str = "") -> None:
    """Raise what a refusal means: `Invalid` when it speaks of the input, `Conflict` when it speaks of the state of things."""
    if isinstance(answer, Refused):
        raise Invalid.one(answer.reason, expression) if answer.reason in INVALID else Conflict(answer.reason)


def legal_verbs(tx: Transaction, row: Any) -> tuple[str, ...]:
    """The verbs that the table gives this actor on a session or an appointment, as it stands."""
    table = rules.APPOINTMENT if "patient_id" in row.keys() else rules.SESSION  # noqa: SIM118  # a Record iterates over its values
    return tuple(dict.fromkeys(t.verb for t in table.legal(row["status"], parties_of(tx.actor, sides_of(row)))))


def _current(row: Row | None, kind: str, id: str, version: int | None) -> Row:
    if row is None:
        raise NotFound(kind, id)
    if version is not None and row["version"] != version:
        raise Stale(int(row["version"]))
    return row
