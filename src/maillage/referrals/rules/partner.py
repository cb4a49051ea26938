"""What a partner's Task says, read into our words (standards.md 5): `failed`, the bare 5.1 and `requested` are read, never written."""

from __future__ import annotations

from dataclasses import dataclass

BARE = "5.1"
_STATE_OF_BUSINESS = {
    "1.0": "to-complete",
    "2.0": "sent",
    "3.0": "to-book",
    "4.0": "declined",
    "5.1.1": "booked",
    "5.1.2": "not-attended",
    "5.1.3": "to-rebook",
    "5.1.4": "seen",
    "5.2": "cancellation-requested",
    "6.0": "cancelled",
    "7.0": "letter-sent",
}
_BUSINESS_OF_STATUS = {
    "draft": "1.0",
    "requested": "2.0",
    "received": "2.0",
    "accepted": "3.0",
    "rejected": "4.0",
    "failed": "4.0",
    "in-progress": BARE,
    "cancelled": "6.0",
    "completed": "7.0",
}


@dataclass(frozen=True, slots=True)
class Read:
    """A partner's Task in our words: the state, the business status as kept, the reason when it says one."""

    state: str | None
    business: str
    reason: str | None = None


def read_partner(status: str, business: str | None, *, has_appointment: bool = False, has_note: bool = False) -> Read | None:
    """The state that a partner's Task is in; None when the status is not one of the published table.

    The bare 5.1 becomes 5.1.1 with an appointment, 5.1.4 with a note; else it is kept, in no precise state of ours.
    """
    if status not in _BUSINESS_OF_STATUS:
        return None
    if status == "failed":
        return Read("declined", "4.0", "became-impossible")
    code = business or _BUSINESS_OF_STATUS[status]
    if code == BARE and has_note:
        code = "5.1.4"
    elif code == BARE and has_appointment:
        code = "5.1.1"
    return Read(_STATE_OF_BUSINESS.get(code), code)
