"""What this office already knows of a patient and of its own habits: proposed in a new form, said to be so, and typed once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from maillage import access, referrals
from maillage.access import policy
from maillage.doors.web.patients.presenters import Identity
from maillage.doors.web.referrals import questionnaire
from maillage.doors.web.view import View

CLINICAL = ("treatments", "antithrombotic", "antithrombotic-name", "allergies", "allergies-detail")
CONTACT = ("usual-doctor", "channel", "interpreter", "interpreter-language", "transport", "mobility", "guardian", "guardian-contact")
PERMISSIONS = ("may-redirect", "may-advise", "may-convert")
FRESH = timedelta(days=180)
"""Older answers are asked again."""
VERIFIED = timedelta(days=90)
"""For so long a number that was verified with the patient counts as verified."""


@dataclass(frozen=True, slots=True)
class Known:
    """Answers by field name, and when the patient's were given; never a priority, an act, a side or a question."""

    answers: dict[str, list[str]] = field(default_factory=dict)
    given_at: datetime | None = None


async def of_patient(view: View, patient: Identity) -> Known:
    """The latest answers of this office about the patient, and the permissions that its author gave last."""
    answers = {"phone": [patient.phone]} if patient.phone else {}
    rows = await referrals.patient_requests(view.tx, patient.id, access.visible_to(view.actor, "Task"))
    ours = [row for row in rows if row["requester_org"] == view.actor.organization and row["first_sent_at"]]
    last = max(ours, key=lambda row: row["first_sent_at"], default=None)
    given_at = last["first_sent_at"] if last and view.tx.now - last["first_sent_at"] <= FRESH else None
    if last and given_at:
        before = questionnaire.answers_of(await referrals.form_of(view.tx, last["request_id"]))
        carried = (*CONTACT, *(CLINICAL if policy.sees_whole(view.actor, "QuestionnaireResponse") else ()))
        answers |= {name: before[name] for name in carried if before.get(name)}
        same = _digits(before.get("phone")) == _digits(answers.get("phone")) and before.get("phone-verified") == ["true"]
        answers |= {"phone-verified": ["true"]} if same and view.tx.now - given_at <= VERIFIED else {}
    return Known(answers | await _permissions(view), given_at)


def _digits(number: list[str] | None) -> str:
    """A telephone number without the way in which it was typed."""
    return "".join(char for char in "".join(number or ()) if char.isdigit())


async def _permissions(view: View) -> dict[str, list[str]]:
    """What the clinician allowed the service the last time."""
    request = await referrals.last_request_of(view.tx, view.actor.role_id) if view.actor.role_id else None
    if request is None:
        return {}
    before = questionnaire.answers_of(await referrals.form_of(view.tx, request))
    return {name: before[name] for name in PERMISSIONS if before.get(name)}
