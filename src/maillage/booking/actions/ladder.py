"""The breach ladder of sessions and appointments: reminders, breaches, the senior, the working group. It decides nothing.

An appointment that serves a request does not climb here: its turn is the request's, and one lateness is counted once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from maillage import directory, messaging
from maillage.booking.actions.writing import working_calendar
from maillage.booking.rules import deadlines
from maillage.booking.types import Row
from maillage.kernel.actor import SYSTEM
from maillage.kernel.breach import BREACH, GROUP, HOLDER, LEAD, OFFICE, PERFORMER, REMINDER, SENIOR, TOLD, Clock, next_step, steps_to_write
from maillage.kernel.errors import NotAllowed
from maillage.kernel.period import Period
from maillage.store import Transaction, one_by_one

EVENTS: Final = {REMINDER: "booking-reminder", BREACH: "booking-breach", SENIOR: "booking-breach-senior", GROUP: "booking-breach-group"}
PLANNER, MANAGER = "planificateur", "gestionnaire"
BATCH: Final = 200
NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)

_SESSIONS = """
SELECT o.*, (SELECT min(s.at) FROM vacation_session_status s WHERE s.session_id = o.id AND s.status = o.status AND s.seq > coalesce(
    (SELECT max(b.seq) FROM vacation_session_status b WHERE b.session_id = o.id AND b.status <> o.status), 0)) AS since
FROM vacation_session o WHERE o.turn IS NOT NULL AND (o.ladder_at IS NULL OR o.ladder_at <= $1)
ORDER BY o.ladder_at NULLS FIRST, o.id LIMIT $2 FOR UPDATE OF o SKIP LOCKED
"""
_APPOINTMENTS = """
SELECT o.*, (SELECT min(s.at) FROM appointment_history s WHERE s.appointment_id = o.id AND s.status = o.status AND s.seq > coalesce(
    (SELECT max(b.seq) FROM appointment_history b WHERE b.appointment_id = o.id AND b.status <> o.status), 0)) AS since
FROM appointment o WHERE o.turn IS NOT NULL AND o.task_id IS NULL AND (o.ladder_at IS NULL OR o.ladder_at <= $1)
ORDER BY o.ladder_at NULLS FIRST, o.id LIMIT $2 FOR UPDATE OF o SKIP LOCKED
"""


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody to tell: an organisation, a role code in it, or one person at one place."""

    organization: str
    role: str | None = None
    role_id: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One open turn: what it is about, its row, the column that names it, its running deadline."""

    kind: str
    table: str
    column: str
    row: Row
    clock: Clock | None

    @property
    def focus(self) -> tuple[str, str]:
        """The resource."""
        return self.kind, self.row["id"]


async def run_deadlines(tx: Transaction) -> int:
    """Climb the ladder for every turn of the diary; answers how many steps were written. Run by the scheduler's own actor."""
    if tx.actor != SYSTEM:
        raise NotAllowed("scheduler-only")

    async def session(row: Row) -> int:
        clock = deadlines.session_clock(row["status"], Period(row["starts_at"], row["ends_at"]), row["since"], row["due_at"])
        return await _climb(tx, Turn("Schedule", "vacation_session", "session_id", row, clock))

    async def appointment(row: Row) -> int:
        offered = row["hold_kind"] != "screen"
        ended = deadlines.appointment_clock(row["status"], row["ends_at"], row["since"], row["due_at"], offered=offered)
        return await _climb(tx, Turn("Appointment", "appointment", "appointment_id", row, ended))

    sessions = await one_by_one(tx, "session-deadline", await tx.fetch(_SESSIONS, tx.now, BATCH), session)
    return sum([*sessions, *await one_by_one(tx, "appointment-deadline", await tx.fetch(_APPOINTMENTS, tx.now, BATCH), appointment)])


async def _climb(tx: Transaction, turn: Turn) -> int:
    clock, calendar = turn.clock, working_calendar()
    steps = steps_to_write(clock, tx.now, calendar, await _known(tx, turn, clock)) if clock else ()
    for level in steps:
        await _write(tx, turn, level)
        await _tell(tx, turn, level)
    again = next_step(clock, tx.now, calendar) if clock else None
    await tx.execute(f"UPDATE {turn.table} SET ladder_at = $2 WHERE id = $1", turn.row["id"], again or NEVER)
    return len(steps)


async def _known(tx: Transaction, turn: Turn, clock: Clock) -> set[int]:
    rows = await tx.fetch(
        f"SELECT level FROM booking_breach WHERE {turn.column} = $1 AND deadline = $2 AND due_at = $3",
        *(turn.row["id"], clock.deadline, clock.due),
    )
    return {row["level"] for row in rows}


async def _write(tx: Transaction, turn: Turn, level: int) -> None:
    row, clock = turn.row, turn.clock
    await tx.execute(
        f"INSERT INTO booking_breach ({turn.column}, deadline, due_at, level, at, status, turn) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        *(row["id"], clock and clock.deadline, row["due_at"], level, tx.now, row["status"], row["turn"]),
    )


async def _tell(tx: Transaction, turn: Turn, level: int) -> None:
    patient = turn.row["patient_id"] if turn.kind == "Appointment" else None
    told = [one for party in TOLD[level] for one in await _audience(tx, turn.row, party)]
    for one in dict.fromkeys(told):
        await messaging.notify(
            tx,
            EVENTS[level],
            focus=turn.focus,
            organizations=[one.organization],
            roles=[one.role] if one.role else (),
            role_id=one.role_id,
            patient=patient,
        )
    if level == REMINDER and turn.row["turn"] == "PT" and patient:
        await messaging.tell_patient(tx, EVENTS[level], focus=turn.focus, patient=patient)
    if level == GROUP and turn.clock:
        await messaging.put_on_agenda(tx, turn.focus, turn.clock.deadline)


async def _audience(tx: Transaction, row: Row, party: str) -> list[Told]:
    """Whom a party of the ladder is, for this session or appointment."""
    if party == LEAD:
        service = await directory.get_service(tx, row["healthcare_service_id"])
        return [Told(row["owner_org"], role_id=service.lead_role_id)]
    if party == PERFORMER or (party == HOLDER and row["turn"] == "PC"):
        return await _performer(tx, row)
    if party == OFFICE:
        return [Told(row["owner_org"], PLANNER)]
    return list(_holders(row)) if party == HOLDER else [Told(row.get("requester_org") or row["host_org"])]


def _holders(row: Row) -> Iterator[Told]:
    """Who holds the turn: the office of the hospital, the host, both for a dispute; the scheduler's turn is watched by the office."""
    if row["turn"] == "HO":
        yield Told(row["host_org"])
    elif row["turn"] == "CO":
        yield from (Told(house, MANAGER) for house in sorted({row["owner_org"], row["host_org"]}))
    elif row["turn"] != "PT":
        yield Told(row["owner_org"], PLANNER)


async def _performer(tx: Transaction, row: Row) -> list[Told]:
    if not row["practitioner_role_id"]:
        return []
    role = await directory.get_role(tx, row["practitioner_role_id"])
    return [Told(role.organization_id, role_id=role.id)]
