"""Plain FHIR writes on the types that rooms decide on; a posted Appointment books its slot and its request together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from maillage import booking, referrals
from maillage.journeys import booking_to_referral, opposition_everywhere
from maillage.kernel.intake import Claim
from maillage.messaging import subscriptions
from maillage.store import Transaction


async def create_appointment(tx: Transaction, resource: dict[str, Any]) -> tuple[str, str]:
    """Book or hold the slot that the Appointment names; its request follows, named by its Task or by the order that it is based on.

    Raises `Conflict` (`already-booked`...) with fresh `choices`, and what the request refuses.
    """
    made = await booking.create_appointment(tx, resource, **await booking_to_referral.request_named(tx, booking.booking_request(resource)))
    await booking_to_referral.record_booking(tx, made[1])
    return made


INTAKE: tuple[Claim, ...] = (
    *(replace(claim, create=create_appointment) if claim.type == "Appointment" else claim for claim in booking.INTAKE),
    *referrals.INTAKE.values(),
    Claim("Consent", opposition_everywhere.claims, opposition_everywhere.create_refused, lambda _before, _after: "$revoke"),
    subscriptions.CLAIM,
)
"""The word of the rooms on plain writes, one Claim for each type."""
