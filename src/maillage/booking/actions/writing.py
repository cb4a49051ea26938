"""Write rows and what every write owes: the photograph, the status row, the audit row, the provenance, the notifications."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from maillage import access, messaging, record
from maillage.booking import fhir
from maillage.booking.rules import deadlines
from maillage.booking.types import Row
from maillage.codes import calendars
from maillage.kernel.period import Period
from maillage.kernel.transitions import Transition
from maillage.kernel.working_time import WorkingCalendar
from maillage.store import Transaction

TOLD_WITH_THE_REQUEST = frozenset({"book", "accept-refill", "move", "cancel", "cancel-with-session"})
"""Verbs of which a patient hears through the request that the appointment serves: one message for one fact."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a status row keeps beside the status."""

    reason: str | None = None
    side: str | None = None
    comment: str | None = None


def found(row: Row | None) -> Row:
    """A row that the transaction holds: its absence would be a defect."""
    if row is None:
        raise LookupError("row-gone")
    return row


def working_calendar() -> WorkingCalendar:
    """Working days with the public holidays of the product's own data."""
    return WorkingCalendar(calendars.public_holidays())


async def insert(tx: Transaction, table: str, **values: Any) -> Row:
    """Insert one row; the names of tables and columns come from the code alone."""
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    row = await tx.fetchrow(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places}) RETURNING *", *values.values())
    return found(row)


async def change(tx: Transaction, table: str, id: str, **values: Any) -> Row:
    """Change one row that is locked, and count its version up."""
    sets = ", ".join(f"{name} = ${number}" for number, name in enumerate(values, 2))
    row = await tx.fetchrow(f"UPDATE {table} SET {sets}, version = version + 1 WHERE id = $1 RETURNING *", id, *values.values())
    return found(row)


async def save_vacation(tx: Transaction, verb: str, row: Row, *, created: bool = False) -> None:
    """Photograph a vacation with its exceptions, and say who did it."""
    exceptions = await tx.fetch("SELECT * FROM vacation_exception WHERE vacation_id = $1 ORDER BY day", row["id"])
    version = await record.photograph(tx, fhir.render_vacation(row, exceptions), owner=row["owner_org"], parties=[row["host_org"]])
    _same(row, version)
    await _account(tx, verb, row, [("Schedule", row["id"], version)], created=created)


