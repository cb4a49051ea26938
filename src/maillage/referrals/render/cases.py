"""Requests, forms, letters, files and visits."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Final

from maillage.codes import systems
from maillage.codes.json import decode
from maillage.referrals.render.elements import Resource, Row, concept, flagged, instant, own_identifier, reference, without_empty

IDENTITY_CONFIRMED: Final = systems.own_extension("identity-confirmed")
PATIENT_INFORMED: Final = systems.own_extension("patient-informed")
OUTSIDE_CRITERIA: Final = systems.own_extension("outside-criteria")
PREPARED_BY: Final = systems.own_extension("prepared-by")
DUPLICATE_REASON: Final = systems.own_extension("duplicate-reason")
LETTER_CODE: Final = "11488-4"
LETTER_DISPLAY: Final = "Compte rendu ou fiche de consultation"


def service_request(row: Row, services: Sequence[str], forms: Sequence[str], files: Sequence[str] = ()) -> Resource:
    """The request, with what was received and no rule reads; our own parts win."""
    received = decode(row["received"]) if row["status"] != "entered-in-error" else {}
    kept = [
        item for item in received.get("supportingInfo", []) if item.get("reference") not in {f"QuestionnaireResponse/{f}" for f in forms}
    ]
    prepared = [{"url": PREPARED_BY, "valueReference": {"reference": row["prepared_by"]}}] if row["prepared_by"] else []
    flags = [
        *flagged(IDENTITY_CONFIRMED, row["identity_confirmed"]),
        *flagged(PATIENT_INFORMED, row["patient_informed"]),
        *flagged(OUTSIDE_CRITERIA, row["outside_criteria"]),
    ]
    ours = {
        "resourceType": "ServiceRequest",
        "id": row["id"],
        "extension": [*received.get("extension", []), *prepared, *flags],
        "identifier": [*received.get("identifier", []), *own_identifier("PLAC", systems.OWN_REFERRAL_NUMBER, row["id"])],
        "instantiatesCanonical": [row["plan"]] if row["plan"] else received.get("instantiatesCanonical"),
        "status": row["status"],
        "intent": "order",
        "priority": row["priority"],
        "subject": reference("Patient", row["patient_id"]),
        "authoredOn": instant(row["authored_on"]),
        "requester": reference("PractitionerRole", row["requester_role_id"]),
        "performer": [reference("HealthcareService", service) for service in services],
        "supportingInfo": [
            *kept,
            *[reference("QuestionnaireResponse", form) for form in forms],
            *[reference("DocumentReference", file) for file in files],
        ],
    }
    return without_empty({**received, **ours})


def form(row: Row) -> Resource:
    """The answers to the form of the pathway."""
    return without_empty(
        {
            "resourceType": "QuestionnaireResponse",
            "id": row["id"],
            "basedOn": [reference("ServiceRequest", row["request_id"])],
            "questionnaire": row["questionnaire"],
            "status": row["status"],
            "subject": reference("Patient", row["patient_id"]),
            "authored": instant(row["authored"]),
            "author": reference("PractitionerRole", row["author_role_id"]),
            "item": decode(row["items"]) if row["status"] != "entered-in-error" else [],
        }
    )


def letter(row: Row) -> Resource:
    """The letter that comes back."""
    content: bytes = row["content"]
    attachment = {
        "contentType": row["content_type"],
        "language": "fr",
        "data": base64.b64encode(content).decode(),
        "size": len(content),
        "hash": base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode(),  # lint: spared, because FHIR says SHA-1
        "title": row["title"],
        "creation": instant(row["signed_at"]),
    }
    context = {
        "encounter": [reference("Encounter", row["encounter_id"])] if row["encounter_id"] else [],
        "related": [reference("Task", row["task_id"])],
    }
    return without_empty(
        {
            "resourceType": "DocumentReference",
            "id": row["id"],
            "identifier": own_identifier("FILL", systems.OWN_DOCUMENT_NUMBER, row["id"]),
            "status": row["status"],
            "docStatus": "final",
            "type": concept(systems.LOINC, LETTER_CODE, LETTER_DISPLAY),
            "subject": reference("Patient", row["patient_id"]),
            "date": instant(row["signed_at"]),
            "author": [reference("PractitionerRole", row["author_role_id"]) or {"display": row["author_display"]}],
            "custodian": reference("Organization", row["owner_org"]),
            "relatesTo": [{"code": "replaces", "target": reference("DocumentReference", row["replaces"])}] if row["replaces"] else [],
            "description": row["title"],
            "content": [{"attachment": attachment}],
            "context": without_empty(context),
        }
    )


def attachment(row: Row) -> Resource:
    """A file that came with a request, an answer or a letter: its bytes are a Binary."""
    shown = row["status"] == "current"
    content = {
        "contentType": row["content_type"],
        "url": f"Binary/{row['id']}",
        "size": row["size"],
        "hash": base64.b64encode(row["hash"]).decode(),
        "title": row["title"],
        "creation": instant(row["attached_at"]),
    }
    related = [("ServiceRequest", row["request_id"]), ("Task", row["task_id"]), ("DocumentReference", row["letter_id"])]
    return without_empty(
        {
            "resourceType": "DocumentReference",
            "id": row["id"],
            "status": row["status"],
            "subject": reference("Patient", row["patient_id"]),
            "date": instant(row["attached_at"]),
            "author": [reference("PractitionerRole", row["author_role_id"]) or {"display": row["author_display"]}],
            "custodian": reference("Organization", row["owner_org"]),
            "content": [{"attachment": content if shown else {"title": "-"}}],
            "context": {"related": [reference(kind, id) for kind, id in related if id]},
        }
    )


def encounter(row: Row, parent: Row) -> Resource:
    """The visit: who, where, when, for which request."""
    return without_empty(
        {
            "resourceType": "Encounter",
            "id": row["id"],
            "identifier": [{"system": systems.OWN_ENCOUNTER_NUMBER, "value": row["id"]}],
            "status": row["status"],
            "class": {"system": systems.ACT_CODE, "code": row["class"]},
            "subject": reference("Patient", row["patient_id"]),
            "basedOn": [reference("ServiceRequest", parent["request_id"])],
            "participant": [{"individual": reference("PractitionerRole", row["role_id"])}] if row["role_id"] else [],
            "appointment": [reference("Appointment", row["appointment_id"])] if row["appointment_id"] else [],
            "period": {"start": instant(row["starts"]), "end": instant(row["ends"])},
            "serviceProvider": reference("Organization", row["owner_org"]),
        }
    )
