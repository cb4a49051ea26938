"""An emergency access is told: to the data protection officer and the named senior of the place, and to the patient (CSP L1111-17)."""

from __future__ import annotations

from maillage import messaging
from maillage.access import choices, emergency
from maillage.access.emergency import Glass
from maillage.store import Transaction

WATCHERS = ("dpo", "referent")
FOCUS = "BreakGlass"


async def break_glass(tx: Transaction, patient_id: str, *, reason: str, explanation: str) -> Glass:
    """Open the record, and tell who has to know; more than a few a day by one person raise an alarm. Raises as the verb of `access` does."""
    glass, is_new = await emergency.break_glass(tx, patient_id, reason=reason, explanation=explanation)
    if not is_new:
        return glass
    limits = await emergency.limits(tx)
    await _tell(tx, "emergency-access", glass)
    if await emergency.opened_today(tx) > limits.alarm_above:
        await _tell(tx, "emergency-alarm", glass, urgent=True)
    if not await choices.refuses(tx, patient_id, choices.MESSAGES):
        due = tx.now + limits.tell_patient_after
        await messaging.tell_patient(tx, "emergency-access", focus=(FOCUS, glass.id), patient=patient_id, due_at=due)
    return glass


async def _tell(tx: Transaction, event: str, glass: Glass, *, urgent: bool = False) -> None:
    await messaging.notify(
        tx,
        event,
        focus=(FOCUS, glass.id),
        organizations=[glass.organization_id],
        roles=WATCHERS,
        patient=glass.patient_id,
        urgent=urgent,
    )


async def watch(tx: Transaction) -> None:
    """What the scheduler does: call for the reviews that are late, and tell who looked at more patients than a day's work explains."""
    for glass in await emergency.call_for_reviews(tx):
        await _tell(tx, "emergency-review-late", glass, urgent=True)
    for id, organization in await emergency.note_browsing(tx):
        await messaging.notify(tx, "browsing", focus=("Browsing", id), organizations=[organization], roles=WATCHERS, urgent=True)
