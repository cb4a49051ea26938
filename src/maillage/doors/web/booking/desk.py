"""What awaits the planner and the host site: one list for each kind of work, in order of time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from maillage import access, booking, directory, record
from maillage.directory import Patient, Place, Role, Service
from maillage.doors.web import places
from maillage.doors.web.booking import presenters
from maillage.doors.web.catalogue import say
from maillage.doors.web.view import View
from maillage.kernel.errors import NotFound
from maillage.store import Transaction

SESSIONS: tuple[tuple[str, Callable[[Transaction], Awaitable[list[Any]]]], ...] = (
    ("at-risk", booking.at_risk),
    ("rooms-to-confirm", booking.rooms_to_confirm),
    ("unpublished", booking.unpublished),
    ("to-settle", booking.to_settle),
    ("under-filled", booking.under_filled),
)
VISITS: tuple[tuple[str, Callable[[Transaction], Awaitable[list[Any]]]], ...] = (
    ("absences-to-decide", booking.absences_to_decide),
    ("to-call", booking.to_call),
    ("unconfirmed", booking.unconfirmed),
)
SHOWN = 8
Known = tuple[Mapping[str, Service], Mapping[str, Role], Mapping[str, Place]]
"""Services, people and places by id."""


@dataclass(frozen=True, slots=True)
class DeskList:
    """One kind of work: its lines (the first ones) and how many there are. `visits` says that the lines are patients."""

    name: str
    title: str
    hint: str
    lines: tuple[Any, ...]
    total: int
    visits: bool


QUICK = {"absences-to-decide": ("fulfil",), "to-call": ("confirm",), "unconfirmed": ("confirm",)}
"""What is done from the list itself, in one gesture."""


async def lists(view: View, whole: str = "") -> list[DeskList]:
    """Every list of the actor's house, empty ones too; the one named `whole` to its end."""
    sites, services = await places.sites(view.tx), await places.services(view.tx)
    found = [(name, await query(view.tx), False) for name, query in SESSIONS]
    found += [(name, await query(view.tx), True) for name, query in VISITS]
    called = {row["id"] for name, rows, _ in found for row in rows if name == "to-call"}
    found = [(name, [row for row in rows if name != "unconfirmed" or row["id"] not in called], visits) for name, rows, visits in found]
    shown = {name: rows if name == whole else rows[:SHOWN] for name, rows, _ in found}
    people = await places.roles(view.tx, {row["practitioner_role_id"] for rows in shown.values() for row in rows})
    patients = await load_patients(view, [row for name, _, visits in found if visits for row in shown[name]])
    made = []
    for name, rows, visits in found:
        lines: list[Any] = [presenters.session_line(row, services, people, sites) for row in shown[name] if not visits]
        lines += [_visit(view, name, row, patients, (services, people, sites)) for row in shown[name] if visits]
        made.append(DeskList(name, say(f"desk.{name}"), say(f"desk.{name}.hint"), tuple(lines), len(rows), visits))
    return made


def _visit(view: View, name: str, row: Any, patients: Mapping[str, Patient], known: Known) -> tuple[presenters.Visit, str]:
    """The appointment, with the telephone number to call."""
    legal, patient = booking.legal_verbs(view.tx, row), patients.get(row["patient_id"])
    services, people, sites = known
    shown = presenters.visit(
        row, patient.display if patient else "", services, people, sites, [verb for verb in QUICK[name] if verb in legal]
    )
    return shown, patient.phone if patient else ""


async def load_patients(view: View, rows: Sequence[Any], verb: str = "worklist") -> dict[str, Patient]:
    """The patients of these appointments, as far as the actor may see them; each look is written in the audit trail."""
    visible, found = access.visible_to(view.actor, "Patient"), {}
    for id in sorted({row["patient_id"] for row in rows}):
        try:
            found[id] = await directory.get_patient(view.tx, id, visible)
        except NotFound:
            continue
    if rows:
        await record.audit_many(view.tx, "R", [("Appointment", row["id"], row["patient_id"]) for row in rows], verb=verb)
    return found


async def patient_names(view: View, rows: Sequence[Any], verb: str) -> dict[str, str]:
    """Their names."""
    return {id: patient.display for id, patient in (await load_patients(view, rows, verb)).items()}
