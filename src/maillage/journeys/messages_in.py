"""What a partner's message does here: an arrival or an absence at an appointment of ours is the verb, a stay opens and ends the link of the patient.

One table says which status of which resource is which verb (IHE PAM: A05, A01, A03, A38 as an Encounter; A26 and S12 to S15 as an Appointment).
"""

from __future__ import annotations

from typing import Any, Final

from maillage import access, booking
from maillage.journeys import booking_to_referral
from maillage.kernel.errors import Conflict
from maillage.store import Transaction

Resource = dict[str, Any]

VERBS: Final = {
    ("Encounter", "arrived"): "arrive",
    ("Encounter", "triaged"): "arrive",
    ("Encounter", "in-progress"): "arrive",
    ("Encounter", "finished"): "fulfil",
    ("Appointment", "arrived"): "arrive",
    ("Appointment", "checked-in"): "arrive",
    ("Appointment", "fulfilled"): "fulfil",
    ("Appointment", "noshow"): "absent",
    ("Appointment", "cancelled"): "cancel",
}
"""What the status that a partner tells of an appointment of ours, or of its visit, asks for; nothing else is guessed."""

_THERE: Final = frozenset({"arrived", "triaged", "in-progress", "onleave"})
_GONE: Final = frozenset({"finished", "cancelled", "entered-in-error"})


async def tell_appointment(tx: Transaction, id: str, resource: Resource, patient: str | None) -> str:
    """Play the verb that a message means for an appointment of ours; answers its id. `patient`: whom the message surely is about.

    Raises what the verb raises, `Conflict` (no-verb, wrong-patient): the message is then kept for a person.
    """
    verb = VERBS.get((resource["resourceType"], str(resource.get("status"))))
    if verb is None:
        raise Conflict("no-verb")
    row = await booking.get_appointment(tx, id)
    if patient is not None and patient != row["patient_id"]:
        raise Conflict("wrong-patient")
    if verb == "arrive":
        await booking.arrive(tx, id, identity_confirmed=patient is not None)
    elif verb == "fulfil":
        await booking_to_referral.fulfil(tx, id)
    elif verb == "absent":
        await booking_to_referral.absent(tx, id)
    else:
        await booking_to_referral.cancel(tx, id, reason="other", comment="Annulé par le logiciel du partenaire.")
    return id


async def note_stay(tx: Transaction, id: str, patient: str, status: str) -> None:
    """A stay that a partner tells of opens the link of the house that it is at, and lets it end some time after the patient left (CSP L1110-4)."""
    source = f"Encounter/{id}"
    if status in _THERE:
        await access.link(tx, patient, tx.actor.organization, "presence", source)
    elif status in _GONE:
        await access.link(tx, patient, tx.actor.organization, "presence", source, ends=tx.now, outlives=True)
