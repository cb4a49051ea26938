"""A patient's choice reaches every room: whoever has an open request of this patient hears that an opposition changes it (workflow rule book 16)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from maillage import messaging, referrals
from maillage.access import choices
from maillage.access.choices import ACTS, SPEAKERS, Target
from maillage.kernel.errors import Invalid
from maillage.kernel.operations import Operation, Param
from maillage.store import Transaction

_SAID_BY = Param("said-by", "code", required=True, values=SPEAKERS)
_UNTIL = Param("ends", "dateTime", past=False)
_TARGET = (Param("organization", "Reference"), Param("practitioner", "Reference"), Param("document", "Reference"))


async def oppose(
    tx: Transaction,
    id: str,
    *,
    act: str,
    said_by: str,
    organization: str | None = None,
    practitioner: str | None = None,
    document: str | None = None,
    starts: datetime | None = None,
    ends: datetime | None = None,
    version: int | None = None,
) -> str:
    """Record what the patient refuses; the parties of open requests that it closes to somebody are told, without a name. Answers the Consent."""
    del version
    target = _target(organization, practitioner, document)
    made = await choices.oppose(tx, id, act=act, said_by=said_by, target=target, starts=starts, ends=ends)
    if act == choices.READING:
        await _tell_parties(tx, id)
    return made


async def _tell_parties(tx: Transaction, patient_id: str) -> None:
    """Nothing leaves a worklist without a person deciding: each side that still sees the request hears of it and decides."""
    for task in await referrals.open_tasks_of_patient(tx, patient_id):
        sides = list(dict.fromkeys((task["requester_org"], task["owner_org"])))
        await messaging.notify(tx, "patient-opposed", focus=("Task", task["id"]), organizations=sides, patient=patient_id, urgent=True)


async def consent(
    tx: Transaction,
    id: str,
    *,
    organization: str,
    ends: datetime,
    said_by: str,
    practitioner: str | None = None,
    document: str | None = None,
    purpose: str | None = None,
    version: int | None = None,
) -> str:
    """Record what the patient agrees to outside the care team. Answers the Consent."""
    del version
    target = _target(organization, practitioner, document)
    return await choices.consent(tx, id, target=target, ends=ends, said_by=said_by, purpose=purpose or "TREAT")


async def revoke(tx: Transaction, id: str, *, said_by: str, version: int | None = None) -> str:
    """Take a consent back or lift an opposition."""
    del version
    return await choices.withdraw(tx, id, said_by=said_by)


def _target(organization: str | None, practitioner: str | None, document: str | None) -> Target:
    kind, _, id = (document or "").rpartition("/")
    if document and not kind:
        raise Invalid.one("document-unknown", "document")
    return Target(_id(organization), _id(practitioner), (kind.rpartition("/")[2], id) if document else None)


def _id(reference: str | None) -> str | None:
    return reference.rpartition("/")[2] if reference else None


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "oppose",
        "Patient",
        oppose,
        (Param("act", "code", required=True, values=ACTS), _SAID_BY, *_TARGET, Param("starts", "dateTime", past=False), _UNTIL),
        answer_type="Consent",
    ),
    Operation(
        "consent",
        "Patient",
        consent,
        (
            Param("organization", "Reference", required=True),
            _SAID_BY,
            *_TARGET[1:],
            replace(_UNTIL, required=True),
            Param("purpose", "code"),
        ),
        answer_type="Consent",
    ),
    Operation("revoke", "Consent", revoke, (_SAID_BY,)),
)


async def claims(tx: Transaction, resource: dict[str, Any]) -> bool:
    """Whether a Consent is one that our verbs made; what others wrote is kept whole."""
    return "id" in resource and await choices.is_choice(tx, resource["id"])


async def create_refused(tx: Transaction, resource: dict[str, Any]) -> tuple[str, str]:
    """A Consent without an id of ours is never claimed."""
    del tx
    raise Invalid.one("room-decides", resource["resourceType"])
