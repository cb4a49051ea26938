"""A patient's choice as a FHIR Consent (https://hl7.org/fhir/R4/consent.html): permit or deny, to whom, from when, until when."""

from __future__ import annotations

from typing import Any, Final

from maillage.access.choices.types import CONSENT, EMERGENCY, FEEDING, MESSAGES, READING, Choice
from maillage.codes import systems

CHOICE: Final = systems.own_code_system("patient-choice")
_THO: Final = "http://terminology.hl7.org/CodeSystem/"
_ACTIONS: Final = {READING: "access", CONSENT: "access", EMERGENCY: "access", FEEDING: "disclose", MESSAGES: "use"}


def render(choice: Choice) -> dict[str, Any]:
    """The resource as the row says it now."""
    return {
        "resourceType": "Consent",
        "id": choice.id,
        "status": "inactive" if choice.ended_at else "active",
        "scope": _concept(f"{_THO}consentscope", "patient-privacy"),
        "category": [_concept("http://loinc.org", "59284-0"), _concept(CHOICE, choice.act)],
        "patient": {"reference": f"Patient/{choice.patient_id}"},
        "dateTime": choice.recorded_at.isoformat(),
        "performer": [{"reference": f"Patient/{choice.patient_id}"} if choice.said_by == "patient" else {"display": choice.said_by}],
        "organization": [{"reference": f"Organization/{choice.owner_org}"}],
        "policyRule": _concept(systems.ACT_CODE, "OPTIN" if choice.is_consent else "OPTOUT"),
        "provision": _provision(choice),
    }


def _provision(choice: Choice) -> dict[str, Any]:
    end = choice.ended_at or choice.ends
    purpose = "ETREAT" if choice.act == EMERGENCY else choice.purpose
    actors = [
        {"role": _concept(systems.PARTICIPATION_TYPE, "IRCP"), "reference": {"reference": f"{kind}/{id}"}}
        for kind, id in (("Organization", choice.target.organization), ("Practitioner", choice.target.practitioner))
        if id
    ]
    found: dict[str, Any] = {
        "type": "permit" if choice.is_consent else "deny",
        "period": {"start": choice.starts.isoformat(), **({"end": end.isoformat()} if end else {})},
        "action": [_concept(f"{_THO}consentaction", _ACTIONS[choice.act])],
        "purpose": [{"system": systems.ACT_REASON, "code": purpose}],
    }
    if actors:
        found["actor"] = actors
    if choice.target.document:
        found["data"] = [{"meaning": "instance", "reference": {"reference": "/".join(choice.target.document)}}]
    return found


def _concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}
