"""Rows to FHIR: how each resource of this room is drawn. Used by the actions for photographs, and again by `maillage rerender`."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from maillage.codes import systems
from maillage.codes.json import decode
from maillage.codes.labels import label
from maillage.kernel.errors import NotFound
from maillage.referrals import queries
from maillage.referrals.rules import CHILD_TABLE, TABLE
from maillage.referrals.types import COW
from maillage.store import Transaction

Resource = dict[str, Any]
Row = Any

TURN: Final = systems.own_extension("turn")
IDENTITY_CONFIRMED: Final = systems.own_extension("identity-confirmed")
PATIENT_INFORMED: Final = systems.own_extension("patient-informed")
OUTSIDE_CRITERIA: Final = systems.own_extension("outside-criteria")
PREPARED_BY: Final = systems.own_extension("prepared-by")
DUPLICATE_REASON: Final = systems.own_extension("duplicate-reason")
CHILD_CODE: Final = systems.own_code_system("referral-task")
INPUT: Final = systems.own_code_system("referral-task-data")
LETTER_CODE: Final = "11488-4"
LETTER_DISPLAY: Final = "Compte rendu ou fiche de consultation"
RECOMMENDATION: Final = systems.own_code_system("recommendation")


def instant(at: datetime | None) -> str | None:
    """An instant as FHIR writes it."""
    return at.isoformat() if at else None


def reference(kind: str, id: str | None) -> Resource | None:
    """A literal reference, or nothing."""
    return {"reference": f"{kind}/{id}"} if id else None


def concept(system: str, code: str, display: str = "") -> Resource:
    """A CodeableConcept with one coding."""
    return {"coding": [{"system": system, "code": code, **({"display": display} if display else {})}]}


def without_empty(resource: Mapping[str, Any]) -> Resource:
    """FHIR has no null, no empty list and no empty object."""
    return {key: value for key, value in resource.items() if value is not None and value not in ([], {}, "")}


def _flag(url: str, value: bool) -> list[Resource]:
    return [{"url": url, "valueBoolean": True}] if value else []


def business_status(state: str, business: str | None) -> Resource:
    """BSeR's code, ours with its French label, and COW's where it has one. The partner code may lag behind on a quiet move."""
    coding = [{"system": systems.BSER_BUSINESS_STATUS, "code": business}] if business else []
    coding.append({"system": systems.OWN_REFERRAL_STATE, "code": state, "display": label("state", state)})
    if state in COW:
        coding.append({"system": systems.COW_BUSINESS_STATUS, "code": COW[state]})
    return {"coding": coding}


def _turn(row: Row) -> list[Resource]:
    if row["turn"] is None:
        return []
    parts: list[Resource] = [{"url": "party", "valueCode": row["turn"]}, {"url": "holder", "valueReference": {"reference": row["holder"]}}]
    if row.get("deadline"):
        parts.append({"url": "deadline", "valueCode": row["deadline"]})
    return [{"url": TURN, "extension": parts}]


def _status_reason(row: Row) -> Resource | None:
    if not row["reason"]:
        return {"text": row["comment"]} if row["comment"] else None
    text = label("reason", row["reason"])
    coding = [{"system": systems.OWN_REASON, "code": row["reason"], "display": text}]
    return {"coding": coding, "text": row["comment"] or text}


def _identifier(kind: str, system: str, id: str) -> list[Resource]:
    return [{"type": concept(systems.IDENTIFIER_TYPE, kind), "system": system, "value": id}]


def task(row: Row, request: Row, forms: Sequence[str]) -> Resource:
    """The coordination Task: owned by the performing service from the first day to the last; `turn` says who is awaited."""
    state = TABLE.states[row["state"]]
    return without_empty(
        {
            "resourceType": "Task",
            "id": row["id"],
            "extension": _turn(row),
            "identifier": _identifier("FILL", systems.OWN_TASK_NUMBER, row["id"]),
            "basedOn": [reference("ServiceRequest", row["request_id"])],
            "status": row["fhir_status"],
            "statusReason": _status_reason(row),
            "businessStatus": business_status(state.code, row["business"]),
            "intent": "order",
            "priority": row["priority"],
            "code": concept(systems.TASK_CODE, "fulfill"),
            "focus": reference("ServiceRequest", row["request_id"]),
            "for": reference("Patient", row["patient_id"]),
            "encounter": reference("Encounter", row["encounter_id"]),
            "authoredOn": instant(row["authored_on"]),
            "lastModified": instant(row["changed_at"]),
            "requester": reference("PractitionerRole", request["requester_role_id"]),
            "owner": reference("HealthcareService", row["service_id"]),
            "restriction": {"period": {"end": instant(row["due_at"])}} if row["due_at"] else None,
            "input": _inputs(row, forms),
            "output": _outputs(row),
        }
    )


def _inputs(row: Row, forms: Sequence[str]) -> list[Resource]:
    found: list[Resource] = [_data("form", {"valueReference": reference("QuestionnaireResponse", form)}) for form in forms]
    if row["came_from"]:
        found.append(_data(row["came_by"], {"valueReference": reference("Task", row["came_from"])}))
    if row["duplicate_reason"]:
        found.append(_data("duplicate-override", {"valueCode": row["duplicate_reason"]}))
    return found


def _outputs(row: Row) -> list[Resource]:
    references = (("appointment", "Appointment"), ("encounter", "Encounter"), ("document", "DocumentReference"))
    found = [_data(name, {"valueReference": reference(kind, row[f"{name}_id"])}) for name, kind in references if row[f"{name}_id"]]
    if row["recommendation"]:
        display = label("recommendation", row["recommendation"])
        found.append(_data("recommendation", {"valueCodeableConcept": concept(RECOMMENDATION, row["recommendation"], display)}))
    if row["advice"] and row["state"] != "entered-in-error":
        found.append(_data("advice", {"valueString": row["advice"]}))
    return found


def _data(name: str, value: Resource) -> Resource:
    return {"type": concept(INPUT, name), **value}


def child(row: Row, parent: Row, questions: Sequence[Row]) -> Resource:
    """A child Task: owned by the party whose turn it is, with what it asks and what was answered. An abort Task asks for the end of its focus."""
    abort, state = row["code"] == "abort", CHILD_TABLE.states[row["state"]]
    masked = parent["state"] == "entered-in-error"
    status = "rejected" if abort and row["state"] == "cancelled" else state.fhir_status
    return without_empty(
        {
            "resourceType": "Task",
            "id": row["id"],
            "extension": _turn(row),
            "identifier": _identifier("FILL", systems.OWN_TASK_NUMBER, row["id"]),
            "partOf": [reference("Task", row["task_id"])],
            "status": status,
            "statusReason": {"text": row["comment"]} if row["comment"] and not masked else None,
            "businessStatus": {
                "coding": [{"system": systems.OWN_REFERRAL_STATE, "code": row["state"], "display": label("state", row["state"])}]
            },
            "intent": "order",
            "priority": row["priority"],
            "code": concept(systems.TASK_CODE, "abort") if abort else concept(CHILD_CODE, row["code"], label("child-task", row["code"])),
            "description": "" if masked else row["description"],
            "focus": reference("Task", row["task_id"]) if abort else reference("ServiceRequest", parent["request_id"]),
            "for": reference("Patient", row["patient_id"]),
            "authoredOn": instant(row["authored_on"]),
            "lastModified": instant(row["entered_at"]),
            "owner": {"reference": row["holder"]},
            "restriction": {"period": {"end": instant(row["due_at"])}},
            "input": [_data("question", {"valueString": question["item"]}) for question in questions],
            "output": [*_answers(questions), *([_data("outcome", {"valueCode": row["outcome"]})] if row["outcome"] else [])],
        }
    )


def _answers(questions: Sequence[Row]) -> list[Resource]:
    """The answers, each with the question that it answers; « cannot » is an answer."""
    answered = [question for question in questions if question["answered_at"]]
    said = ((question["item"], question["answer"] or label("answer", "cannot")) for question in answered)
    return [{"type": {**concept(INPUT, "answer"), "text": item}, "valueString": answer} for item, answer in said]


def capacity_failure(row: Row, parent: Row) -> Resource:
    """A line of the ledger of lacking capacity, as a Task whose focus is the request."""
    return without_empty(
        {
            "resourceType": "Task",
            "id": row["id"],
            "partOf": [reference("Task", row["task_id"])],
            "status": "completed" if row["resolution"] else "in-progress",
            "intent": "order",
            "priority": row["priority"],
            "code": concept(CHILD_CODE, "capacity-failure", label("child-task", "capacity-failure")),
            "description": label("ledger-step", row["step"]),
            "focus": reference("ServiceRequest", parent["request_id"]),
            "for": reference("Patient", row["patient_id"]),
            "authoredOn": instant(row["opened_at"]),
            "lastModified": instant(row["resolved_at"] or row["opened_at"]),
            "owner": reference("HealthcareService", row["service_id"]),
            "reasonCode": concept(systems.OWN_REASON, row["reason"], label("reason", row["reason"])),
            "restriction": {"period": {"end": instant(row["wanted_by"])}},
            "output": [_data("resolution", {"valueCode": row["resolution"]})] if row["resolution"] else [],
        }
    )


def service_request(row: Row, services: Sequence[str], forms: Sequence[str], files: Sequence[str] = ()) -> Resource:
    """The request, with what was received and no rule reads; our own parts win."""
    received = decode(row["received"]) if row["status"] != "entered-in-error" else {}
    kept = [
        item for item in received.get("supportingInfo", []) if item.get("reference") not in {f"QuestionnaireResponse/{f}" for f in forms}
    ]
    prepared = [{"url": PREPARED_BY, "valueReference": {"reference": row["prepared_by"]}}] if row["prepared_by"] else []
    flags = [
        *_flag(IDENTITY_CONFIRMED, row["identity_confirmed"]),
        *_flag(PATIENT_INFORMED, row["patient_informed"]),
        *_flag(OUTSIDE_CRITERIA, row["outside_criteria"]),
    ]
    ours = {
        "resourceType": "ServiceRequest",
        "id": row["id"],
        "extension": [*received.get("extension", []), *prepared, *flags],
        "identifier": [*received.get("identifier", []), *_identifier("PLAC", systems.OWN_REFERRAL_NUMBER, row["id"])],
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
            "identifier": _identifier("FILL", systems.OWN_DOCUMENT_NUMBER, row["id"]),
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


async def _task(tx: Transaction, row: Row) -> Resource:
    request = await queries.row_of(tx, "service_request", row["request_id"])
    return task(row, request, await queries.form_ids(tx, row["request_id"]))


async def _request(tx: Transaction, row: Row) -> Resource:
    files = [file["id"] for file in await queries.attachments(tx, row["id"]) if file["part"] != "letter" and file["status"] == "current"]
    return service_request(row, await queries.service_ids(tx, row["id"]), await queries.form_ids(tx, row["id"]), files)


async def _form(_tx: Transaction, row: Row) -> Resource:
    return form(row)


async def _letter(_tx: Transaction, row: Row) -> Resource:
    return letter(row)


async def _attachment(_tx: Transaction, row: Row) -> Resource:
    return attachment(row)


async def _child(tx: Transaction, row: Row) -> Resource:
    parent = await queries.task(tx, row["task_id"])
    asked = row["round"] and parent["state"] != "entered-in-error"
    return child(row, parent, await queries.questions(tx, row["task_id"], row["round"]) if asked else ())


def _of_task(draw: Callable[[Row, Row], Resource]) -> Callable[[Transaction, Row], Awaitable[Resource]]:
    async def drawn(tx: Transaction, row: Row) -> Resource:
        return draw(row, await queries.task(tx, row["task_id"]))

    return drawn


DRAWERS: Final[Mapping[str, Callable[[Transaction, Row], Awaitable[Resource]]]] = {
    "service_request": _request,
    "referral_task": _task,
    "referral_child": _child,
    "capacity_failure": _of_task(capacity_failure),
    "referral_form": _form,
    "referral_letter": _letter,
    "referral_attachment": _attachment,
    "referral_encounter": _of_task(encounter),
}
"""How a row of each table is drawn."""


async def draw(tx: Transaction, table: str, id: str) -> tuple[Row, Resource]:
    """The row and its resource. Raises `NotFound`."""
    row = await queries.row_of(tx, table, id)
    if row is None:
        raise NotFound(queries.TYPE_OF_TABLE[table], id)
    return row, await DRAWERS[table](tx, row)


def _renderer(kind: str) -> Callable[[Transaction, str], Awaitable[Resource | None]]:
    tables = [table for table, type_ in queries.TYPE_OF_TABLE.items() if type_ == kind]

    async def render(tx: Transaction, id: str) -> Resource | None:
        for table in tables:
            if await queries.is_ours(tx, [table], id):
                return (await draw(tx, table, id))[1]
        return None

    return render


RENDERERS: Final = {kind: _renderer(kind) for kind in dict.fromkeys(queries.TYPE_OF_TABLE.values())}
"""Type to `async (tx, id) -> resource`; None for an id that is not ours (drift check, `maillage rerender`)."""
