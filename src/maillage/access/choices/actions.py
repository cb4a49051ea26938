"""The verbs of a patient's choices: oppose, consent, and take back. Each is a row that nothing changes, a Consent, and a line of the audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from maillage import directory, record
from maillage.access import actions as links
from maillage.access.choices import fhir, queries, rules
from maillage.access.choices.types import CONSENT, Choice, Target
from maillage.access.policy import may
from maillage.access.queries import VisibleTo
from maillage.kernel.answers import Answer, Refused
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from maillage.kernel.ids import new_id
from maillage.store import Transaction, register

register("choice_end_pkey", lambda: Conflict("choice-ended"))

_OPPOSE = """INSERT INTO opposition (id, patient_id, act, scope, organization_id, practitioner_id, res_type, res_id, said_by, starts, ends,
    recorded_at, recorded_by, owner_org, parties) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, ARRAY[$14])"""
_CONSENT = """INSERT INTO consent (id, patient_id, organization_id, practitioner_id, res_type, res_id, purpose, said_by, starts, ends,
    recorded_at, recorded_by, owner_org, parties) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, ARRAY[$13])"""
_END = """INSERT INTO choice_end (choice_id, patient_id, at, said_by, recorded_by, owner_org, parties)
VALUES ($1, $2, $3, $4, $5, $6, ARRAY[$6])"""


async def oppose(
    tx: Transaction,
    patient_id: str,
    *,
    act: str,
    said_by: str,
    target: Target | None = None,
    starts: datetime | None = None,
    ends: datetime | None = None,
) -> str:
    """Record what a patient refuses, in force at once or from `starts`; answers the id of the Consent.

    Raises `NotFound` for a patient whom the actor does not see, `Invalid` with the reason code.
    """
    target, starts = target or Target(), starts or tx.now
    house = await _require(tx, patient_id)
    _check(rules.check_target(act, target), rules.check_speaker(said_by), rules.check_period(tx.now, starts, ends))
    await _check_document(tx, target)
    made = Choice(new_id(), patient_id, act, target, said_by, starts, ends, tx.now, house)
    named = (target.organization, target.practitioner, *target.document_columns)
    await tx.execute(_OPPOSE, made.id, patient_id, act, target.scope, *named, said_by, starts, ends, tx.now, _recorder(tx), house)
    return await _told(tx, made, "oppose")


async def consent(tx: Transaction, patient_id: str, *, target: Target, ends: datetime, said_by: str, purpose: str = "TREAT") -> str:
    """Record what a patient agrees to outside the care team, and open the link that it makes; answers the id of the Consent.

    Raises `NotFound` for a patient whom the actor does not see, `Invalid` with the reason code.
    """
    house = await _require(tx, patient_id)
    _check(rules.check_consent(tx.now, ends, target, tx.actor.organizations), rules.check_speaker(said_by))
    await _check_document(tx, target)
    made = Choice(new_id(), patient_id, CONSENT, target, said_by, tx.now, ends, tx.now, house, purpose)
    named = (target.organization, target.practitioner, *target.document_columns)
    await tx.execute(_CONSENT, made.id, patient_id, *named, purpose, said_by, tx.now, ends, tx.now, _recorder(tx), house)
    await links.link(
        tx,
        patient_id,
        str(target.organization),
        "consentement",
        f"Consent/{made.id}",
        ends=ends,
        person=target.practitioner,
        only=target.document,
    )
    return await _told(tx, made, "consent")


async def withdraw(tx: Transaction, id: str, *, said_by: str) -> str:
    """Take a consent back or lift an opposition, at once; answers the id of the Consent. Raises `Conflict("choice-ended")` the second time."""
    known = await queries.choice(tx, id)
    if known is None:
        raise NotFound("Consent", id)
    _require_role(tx)
    if tx.actor.kind != "system" and known.owner_org not in tx.actor.organizations and not _is_own(tx, known):
        raise NotAllowed("not-the-owner")
    _check(rules.check_speaker(said_by))
    if known.ended_at is not None:
        raise Conflict("choice-ended")
    await tx.execute(_END, id, known.patient_id, tx.now, said_by, _recorder(tx), known.owner_org)
    if known.is_consent:
        await links.end_links(tx, f"Consent/{id}", tx.now)
    changed = await queries.choice(tx, id)
    return await _told(tx, changed or known, "withdraw" if known.is_consent else "lift")


async def _require(tx: Transaction, patient_id: str) -> str:
    """Whoever records a choice sees the patient and has the role for it. Answers the house that keeps it: a patient's own, that of the file."""
    patient = await directory.get_patient(tx, patient_id, VisibleTo(tx.actor, "Patient", tx.now))
    _require_role(tx)
    return tx.actor.organization or (patient.owner_org if tx.actor.kind == "patient" else "")


def _is_own(tx: Transaction, choice: Choice) -> bool:
    """Whether a patient takes back a choice of the patient's own, whoever recorded it: withdrawing is no harder than giving (GDPR 7.3)."""
    return tx.actor.kind == "patient" and choice.patient_id == tx.actor.id


def _require_role(tx: Transaction) -> None:
    answer = may(tx.actor, "verb", "Consent")
    if tx.actor.kind != "system" and isinstance(answer, Refused):
        raise NotAllowed(answer.reason)


async def _check_document(tx: Transaction, target: Target) -> None:
    """A document is named by who sees it; one that is not there and one that is not shown are the same answer."""
    if target.document and not await record.existing(
        tx, target.document[0], [target.document[1]], VisibleTo(tx.actor, target.document[0], tx.now)
    ):
        raise Invalid.one("document-unknown", "document")


def _check(*answers: Answer) -> None:
    for answer in answers:
        if isinstance(answer, Refused):
            raise Invalid.one(answer.reason)


def _recorder(tx: Transaction) -> str:
    return tx.actor.role_id or tx.actor.id


async def _told(tx: Transaction, choice: Choice, verb: str) -> str:
    """Photograph, provenance and audit of one verb."""
    owner = choice.owner_org or None
    version = await record.photograph(tx, fhir.render(choice), patient=choice.patient_id, owner=owner)
    await record.provenance(tx, verb, [("Consent", choice.id, version)], patient=choice.patient_id, owner=owner)
    await record.audit(tx, "E", "Consent", choice.id, patient=choice.patient_id, verb=f"{verb}-{choice.act}")
    return choice.id


async def drawn(tx: Transaction, id: str) -> dict[str, Any] | None:
    """The Consent as its row draws it now; None for one that was kept as received."""
    found = await queries.choice(tx, id)
    return fhir.render(found) if found else None
