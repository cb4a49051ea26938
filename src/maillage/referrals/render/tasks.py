"""Tasks: of coordination, its children, and a lack of a place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from maillage.codes import systems
from maillage.codes.labels import label
from maillage.referrals.render.elements import Resource, Row, concept, instant, own_identifier, reference, without_empty
from maillage.referrals.rules import CHILD_TABLE, TABLE
from maillage.referrals.types import COW

TURN: Final = systems.own_extension("turn")
CHILD_CODE: Final = systems.own_code_system("referral-task")
INPUT: Final = systems.own_code_system("referral-task-data")
RECOMMENDATION: Final = systems.own_code_system("recommendation")


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


def task(row: Row, request: Row, forms: Sequence[str]) -> Resource:
    """The coordination Task: owned by the performing service from the first day to the last; `turn` says who is awaited."""
    state = TABLE.states[row["state"]]
    return without_empty(
        {
            "resourceType": "Task",
            "id": row["id"],
            "extension": _turn(row),
            "identifier": own_identifier("FILL", systems.OWN_TASK_NUMBER, row["id"]),
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
            "identifier": own_identifier("FILL", systems.OWN_TASK_NUMBER, row["id"]),
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
