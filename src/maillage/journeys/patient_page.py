"""What a patient's link opens: the request and its appointments, or one appointment (workflow rule book 15). The patient sees and does nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from maillage import booking, referrals
from maillage.access import patient_binding, patient_link
from maillage.access.patient_link import Focus, PatientVisit
from maillage.kernel.actor import Actor
from maillage.kernel.errors import NotFound
from maillage.store import Transaction


@dataclass(frozen=True, slots=True)
class OpenedPage:
    """A page that is open in a browser, and the patient who reads it."""

    visit: PatientVisit
    actor: Actor


async def opened_page(tx: Transaction, id: str, secret: str) -> OpenedPage | None:
    """The page of this address when this browser opened it; run as the system, before anybody is known."""
    visit = await patient_link.visit_of(tx, id, secret)
    return OpenedPage(visit, visit.actor(await _reach(tx, visit))) if visit else None


async def _reach(tx: Transaction, visit: PatientVisit) -> frozenset[Focus]:
    """The focus, and what it is made of now: an appointment of a request opens the request."""
    if visit.focus is None:
        return frozenset()
    kind, id = visit.focus
    found = {visit.focus, ("Patient", visit.patient_id)}
    if kind == "Appointment":
        task = (await booking.get_appointment(tx, id))["task_id"]
        kind, id = ("Task", task) if task else (kind, id)
    if kind == "Task":
        found |= {("Task", id)} | {("Appointment", row["id"]) for row in await booking.appointments(tx, task=id)}
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Given:
    """What the office hands to a patient: a link, and a code when the patient had none or asked for another."""

    patient: str
    token: str
    code: str


async def patient_of(tx: Transaction, kind: str, id: str) -> str:
    """Whose a request or an appointment is that the actor sees. Raises `NotFound`."""
    return str((await _seen(tx, kind, id))["patient_id"])


async def give_access(tx: Transaction, kind: str, id: str, *, new_code: bool = False) -> Given:
    """A link to this request or appointment, and a code, for the office to give by hand. Raises `NotFound` for what the actor does not see."""
    patient = await patient_of(tx, kind, id)
    code = await patient_link.give_code(tx, patient) if new_code or not await patient_link.has_code(tx, patient) else ""
    return Given(patient, await patient_link.give_link(tx, patient, (kind, id)), code)


async def take_access_back(tx: Transaction, kind: str, id: str) -> str:
    """Every link, the code and the sign-in of the patient of this request or appointment end. Answers the patient."""
    patient = await patient_of(tx, kind, id)
    await patient_link.take_back(tx, patient)
    await patient_binding.end(tx, patient, "desk")
    return patient


async def _seen(tx: Transaction, kind: str, id: str) -> Any:
    if kind == "Task":
        return await referrals.visible_task(tx, id)
    if kind == "Appointment":
        return await booking.get_appointment(tx, id)
    raise NotFound(kind, id)
