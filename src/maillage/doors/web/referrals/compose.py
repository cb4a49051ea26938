"""Composing a request: a patient, a service, the form of the pathway, a draft at any moment, a last look, sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from maillage import access, directory, record, referrals
from maillage.access import policy
from maillage.directory import Service
from maillage.doors.web import verbs
from maillage.doors.web.catalogue import explain
from maillage.doors.web.forms import Choice, Field, Reader, field_name, redisplay, summary
from maillage.doors.web.pages import get, post
from maillage.doors.web.patients.presenters import Identity, load_identity
from maillage.doors.web.referrals import files, known, questionnaire
from maillage.doors.web.referrals.presenters import Line, line
from maillage.doors.web.referrals.questionnaire import Group, Question
from maillage.doors.web.view import Rejected, View
from maillage.kernel.errors import Invalid, Issue, NotAllowed

_BLOCKING = frozenset({"no-care-link", "own-request", "patient-opposed", "service-closed", "form-differs"})
_IN_THEIR_HANDS = frozenset({"received", "accepted", "in-progress"})
_SEND = (
    Field("identity-confirmed", "J’ai vérifié ces cinq traits avec le patient", "checkbox", required=True),
    Field(
        "patient-informed",
        "Le patient est informé de la demande et du partage de ses informations avec ce service",
        "checkbox",
        required=True,
    ),
    Field("outside-criteria", "Cette demande sort des critères du service, et je l’envoie quand même", "checkbox"),
)


async def choose_service(view: View) -> Response:
    """From a patient: on to the service, or straight to the form when the service is known."""
    service = view.query("service")
    id = view.path("id")
    return view.go(f"/demandes/nouvelle?patient={id}&service={service}" if service else f"/services?patient={id}")


async def show_new(view: View) -> Response:
    """The form of a new request; without patient or service, first the way to choose one."""
    patient_id, service_id = view.query("patient") or view.given("patient"), view.query("service") or view.given("service")
    if not patient_id:
        return view.go(f"/patients?service={service_id}" if service_id else "/patients")
    if not service_id:
        return view.go(f"/services?patient={patient_id}")
    patient, service = await load_identity(view.tx, patient_id), await directory.get_service(view.tx, service_id)
    await record.audit(view.tx, "R", "Patient", patient.id, patient=patient.id, verb="compose")
    return await _form_page(view, patient, service, "/demandes/nouvelle", None)


async def _form_page(
    view: View, patient: Identity, service: Service, action: str, answers: dict[str, list[str]] | None, pieces: Sequence[Any] = ()
) -> Response:
    form = await directory.get_questionnaire(view.tx, service.questionnaire)
    before = await known.of_patient(view, patient) if answers is None else known.Known()
    groups = [_prefilled(group, before.answers, view.query("acte")) for group in questionnaire.groups(form, answers)]
    fields = [question.field for group in groups for question in group.questions]
    shown = {field.name: field for field in redisplay(fields, view.rejected)}
    requester = await _requester_field(view)
    asked_files = redisplay(files.fields(view), view.rejected)
    return view.page(
        "referrals/templates/compose.html",
        "Nouvelle demande",
        patient=patient,
        service=service,
        action=action,
        groups=[Group(g.title, tuple(Question(shown[q.field.name], q.condition) for q in g.questions), g.optional) for g in groups],
        requester=redisplay([requester], view.rejected)[0] if requester and answers is None else None,
        errors=summary(view.rejected, [*fields, *([requester] if requester else []), *asked_files]),
        files=asked_files,
        pieces=pieces,
        draft=answers is not None,
        known_at=before.given_at,
        twin=await _twin(view, patient.id, service.id),
    )


async def _twin(view: View, patient: str, service: str) -> Line | None:
    """The request that this office already has in the hands of this service for this patient: to follow, rather than to ask twice."""
    rows = await referrals.patient_requests(view.tx, patient, access.visible_to(view.actor, "Task"))
    same = [row for row in rows if row["service_id"] == service and row["requester_org"] == view.actor.organization]
    return next((line(row, view.actor) for row in same if row["fhir_status"] in _IN_THEIR_HANDS), None)


def _prefilled(group: Group, values: dict[str, list[str]], act: str) -> Group:
    """What we already know is not typed twice; the act that the button named is chosen."""
    proposed = {**values, **({"act": [act]} if act else {})}
    questions = tuple(
        Question(q.field.started(proposed[q.field.name] if q.field.kind == "checks" else proposed[q.field.name][0]), q.condition)
        if proposed.get(q.field.name) and not (q.field.value or q.field.chosen)
        else q
        for q in group.questions
    )
    return Group(group.title, questions, group.optional)


async def _requester_field(view: View) -> Field | None:
    """For whom the office prepares the request; a clinician asks in person."""
    if view.actor.is_one_of(*referrals.CLINICIANS):
        return None
    people = await directory.roles_beside(view.tx, view.actor.role_id or "", referrals.CLINICIANS)
    choices = tuple(Choice(role.id, role.display) for role in people)
    return Field("requester", "Médecin demandeur", "select", required=True, choices=choices)


async def create(view: View) -> Response:
    """Keep the draft, then go on writing or look at it whole before sending."""
    service = await directory.get_service(view.tx, view.given("service"))
    form = await directory.get_questionnaire(view.tx, service.questionnaire)
    reader, requester = Reader(view.values), await _requester_field(view)
    role = reader.read(requester) if requester else None
    reader.done()
    request = await referrals.create_request(
        view.tx,
        patient_id=view.given("patient"),
        service_ids=[service.id],
        requester_role_id=role,
        priority=_priority(view) or "routine",
    )
    [task] = [row["id"] for row in await referrals.tasks_of(view.tx, request)]
    await _keep(view, request, form)
    await files.keep(view, task, "request")
    return _after_saving(view, task)


async def _keep(view: View, request: str, form: dict[str, Any]) -> None:
    """Keep the answers; those that are to be checked are held against the form at once, each error at its field."""
    status = "completed" if view.given("then") == "check" else "in-progress"
    await referrals.save_form(view.tx, request, items=questionnaire.response_items(form, view.values), status=status)


def _priority(view: View) -> str:
    given = view.given("priority")
    return given if given in ("routine", "urgent", "asap") else ""


def _after_saving(view: View, task: str) -> Response:
    if view.given("then") == "check":
        return view.go(f"/demandes/{task}/verifier")
    return view.go(f"/demandes/{task}/remplir", "saved")


async def show_draft(view: View) -> Response:
    """A draft, to go on writing."""
    task, patient, service = await _draft(view)
    answers = questionnaire.answers_of(await referrals.form_of(view.tx, task["request_id"]))
    pieces = (await files.of_request(view, task["request_id"])).get("request", [])
    return await _form_page(view, patient, service, f"/demandes/{task['id']}/remplir", answers, pieces)


async def _draft(view: View) -> tuple[Any, Identity, Service]:
    task = await referrals.visible_task(view.tx, view.path("id"))
    if task["requester_org"] != view.actor.organization:
        raise NotAllowed("not-for-this-party")
    if not policy.sees_whole(view.actor, "QuestionnaireResponse"):
        await _require_own_draft(view, task["request_id"])
    patient = await load_identity(view.tx, task["patient_id"])
    await record.audit(view.tx, "R", "Task", task["id"], patient=patient.id, verb="draft")
    return task, patient, await directory.get_service(view.tx, task["service_id"])


async def _require_own_draft(view: View, request_id: str) -> None:
    """A desk goes on with what it typed itself under dictation; what somebody else wrote is not shown to it (CSP L1110-4)."""
    request = await referrals.visible_request(view.tx, request_id)
    if request["prepared_by"] != f"PractitionerRole/{view.actor.role_id}":
        raise NotAllowed("role")


async def save(view: View) -> Response:
    """Keep the answers of a draft; a priority chosen meanwhile is carried to the request."""
    task, _, service = await _draft(view)
    form = await directory.get_questionnaire(view.tx, service.questionnaire)
    await _keep(view, task["request_id"], form)
    await files.keep(view, task["id"], "request")
    priority = _priority(view)
    if priority and priority != task["priority"]:
        await referrals.change_priority(view.tx, task["id"], priority=priority, reason="entered-wrongly")
    return _after_saving(view, task["id"])


async def show_check(view: View) -> Response:
    """The last look: identity to confirm, answers to read again, what still stands in the way."""
    task, patient, service = await _draft(view)
    form = await directory.get_questionnaire(view.tx, service.questionnaire)
    items = await referrals.form_of(view.tx, task["request_id"])
    missing = (await verbs.available(view, "Task", task["id"])).get("send", ())
    labels = {q.field.name: q.field.label for group in questionnaire.groups(form, {}) for q in group.questions}
    items_missing = [reason.partition(":")[2] for reason in missing if reason.startswith("item-missing:")]
    fields = [*_SEND, *_duplicate_field(view, missing)]
    request = await referrals.visible_request(view.tx, task["request_id"])
    people = await directory.get_role(view.tx, request["requester_role_id"])
    rejected = view.rejected
    return view.page(
        "referrals/templates/check.html",
        "Vérifier la demande",
        task=task,
        patient=patient,
        service=service,
        requester=people,
        answers=questionnaire.shown(form, items),
        pieces=(await files.of_request(view, task["request_id"])).get("request", []),
        missing=[(f"/demandes/{task['id']}/remplir#f-{name}", labels.get(name, name)) for name in items_missing],
        wrong=_wrong(view, f"/demandes/{task['id']}/remplir", labels),
        call="call-instead" in missing,
        twin=await _twin(view, patient.id, service.id),
        fields=redisplay(fields, rejected),
        errors=_errors(view, fields, labels),
        blocked=[explain(code) for code in missing if code in _BLOCKING or code.startswith("answer-")],
    )


def _errors(view: View, fields: list[Field], labels: dict[str, str]) -> list[tuple[str, str]]:
    """The lines of the error summary: those of the answers of the form lead to the lists of answers, where each leads to its field."""
    issues = view.rejected.issues if view.rejected else ()
    of_form = {issue: labels[field_name(issue)] for issue in issues if field_name(issue) in labels}
    here = summary(Rejected(tuple(issue for issue in issues if issue not in of_form), view.values), fields)
    return [*here, *((_list_of(issue), f"{label} : {explain(issue.reason)}") for issue, label in of_form.items())]


def _list_of(issue: Issue) -> str:
    return "manque" if issue.reason.startswith("item-missing:") else "a-corriger"


def _wrong(view: View, form: str, labels: dict[str, str]) -> list[tuple[str, str]]:
    """The answers of the form that were refused at the sending, each with the way to its field."""
    issues = view.rejected.issues if view.rejected else ()
    found = [(field_name(issue), explain(issue.reason)) for issue in issues if not issue.reason.startswith("item-missing:")]
    return [(f"{form}#f-{name}", f"{labels[name]} : {sentence}") for name, sentence in found if name in labels]


def _duplicate_field(view: View, missing: tuple[str, ...]) -> list[Field]:
    """A second request to the same service says why; the question is asked only then."""
    operation = view.door.operation("Task", "send")
    twice = "duplicate-open" in missing or (
        view.rejected is not None and any(field_name(issue) == "duplicate-reason" for issue in view.rejected.issues)
    )
    if operation is None or not twice:
        return []
    return [field for field in verbs.fields(operation) if field.name == "duplicate-reason"]


async def send(view: View) -> Response:
    """Send: every check of the rule book runs again, in the same transaction."""
    id = view.path("id")
    operation = verbs.find(view, "Task", "send")
    values = {
        "identity_confirmed": view.given("identity-confirmed") == "true",
        "patient_informed": view.given("patient-informed") == "true",
        "outside_criteria": view.given("outside-criteria") == "true",
        "duplicate_reason": view.given("duplicate-reason") or None,
    }
    if not values["identity_confirmed"]:
        raise Invalid.one("identity-unconfirmed", "identity-confirmed")
    await operation.call(view.tx, id, version=verbs.version_of(view), **values)
    return view.go(f"/demandes/{id}", "send")


PAGES = (
    get("/patients/{id:id}/adresser", choose_service, on="Task", to="verb"),
    get("/demandes/nouvelle", show_new, on="Task", to="verb"),
    post("/demandes/nouvelle", create, again=show_new, on="Task", to="verb", files=True),
    get("/demandes/{id:id}/remplir", show_draft, on="Task", to="verb"),
    post("/demandes/{id:id}/remplir", save, again=show_draft, on="Task", to="verb", files=True),
    get("/demandes/{id:id}/verifier", show_check, on="Task", to="verb"),
    post("/demandes/{id:id}/envoyer", send, again=show_check, on="Task", to="verb"),
)
