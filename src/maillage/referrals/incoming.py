"""FHIR in: a posted ServiceRequest, QuestionnaireResponse or Task becomes a verb; an update is answered with the name of its verb."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from maillage import directory
from maillage.codes import systems
from maillage.kernel.bounds import date_problem
from maillage.kernel.errors import Conflict, Invalid, Malformed, NotFound
from maillage.kernel.ids import new_id
from maillage.kernel.intake import Claim
from maillage.kernel.period import wall_to_utc
from maillage.referrals import queries, render
from maillage.referrals.actions import closing, sending
from maillage.referrals.actions.case import Work
from maillage.referrals.types import PRIORITIES, REASONS, UNDECIDED
from maillage.store import Transaction

Resource = dict[str, Any]
CLOCKS_DIFFER: Final = timedelta(minutes=5)

DECIDED_HERE: Final = (
    *("resourceType", "id", "meta", "text", "status", "intent", "priority", "subject", "authoredOn", "requester", "performer", "contained"),
)
"""Elements of a ServiceRequest that our rows decide on; the rest is kept as received."""
OUR_EXTENSIONS: Final = frozenset({render.IDENTITY_CONFIRMED, render.PATIENT_INFORMED, render.OUTSIDE_CRITERIA, render.PREPARED_BY})


def ref_id(value: Any, kind: str) -> str:
    """The id of a literal reference to a type, empty when it is something else."""
    text = value.get("reference") if isinstance(value, Mapping) else None
    prefix, _, id = str(text or "").rpartition("/")
    return id if prefix == kind else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


async def _ours(tx: Transaction, kind: str, id: str) -> bool:
    tables = [table for table, type_ in queries.TYPE_OF_TABLE.items() if type_ == kind]
    return bool(id) and await queries.is_ours(tx, tables, id)


async def _held_and_seen(tx: Transaction, kind: str, id: str) -> bool:
    """A reference counts when its target is ours and the caller sees it: what is hidden must answer as what does not exist."""
    tables = [table for table, type_ in queries.TYPE_OF_TABLE.items() if type_ == kind]
    return bool(id) and any([await queries.sees(tx, table, id) for table in tables])


async def _addressed(tx: Transaction, reference: Any) -> bool:
    id = ref_id(reference, "HealthcareService")
    return bool(id) and await directory.has_service(tx, id)


# --- ServiceRequest -----------------------------------------------------------


async def claims_request(tx: Transaction, resource: Resource) -> bool:
    """A request addressed to a service of ours, or one that we already hold."""
    if await _ours(tx, "ServiceRequest", str(resource.get("id") or "")):
        return True
    return any([await _addressed(tx, performer) for performer in _list(resource.get("performer"))])


async def create_request(tx: Transaction, resource: Resource) -> tuple[str, str]:
    """A posted request. `draft` is prepared; `active` must be sent in the same transaction: by its form, contained or posted, or by its Task."""
    status = resource.get("status")
    if status not in ("draft", "active"):
        raise Invalid.one("status-not-taken", "ServiceRequest.status", "post a draft or an active request; the rest are verbs")
    if resource.get("intent") not in ("order", "plan", "proposal"):
        raise Malformed.one("unknown-intent", "ServiceRequest.intent")
    priority = resource.get("priority", "routine")
    if priority not in PRIORITIES:
        raise Malformed.one("unknown-priority", "ServiceRequest.priority", str(priority))
    patient_id = ref_id(resource.get("subject"), "Patient")
    if not patient_id:
        raise Invalid.one("patient-missing", "ServiceRequest.subject")
    try:
        made = await sending.create_request(
            tx,
            patient_id=patient_id,
            service_ids=await _services(tx, resource),
            requester_role_id=ref_id(resource.get("requester"), "PractitionerRole") or None,
            priority=priority,
            identity_confirmed=_flag(resource, render.IDENTITY_CONFIRMED),
            patient_informed=_flag(resource, render.PATIENT_INFORMED),
            received=_kept(resource),
            id=str(resource.get("id") or ""),
            asked_active=status == "active",
        )
    except NotFound as error:  # named in the body: what is refused is the body, and absent and invisible read the same
        element, reason = _BODY_OF_KIND[error.kind]
        raise Invalid.one(reason, f"ServiceRequest.{element}") from error
    for contained in _list(resource.get("contained")):
        if contained.get("resourceType") == "QuestionnaireResponse":
            await _save(tx, made, {**contained, "id": ""})
    return "ServiceRequest", made


_BODY_OF_KIND: Final = {"Patient": ("subject", "no-care-link"), "PractitionerRole": ("requester", "requester-missing")}


async def _services(tx: Transaction, resource: Resource) -> list[str]:
    found = []
    for number, performer in enumerate(_list(resource.get("performer"))):
        if not await _addressed(tx, performer):
            raise Invalid.one(
                "service-unknown", f"ServiceRequest.performer[{number}]", "every performer must be a service that takes requests here"
            )
        found.append(ref_id(performer, "HealthcareService"))
    return found


def _flag(resource: Resource, url: str) -> bool:
    return any(item.get("url") == url and item.get("valueBoolean") is True for item in _list(resource.get("extension")))


def _kept(resource: Resource) -> Resource:
    kept = {key: value for key, value in resource.items() if key not in DECIDED_HERE}
    kept["extension"] = [item for item in _list(resource.get("extension")) if item.get("url") not in OUR_EXTENSIONS]
    kept["supportingInfo"] = [item for item in _list(resource.get("supportingInfo")) if not str(item.get("reference", "")).startswith("#")]
    return {key: value for key, value in kept.items() if value}


# --- QuestionnaireResponse ------------------------------------------------------


async def claims_form(tx: Transaction, resource: Resource) -> bool:
    """Answers based on a request that we hold."""
    if await _ours(tx, "QuestionnaireResponse", str(resource.get("id") or "")):
        return True
    based = [ref_id(item, "ServiceRequest") for item in _list(resource.get("basedOn"))]
    return any([await _held_and_seen(tx, "ServiceRequest", id) for id in based])


async def create_form(tx: Transaction, resource: Resource) -> tuple[str, str]:
    """Posted answers; completed ones send a request that was posted as active."""
    request_id = next(id for item in _list(resource.get("basedOn")) if (id := ref_id(item, "ServiceRequest")))
    return "QuestionnaireResponse", await _save(tx, request_id, resource)


async def _save(tx: Transaction, request_id: str, resource: Resource) -> str:
    status = resource.get("status")
    if status not in ("in-progress", "completed"):
        raise Invalid.one("status-not-taken", "QuestionnaireResponse.status")
    request = await queries.visible_request(tx, request_id)
    subject = resource.get("subject")
    if subject is not None and ref_id(subject, "Patient") != request["patient_id"]:
        raise Invalid.one("patient-differs", "QuestionnaireResponse.subject", "the answers and their ServiceRequest are about two patients")
    form_id = await sending.save_form(
        tx,
        request_id,
        items=_list(resource.get("item")),
        questionnaire=str(resource.get("questionnaire") or ""),
        status=status,
        id=str(resource.get("id") or ""),
        authored=_authored(resource.get("authored"), tx.now),
        author_role_id=await _author(tx, resource.get("author"), request["owner_org"]),
    )
    if request["asked_active"] and status == "completed":
        for task in await queries.tasks_of(tx, request_id):
            if task["state"] == "to-complete":
                await sending.send(tx, task["id"])
    return form_id


def _authored(told: Any, now: datetime) -> datetime | None:
    """When the answers were written: kept when it is said. A clock that is minutes ahead is brought back to now."""
    if told is None:
        return None
    try:
        read = datetime.fromisoformat(str(told)) if "T" in str(told) else date.fromisoformat(str(told))
    except ValueError as error:
        raise Invalid.one("date-out-of-range", "QuestionnaireResponse.authored", "a day, or an instant with its offset") from error
    if problem := date_problem(read, now + CLOCKS_DIFFER, future=False):
        raise Invalid.one(problem, "QuestionnaireResponse.authored", str(told))
    return min(now, read if isinstance(read, datetime) else wall_to_utc(read, time(0)))


async def _author(tx: Transaction, author: Any, organization: str) -> str | None:
    """The role of who answered: somebody of the requesting organisation. Raises `Invalid` (author-unknown)."""
    if author is None:
        return None
    person, role_id = ref_id(author, "Practitioner"), ref_id(author, "PractitionerRole")
    roles = await directory.roles_of(tx, person) if person else []
    if role_id:
        with suppress(NotFound):
            roles = [await directory.get_role(tx, role_id)]
    found = next((role.id for role in roles if role.organization_id == organization), None)
    if found is None:
        raise Invalid.one("author-unknown", "QuestionnaireResponse.author", "a professional of the organisation that asks")
    return found


# --- Task -------------------------------------------------------------------------


def _code(resource: Resource) -> str:
    return next((str(coding.get("code")) for coding in _list((resource.get("code") or {}).get("coding"))), "")


async def claims_task(tx: Transaction, resource: Resource) -> bool:
    """A Task addressed to a service of ours, one that we hold, a coordination Task of a request that we hold, or an abort Task of such a Task."""
    if await _ours(tx, "Task", str(resource.get("id") or "")):
        return True
    if await _addressed(tx, resource.get("owner")) and (resource.get("focus") or resource.get("basedOn")):
        return True
    focus = resource.get("focus")
    coordination = _code(resource) == "fulfill" or (not _code(resource) and ref_id(resource.get("owner"), "HealthcareService"))
    if coordination and await _held_and_seen(tx, "ServiceRequest", ref_id(focus, "ServiceRequest")):
        return True
    return _code(resource) == "abort" and await _held_and_seen(tx, "Task", ref_id(focus, "Task"))


async def create_task(tx: Transaction, resource: Resource) -> tuple[str, str]:
    """A posted Task: `draft` is prepared, `requested` or `received` sends; an abort Task asks for the end of its focus."""
    if _code(resource) == "abort":
        return await _abort(tx, resource)
    if _code(resource) not in ("", "fulfill"):
        raise Invalid.one("code-not-taken", "Task.code", "fulfill, or abort")
    if resource.get("intent") not in ("order", None):
        raise Invalid.one("unknown-intent", "Task.intent")
    status = resource.get("status")
    if status not in ("draft", "requested", "received"):
        raise Invalid.one("status-not-taken", "Task.status", "a Task begins as draft, requested or received; the rest are verbs")
    task_id = await _task_of(tx, resource)
    task = await queries.task(tx, task_id)
    if status != "draft" and task["state"] == "to-complete":
        form = await queries.current_form(tx, task["request_id"])
        if form is not None and form["status"] != "completed":
            raise Invalid.one("form-not-completed", "QuestionnaireResponse.status", "the answers are still in progress")
        await sending.send(tx, task_id)
    return "Task", task_id


async def _task_of(tx: Transaction, resource: Resource) -> str:
    """The Task of a request for a service: the one that was prepared with the request, or a new one."""
    request_id = ref_id(resource.get("focus"), "ServiceRequest")
    if not request_id:
        raise Invalid.one("focus-missing", "Task.focus", "the focus is a ServiceRequest addressed to a service of ours")
    request = await queries.visible_request(tx, request_id)
    if (patient := ref_id(resource.get("for"), "Patient")) and patient != request["patient_id"]:
        raise Invalid.one("patient-differs", "Task.for", "the Task and its ServiceRequest are about two patients")
    if not await _addressed(tx, resource.get("owner")):
        raise Invalid.one("service-unknown", "Task.owner", "the owner must be a service that takes requests here")
    service_id = ref_id(resource.get("owner"), "HealthcareService")
    known = await queries.task_for(tx, request_id, service_id)
    if known is not None and known["ended_at"] is None:
        return str(known["id"])
    work = Work(tx, "create")
    made = await sending.add_task(work, request_id, service_id, id=str(resource.get("id") or ""))
    await work.finish(("Task", made), request["patient_id"])
    return made


async def _abort(tx: Transaction, resource: Resource) -> tuple[str, str]:
    """The requester wants the work to stop: a withdrawal before any decision, a request for cancellation afterwards."""
    focus, abort_id = ref_id(resource.get("focus"), "Task"), str(resource.get("id") or "")
    table, task_id, _ = await queries.find_task(tx, focus)
    if table != "referral_task":
        raise Invalid.one("focus-missing", "Task.focus", "the focus of an abort Task is a coordination Task")
    reason, comment = _reason(resource)
    row = await queries.task(tx, task_id)
    verb = closing.withdraw if row["state"] in UNDECIDED.split() else closing.request_cancellation
    made = abort_id or new_id()
    await verb(tx, task_id, reason=reason, comment=comment, abort_id=made)
    return "Task", made


def _reason(resource: Resource) -> tuple[str, str]:
    """The reason of an abort Task: a code of ours, else `other` with its text."""
    concept = resource.get("reasonCode") or {}
    known = {reason.code for reason in REASONS["withdraw"]}
    codes = [str(coding.get("code")) for coding in _list(concept.get("coding")) if coding.get("system") == systems.OWN_REASON]
    if any(code not in known for code in codes):
        raise Invalid.one("unknown-reason", "Task.reasonCode", ", ".join(codes))
    text = str(concept.get("text") or resource.get("description") or "").strip()
    if not codes and len(text) < 15:
        raise Invalid.one("reason-missing", "Task.reasonCode", "a code of ours, or a text of 15 characters")
    return (codes or ["other"])[0], text


_VERB_OF_STATUS: Final[Mapping[str, str]] = {
    "requested": "send",
    "received": "send",
    "accepted": "accept",
    "rejected": "decline",
    "failed": "decline",
    "in-progress": "book",
    "completed": "send-outcome",
    "entered-in-error": "enter-in-error",
}


def verb_for_task(before: Resource, after: Resource) -> str:
    """The verb that an update of a Task would be; empty when its status does not change."""
    old, new = before.get("status"), after.get("status")
    if old == new or new is None:
        return ""
    if before.get("partOf"):
        return {"accepted": "accept", "rejected": "hand-back", "completed": "done"}.get(str(new), "")
    if new == "cancelled":
        return "withdraw" if old in ("draft", "requested", "received") else "request-cancellation"
    business = {str(item.get("code")) for item in _list((after.get("businessStatus") or {}).get("coding"))}
    if new == "in-progress" and "5.1.4" in business:
        return "mark-seen"
    return _VERB_OF_STATUS.get(str(new), "")


def verb_for_request(before: Resource, after: Resource) -> str:
    """The verb, on its Task, that an update of a ServiceRequest would be."""
    if before.get("status") == after.get("status"):
        return "change-priority" if before.get("priority") != after.get("priority") else ""
    return {"active": "send", "revoked": "withdraw", "entered-in-error": "enter-in-error"}.get(str(after.get("status")), "")


def verb_for_form(_before: Resource, _after: Resource) -> str:
    """Answers are replaced by posting new ones while the request is a draft; afterwards by answering questions."""
    return "answer-info"


def verb_for_letter(_before: Resource, _after: Resource) -> str:
    """A signed letter is replaced by another one, never rewritten."""
    return "send-outcome"


def verb_for_visit(_before: Resource, _after: Resource) -> str:
    """The visit is written by the verb that says that the patient was seen."""
    return "mark-seen"


def _held(kind: str) -> Callable[[Transaction, Resource], Awaitable[bool]]:
    async def claims(tx: Transaction, resource: Resource) -> bool:
        return await _ours(tx, kind, str(resource.get("id") or ""))

    return claims


async def _never(_tx: Transaction, resource: Resource) -> tuple[str, str]:
    raise Conflict("already-exists", id=resource.get("id"))


INTAKE: Final[Mapping[str, Claim]] = {
    "ServiceRequest": Claim("ServiceRequest", claims_request, create_request, verb_for_request, takes_ids=True),
    "QuestionnaireResponse": Claim("QuestionnaireResponse", claims_form, create_form, verb_for_form, takes_ids=True),
    "Task": Claim("Task", claims_task, create_task, verb_for_task),
    "DocumentReference": Claim("DocumentReference", _held("DocumentReference"), _never, verb_for_letter),
    "Encounter": Claim("Encounter", _held("Encounter"), _never, verb_for_visit),
}
"""What this room answers for, by resource type."""