async def save_session(tx: Transaction, line: Transition, row: Row, slots: Iterable[Row] = (), told: Told | None = None) -> None:
    """Photograph a session and the slots changed with it, keep its status, and tell."""
    told = told or Told()
    version = await record.photograph(tx, fhir.render_session(row), owner=row["owner_org"], parties=[row["host_org"]])
    _same(row, version)
    for slot in slots:
        await photograph_slot(tx, slot)
    actor = tx.actor
    await tx.execute(
        """
        INSERT INTO vacation_session_status (session_id, verb, status, at, actor_id, role_id, organization, reason, comment)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        *(row["id"], line.verb, row["status"], tx.now, actor.id, actor.role_id, actor.organization, told.reason, told.comment),
    )
    await _account(tx, line.verb, row, [("Schedule", row["id"], version)], created=line.verb == "plan")
    told_orgs = {row["owner_org"], row["host_org"]} if line.tells else set[str]()
    await messaging.notify(tx, f"session-{line.verb}", focus=("Schedule", row["id"]), organizations=_others(tx, told_orgs))


async def save_appointment(tx: Transaction, line: Transition, row: Row, slots: Iterable[Row] = (), told: Told | None = None) -> None:
    """Photograph an appointment and its slots, keep its status, and tell the other sides; the patient too when the table says so."""
    told = told or Told()
    targets = [("Slot", slot["id"], await photograph_slot(tx, slot)) for slot in slots]
    version = await photograph_appointment(tx, row)
    await keep_status(tx, line.verb, row, told)
    created = row["version"] == 1
    await _account(tx, line.verb, row, [("Appointment", row["id"], version), *targets], created=created)
    if not line.tells:
        return
    if "PT" in line.tells and not (row["task_id"] and line.verb in TOLD_WITH_THE_REQUEST) and tx.actor.id != row["patient_id"]:
        await messaging.tell_patient(
            tx,
            f"appointment-{line.verb}",
            focus=("Appointment", row["id"]),
            patient=row["patient_id"],
            answer_by=row["due_at"] if row["turn"] == "PT" else None,
        )
    sides = {row["requester_org"], row["owner_org"]} | ({row["host_org"]} if "HO" in line.tells and row["host_org"] else set())
    await messaging.notify(
        tx,
        f"appointment-{line.verb}",
        focus=("Appointment", row["id"]),
        organizations=_others(tx, sides),
        patient=row["patient_id"] if "PT" in line.tells else None,
        urgent=row["priority"] in ("stat", "asap"),
    )


async def photograph_slot(tx: Transaction, row: Row) -> int:
    """Photograph a slot."""
    return _same(row, await record.photograph(tx, fhir.render_slot(row), owner=row["owner_org"]))


async def photograph_appointment(tx: Transaction, row: Row) -> int:
    """Photograph an appointment for its patient and its parties."""
    seen_by = {"patient": row["patient_id"], "owner": row["owner_org"], "parties": row["parties"]}
    return _same(row, await record.photograph(tx, fhir.render_appointment(row), **seen_by))


async def keep_status(tx: Transaction, verb: str, row: Row, told: Told) -> None:
    """Append the status row of an appointment."""
    actor = tx.actor
    slot = row["slot_id"] or row["offered_slot_id"]
    await tx.execute(
        """
        INSERT INTO appointment_history (appointment_id, verb, status, at, actor_id, role_id, organization, slot_id, starts_at, reason, side)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        *(row["id"], verb, row["status"], tx.now, actor.id, actor.role_id, actor.organization),
        *(slot, row["starts_at"], told.reason, told.side),
    )


async def link_for_visit(tx: Transaction, row: Row) -> None:
    """The appointment opens, or extends, the care link of the hospital and of the host site until some time after the visit."""
    for organization in sorted({row["owner_org"], row["host_org"]}):
        source, parties = f"Appointment/{row['id']}", row["parties"]
        await access.link(tx, row["patient_id"], organization, "rendez-vous", source, ends=row["ends_at"], outlives=True, parties=parties)


async def unlink(tx: Transaction, row: Row) -> None:
    """The appointment will not take place: what it opened ends now."""
    await access.end_links(tx, f"Appointment/{row['id']}", tx.now)


def session_turn(tx: Transaction, status: str, row: Any, turn: str | None) -> dict[str, Any]:
    """The turn of a session and its date, for the state that it enters."""
    period = Period(row["starts_at"], row["ends_at"])
    return {"status": status, "turn": turn, "due_at": deadlines.session_due(status, period, tx.now, working_calendar())}


async def _account(tx: Transaction, verb: str, row: Row, targets: Sequence[tuple[str, str, int]], *, created: bool) -> None:
    keys = frozenset(row.keys())
    patient = row["patient_id"] if "patient_id" in keys else None
    parties = list(row["parties"]) if "parties" in keys else [row["host_org"]]
    kind, id, _ = targets[0]
    await record.audit(tx, "C" if created else "U", kind, id, patient=patient, verb=verb)
    await record.provenance(tx, verb, targets, patient=patient, owner=row["owner_org"], parties=parties)


def _others(tx: Transaction, organizations: Iterable[str]) -> list[str]:
    return sorted(set(organizations) - {tx.actor.organization})


def _same(row: Row, version: int) -> int:
    """Each version of a row has its photograph, no more, no less."""
    if row["version"] != version:
        raise RuntimeError(f"row at version {row['version']}, photograph at {version}")
    return version
