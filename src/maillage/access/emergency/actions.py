"""The verbs of an emergency access: break the glass for one patient, review it afterwards."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NoReturn

from maillage import directory, record
from maillage.access import actions as links
from maillage.access.choices.queries import refuses
from maillage.access.choices.types import EMERGENCY
from maillage.access.emergency import queries, rules
from maillage.access.emergency.types import Glass
from maillage.access.policy.rules import may_break_the_glass
from maillage.access.queries import VisibleTo
from maillage.kernel.actor import SYSTEM
from maillage.kernel.answers import Refused
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from maillage.kernel.ids import new_id
from maillage.store import Transaction, register

register("break_glass_explained", lambda: Invalid.one("explanation-short", "explanation"))
register("break_glass_review_pkey", lambda: Conflict("reviewed-already"))

_OPEN = """INSERT INTO break_glass (id, patient_id, practitioner_id, role_id, organization_id, reason, explanation, refused_before, starts, ends,
    review_due) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"""
_REVIEW = """INSERT INTO break_glass_review (break_glass_id, patient_id, decision, comment, at, reviewed_by, owner_org, parties)
VALUES ($1, $2, $3, $4, $5, $6, $7, ARRAY[$7])"""
_OF_THE_FORM = frozenset({"reason-unknown", "explanation-short", "decision-unknown"})
KEPT = timedelta(days=2)


async def hidden_patient(
    tx: Transaction, *, ins: str = "", family: str = "", given: str = "", birth_date: date | None = None
) -> str | None:
    """The one patient whom the INS or three strict traits name and whom the actor does not see; None for who may not break the glass.

    Nobody, or several who fit: None, an emergency access never chooses between two people. That the existence was told is audited.
    """
    if not may_break_the_glass(tx.actor):
        return None
    found = await directory.find_patients(
        tx.acting_as(SYSTEM), VisibleTo(SYSTEM, "Patient"), ins=ins, family=family, given=given, birth_date=birth_date, limit=2
    )
    if len(found) != 1:
        return None
    await record.audit(tx, "E", "Patient", found[0].id, patient=found[0].id, verb="suppressed")
    return found[0].id


async def break_glass(tx: Transaction, patient_id: str, *, reason: str, explanation: str) -> tuple[Glass, bool]:
    """Open one patient's record to one person for some hours; answers the access and whether it is new: nobody is told twice of one.

    Raises `NotAllowed` with the reason, `Invalid` for what the form can mend, `NotFound` for who may not and for nobody.
    """
    await _require_patient(tx, patient_id)
    refused = await refuses(tx, patient_id, EMERGENCY)
    answer = rules.check_opening(tx.actor, reason, explanation, refused=refused)
    if isinstance(answer, Refused):
        _refuse(answer)
    if (known := await queries.open_glass(tx, patient_id)) and (known.vital or reason != "vital"):
        return known, False
    limits = await queries.limits(tx)
    told = (new_id(), patient_id, tx.actor.id, tx.actor.role_id, tx.actor.organization, reason, explanation.strip(), refused)
    made = Glass(*told, starts=tx.now, ends=tx.now + limits.lasts, review_due=tx.now + limits.review)
    await tx.execute(_OPEN, *told, made.starts, made.ends, made.review_due)
    source, beyond = f"BreakGlass/{made.id}", tx.beyond()  # the patient is not in sight yet
    await links.link(beyond, patient_id, tx.actor.organization, "bris-de-glace", source, ends=made.ends, person=tx.actor.id)
    verb = "break-glass-past-refusal" if refused else f"break-glass-{reason}"
    await record.audit(tx, "E", "Patient", patient_id, patient=patient_id, verb=verb, act="break-glass")
    return made, True


async def _require_patient(tx: Transaction, patient_id: str) -> None:
    """Who may not break the glass does not learn that a patient exists."""
    if not may_break_the_glass(tx.actor):
        raise NotFound("Patient", patient_id)
    await directory.get_patient(tx.acting_as(SYSTEM), patient_id, VisibleTo(SYSTEM, "Patient"))


async def review(tx: Transaction, id: str, *, decision: str, comment: str = "") -> Glass:
    """Say what an emergency access was worth. Raises `NotFound` beyond the actor's organisations, `NotAllowed`, `Invalid`, `Conflict`."""
    found = await queries.glass(tx, id)
    if found is None:
        raise NotFound("BreakGlass", id)
    answer = rules.check_review(tx.actor, found, decision)
    if isinstance(answer, Refused):
        if answer.reason == "reviewed-already":
            raise Conflict(answer.reason)
        _refuse(answer)
    who, place = tx.actor.role_id or tx.actor.id, found.organization_id
    await tx.execute(_REVIEW, id, found.patient_id, decision, comment.strip(), tx.now, who, place)
    await record.audit(tx, "E", "Patient", found.patient_id, patient=found.patient_id, verb=f"break-glass-{decision}")
    return found


def _refuse(answer: Refused) -> NoReturn:
    if answer.reason in _OF_THE_FORM:
        raise Invalid.one(answer.reason, answer.reason.partition("-")[0])
    raise NotAllowed(answer.reason)


async def call_for_reviews(tx: Transaction) -> list[Glass]:
    """The accesses whose review is late, each told once."""
    late = list(await queries.overdue(tx))
    for one in late:
        await tx.execute("INSERT INTO break_glass_reminder (break_glass_id, at) VALUES ($1, $2)", one.id, tx.now)
    return late


async def note_browsing(tx: Transaction) -> list[tuple[str, str]]:
    """Who looked at too many patients in the last hour: (id of the alert, organisation), each told once an hour; old looks are forgotten."""
    found = []
    for row in await queries.browsing(tx, (await queries.limits(tx)).patients_an_hour):
        id = new_id()
        await tx.execute(
            "INSERT INTO browsing_alert (id, practitioner_id, organization_id, patients, at) VALUES ($1, $2, $3, $4, $5)",
            *(id, row["practitioner_id"], row["organization_id"], row["patients"], tx.now),
        )
        found.append((id, row["organization_id"]))
    await tx.execute("DELETE FROM patient_look WHERE at < $1", tx.now - KEPT)
    return found
