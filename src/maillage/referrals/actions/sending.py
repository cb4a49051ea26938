"""Asking: prepare a request and its form, check it, send it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

from maillage import access, directory
from maillage.access import choices
from maillage.codes.json import decode, encode_text
from maillage.kernel.actor import Actor
from maillage.kernel.answers import Refused
from maillage.kernel.errors import Conflict, Invalid, Issue, NotAllowed
from maillage.kernel.ids import derived_id, new_id
from maillage.kernel.period import wall_to_utc
from maillage.referrals import queries, rules
from maillage.referrals.actions import attaching, intervals, turns
from maillage.referrals.actions.case import Case, Work, case_of, load
from maillage.referrals.actions.engine import append_status, finish, move, settle_request
from maillage.referrals.actions.rows import insert, update
from maillage.referrals.actions.sharing import shared
from maillage.referrals.types import CLINICIANS, PRIORITIES, REASONS, REQUESTER_OFFICE, Act
from maillage.store import Transaction

Row = Any
ITEM = "QuestionnaireResponse.item.where(linkId='{}')"


async def create_request(
    tx: Transaction,
    *,
    patient_id: str,
    service_ids: Sequence[str],
    requester_role_id: str | None = None,
    priority: str = "routine",
    identity_confirmed: bool = False,
    patient_informed: bool = False,
    received: Mapping[str, Any] | None = None,
    id: str = "",
    asked_active: bool = False,
) -> str:
    """Prepare a request (draft) with one Task to complete for each service; answers the ServiceRequest id.

    The requester is the actor, or the clinician for whom the office prepares it. A request that is `asked_active` must be sent before the
    transaction ends (held by the database): it is never taken in and left behind.
    """
    if priority not in PRIORITIES:
        raise Invalid.one("unknown-priority", "ServiceRequest.priority", priority)
    if not service_ids:
        raise Invalid.one("service-unknown", "ServiceRequest.performer", "a request is addressed to one service at least")
    patient = await directory.get_patient(tx, patient_id, access.visible_to(tx.actor, "Patient"))
    requester = await _requester(tx, requester_role_id)
    request_id, work = id or new_id(), Work(tx, "create")
    prepared_by = f"PractitionerRole/{tx.actor.role_id}" if tx.actor.role_id not in (None, requester.id) else ""
    await insert(
        tx,
        "service_request",
        id=request_id,
        status="draft",
        patient_id=patient.id,
        owner_org=requester.organization_id,
        parties=[requester.organization_id],
        requester_role_id=requester.id,
        requester_id=requester.practitioner_id,
        prepared_by=prepared_by,
        priority=priority,
        authored_on=tx.now,
        received=encode_text(dict(received or {})),
        identity_confirmed=identity_confirmed,
        patient_informed=patient_informed,
        asked_active=asked_active,
    )
    work.touch("service_request", request_id)
    for service_id in dict.fromkeys(service_ids):
        await draft_task(work, request_id, service_id)
    await work.finish(("ServiceRequest", request_id), patient.id)
    return request_id


async def _requester(tx: Transaction, role_id: str | None) -> directory.Role:
    """The clinician who asks: the actor, or one of the actor's organisation. Raises `NotAllowed`, `Invalid`."""
    actor = tx.actor
    wanted = role_id or (actor.role_id if actor.is_one_of(*CLINICIANS) else None)
    if wanted is None:
        raise Invalid.one("requester-missing", "ServiceRequest.requester", "say for which clinician the request is prepared")
    role = await directory.get_role(tx, wanted)
    if role.organization_id not in _organizations(actor) or not (actor.kind == "client" or actor.is_one_of(*CLINICIANS, *REQUESTER_OFFICE)):
        raise NotAllowed("not-for-this-party")
    if not CLINICIANS.intersection(role.codes):
        raise Invalid.one("requester-not-clinician", "ServiceRequest.requester")
    return role


def _organizations(actor: Actor) -> tuple[str, ...]:
    return actor.organizations if actor.kind == "client" else (actor.organization,)


async def add_task(work: Work, request_id: str, service_id: str, *, id: str = "") -> str:
    """Address a request of the actor's own side to one more service; answers the Task id, to complete."""
    request = await queries.lock_request(work.tx, request_id)
    if request["owner_org"] not in _organizations(work.tx.actor):
        raise NotAllowed("not-for-this-party")
    if request["status"] not in ("draft", "active"):
        raise Conflict("not-in-table", state=request["status"], legal=[])
    return await draft_task(work, request_id, service_id, id=id)


async def draft_task(work: Work, request_id: str, service_id: str, *, id: str = "") -> str:
    """Add a Task to complete, addressed to a service; answers its id."""
    tx = work.tx
    request = await queries.row_of(tx, "service_request", request_id)
    service = await directory.get_service(tx, service_id)
    if await _is_refused(tx, request["patient_id"], service):
        raise Invalid.one("patient-opposed", "ServiceRequest.performer", service.name)
    task_id = id or await _task_id(tx, request_id, service_id)
    case = await new_task(work, request, service, id=task_id, state="to-complete")
    await append_status(case, "create", None, None, party="RC" if "RC" in case.parties else "RO")
    await update(tx, "service_request", request_id, plan=request["plan"] or service.plan_definition_url)
    work.touch("service_request", request_id)
    return task_id


async def _task_id(tx: Transaction, request_id: str, service_id: str) -> str:
    """The id follows from the request and the service: a peer that is given the request makes the same one."""
    before = sum(task["service_id"] == service_id for task in await queries.tasks_of(tx, request_id))
    return derived_id(request_id, service_id, *([str(before)] if before else []))


async def new_task(work: Work, request: Row, service: directory.Service, *, id: str, state: str, **values: Any) -> Case:
    """Write a Task in its first state, with its turn and its first status."""
    tx, shown = work.tx, rules.TABLE.states[state]
    opening: dict[str, Any] = {"turn": shown.turn, "holder": "-", "deadline": "-", "due_since": tx.now, "due_at": tx.now, "due_unit": "wd"}
    await insert(
        tx,
        "referral_task",
        **{
            "id": id,
            "request_id": request["id"],
            "patient_id": request["patient_id"],
            "owner_org": service.organization_id,
            "requester_org": request["owner_org"],
            "service_id": service.id,
            "lead_role_id": service.lead_role_id or None,
            "state": state,
            "fhir_status": shown.fhir_status,
            "business": shown.business,
            "priority": request["priority"],
            "authored_on": tx.now,
            "entered_at": tx.now,
            "changed_at": tx.now,
            **opening,
            **values,
        },
    )
    case = await case_of(work, request, await queries.task(tx, id))
    dates = rules.Dates(first_sent_at=case.task["first_sent_at"], sent_at=case.task["sent_at"])
    case.task = await update(tx, "referral_task", id, **turns.entry(state, case, dates, case.task["priority"]))
    work.touch("referral_task", id)
    return case


async def save_form(
    tx: Transaction,
    request_id: str,
    *,
    items: Sequence[Mapping[str, Any]],
    questionnaire: str = "",
    status: str = "in-progress",
    id: str = "",
    authored: datetime | None = None,
    author_role_id: str | None = None,
) -> str:
    """Keep the answers to the form of a request that is not sent yet; answers the QuestionnaireResponse id.

    The author is the actor and the date is now, unless who brings the answers says otherwise. Raises `Invalid` with every answer that the form
    does not ask for, once they are said to be complete.
    """
    request = await queries.visible_request(tx, request_id)
    request = await queries.lock_request(tx, request["id"])
    if request["owner_org"] not in _organizations(tx.actor):
        raise NotAllowed("not-for-this-party")
    if request["status"] != "draft":
        raise Conflict("not-in-table", state=request["status"], legal=[])
    work = Work(tx, "save-form")
    tasks = await queries.tasks_of(tx, request_id)
    form = await queries.current_form(tx, request_id)
    forms = await _forms_of(tx, tasks)
    questionnaire = questionnaire or next(iter(forms))
    if status == "completed" and (wrong := _wrong(forms, questionnaire, {"item": items}, tx.now)):
        raise Invalid(*wrong)
    values = {
        "status": status,
        "authored": authored or tx.now,
        "author_role_id": author_role_id or tx.actor.role_id,
        "items": encode_text(list(items)),
    }
    if form is None or (id and id != form["id"]):
        form_id = id or new_id()
        owned = {"patient_id": request["patient_id"], "owner_org": request["owner_org"], "parties": list(request["parties"])}
        await insert(tx, "referral_form", id=form_id, request_id=request_id, questionnaire=questionnaire, **owned, **values)
        work.touch("service_request", request_id)
        for task in tasks:
            work.touch("referral_task", task["id"])
    else:
        form_id = form["id"]
        await update(tx, "referral_form", form_id, questionnaire=questionnaire or form["questionnaire"], **values)
    work.touch("referral_form", form_id)
    await work.finish(("QuestionnaireResponse", form_id), request["patient_id"])
    return form_id


@shared("send")
async def send(
    tx: Transaction,
    id: str,
    *,
    version: int | None = None,
    identity_confirmed: bool = False,
    patient_informed: bool = False,
    outside_criteria: bool = False,
    duplicate_reason: str | None = None,
) -> str:
    """Send a complete request to its service. Raises `Invalid` with every missing item, `Conflict("duplicate-open")`."""
    case = await load(Work(tx, "send"), id, version)
    stated = {"identity_confirmed": identity_confirmed, "patient_informed": patient_informed, "outside_criteria": outside_criteria}
    await check_sending(case, duplicate_reason, stated)
    form = await queries.current_form(tx, case.request["id"])
    first = case.request["first_sent_at"] or tx.now
    await move(case, "send", Act(), sent_at=tx.now, first_sent_at=first, duplicate_reason=duplicate_reason)
    await open_to_performer(case, form, {name: True for name, value in stated.items() if value} | {"first_sent_at": first})
    return await finish(case)


async def check_sending(case: Case, duplicate_reason: str | None, stated: Mapping[str, bool]) -> None:
    """The checks of workflows.md 0.7, all at once: what is missing is one `Invalid` with one issue each."""
    unmet, issues = await problems(case, duplicate_reason, stated)
    case.facts = replace(case.facts, sending=frozenset(unmet))
    if isinstance(rules.find_line(case.task["state"], "send", case.parties), Refused):
        return  # the move itself refuses
    if issues:
        raise Invalid(*issues, phone=case.service.phone)
    if "no-care-link" in unmet:
        raise NotAllowed("no-care-link")
    if "duplicate-open" in unmet:
        raise Conflict("duplicate-open", existing=unmet["duplicate-open"])


async def problems(case: Case, duplicate_reason: str | None, stated: Mapping[str, bool]) -> tuple[dict[str, str], list[Issue]]:
    """What stands in the way of sending: codes with a detail, and the issues to show."""
    tx, request = case.tx, case.request
    if not await access.has_link(tx, request["patient_id"], [request["owner_org"]]):
        return {"no-care-link": ""}, []  # what else lacks would tell of a patient who is no longer this organisation's
    patient = await directory.get_patient(tx, request["patient_id"], access.visible_to(tx.actor, "Patient"))
    found: dict[str, tuple[str, str]] = {}
    if case.task["priority"] == "stat":
        found["call-instead"] = ("ServiceRequest.priority", case.service.phone)
    if not (stated.get("identity_confirmed") or request["identity_confirmed"] or patient.qualified):
        found["identity-unconfirmed"] = ("ServiceRequest.subject", "show the five traits and tick them, or qualify the identity")
    if not (stated.get("patient_informed") or request["patient_informed"]):
        found["patient-not-informed"] = ("ServiceRequest.extension", "say that the patient is informed")
    if await _is_refused(tx, request["patient_id"], case.service):
        found["patient-opposed"] = ("Task.owner", case.service.name)
    if not case.service.active:
        found["service-closed"] = ("Task.owner", case.service.name)
    if duplicate_reason is not None and duplicate_reason not in {reason.code for reason in REASONS["duplicate-override"]}:
        found["unknown-reason"] = ("Parameters.parameter.where(name='duplicate_reason')", duplicate_reason)
    issues = [Issue("error", "business-rule", code, where, details) for code, (where, details) in found.items()]
    items = await _form_issues(case)
    unmet = {code: details for code, (_, details) in found.items()} | {issue.reason.partition(":")[0]: issue.details for issue in items}
    if duplicate_reason is None and (other := await _duplicate(case)):
        unmet["duplicate-open"] = other
    if await _asks_oneself(case):
        unmet["own-request"] = ""
    return unmet, [*issues, *items]


async def _is_refused(tx: Transaction, patient_id: str, service: directory.Service) -> bool:
    """Whether the patient refuses that this service reads the record: it could read nothing of what it is asked (CSP L1110-4 IV)."""
    return bool(await choices.opposed_organizations(tx, patient_id, [service.organization_id]))


async def _duplicate(case: Case) -> str | None:
    return await queries.open_duplicate(case.tx, case.request["patient_id"], case.task["service_id"], case.request["owner_org"], case.id)


async def _asks_oneself(case: Case) -> bool:
    triagers = {role.practitioner_id for role in (await directory.get_roles(case.tx, case.service.triager_role_ids)).values()}
    return triagers == {case.request["requester_id"]}


async def _form_issues(case: Case) -> list[Issue]:
    """What the form of the pathway asks and the answers lack; an answer may also say: call."""
    questionnaire = await directory.get_questionnaire(case.tx, case.service.questionnaire)
    row = await queries.current_form(case.tx, case.request["id"])
    response = {"item": decode(row["items"])} if row else None
    if rules.calls_instead(questionnaire, response):
        return [Issue("error", "business-rule", "call-instead", "QuestionnaireResponse.item", case.service.phone)]
    missing = [
        Issue("error", "required", f"item-missing:{item.link_id}", ITEM.format(item.link_id), f"{item.link_id}: {item.problem}")
        for item in rules.missing_items(questionnaire, response, case.task["priority"])
    ]
    if row is None:
        return missing
    forms = await _forms_of(case.tx, await queries.tasks_of(case.tx, case.request["id"]))
    return [*missing, *_wrong(forms, row["questionnaire"], response, case.tx.now)]


async def _forms_of(tx: Transaction, tasks: Sequence[Row]) -> dict[str, Mapping[str, Any]]:
    """The forms that the services of a request ask, by canonical; one set of answers may serve several services."""
    services = [await directory.get_service(tx, id) for id in dict.fromkeys(task["service_id"] for task in tasks)]
    return {service.questionnaire: await directory.get_questionnaire(tx, service.questionnaire) for service in services}


def _wrong(forms: Mapping[str, Mapping[str, Any]], canonical: str, response: Mapping[str, Any] | None, now: datetime) -> list[Issue]:
    """The answers that are not those of the form that the pathway names."""
    known = {*forms, *(form.partition("|")[0] for form in forms)}
    if canonical not in known:
        return [Issue("error", "business-rule", "form-differs", "QuestionnaireResponse.questionnaire", ", ".join(forms))]
    return [
        Issue("error", "invalid", f"answer-{item.problem}", ITEM.format(item.link_id), item.link_id)
        for item in rules.wrong_answers(list(forms.values()), response, now)
    ]


async def open_to_performer(case: Case, form: Row | None, stated: Mapping[str, Any]) -> None:
    """The service sees the pack from now on: parties, care links, permissions and unavailability that the form says."""
    tx, request = case.tx, case.request
    response = {"item": decode(form["items"])} if form else None
    parties = sorted({*request["parties"], case.task["owner_org"]})
    permissions = {f"may_{name}": rules.permission(response, f"may-{name}") for name in ("redirect", "advise", "convert")}
    case.request = await update(tx, "service_request", request["id"], parties=parties, **permissions, **stated)
    case.work.touch("service_request", request["id"])
    for form_id in await queries.form_ids(tx, request["id"]):
        await update(tx, "referral_form", form_id, parties=parties, status="completed")
        case.work.touch("referral_form", form_id)
    await attaching.show_to(case.work, request["id"], parties)
    for organization in {case.task["owner_org"], request["owner_org"]}:
        await access.link(tx, request["patient_id"], organization, "adressage", f"Task/{case.id}", parties=case.task["parties"])
    for first, last in rules.unavailabilities(response):
        start, end = wall_to_utc(first, time(0)), wall_to_utc(last + timedelta(days=1), time(0))
        if end > tx.now:
            await intervals.write(case, rules.Interval("P1", max(start, tx.now), end), "send")
    case.request = await queries.row_of(tx, "service_request", request["id"])


async def forward(case: Case, service: directory.Service, came_by: str, *, state: str = "sent", **values: Any) -> Case:
    """A new Task of the same request, content carried: after a redirection, elsewhere, or to the senior who reviews."""
    if {service.organization_id, case.task["requester_org"]}.isdisjoint(case.tx.actor.organizations):
        case.work.tx = case.tx.beyond()  # who hands it on does not see what becomes of it
    tx, old = case.tx, case.task
    other = await queries.open_duplicate(tx, old["patient_id"], service.id, old["requester_org"], case.id)
    if other:
        raise Conflict("duplicate-open", existing=other)
    if service.organization_id != old["owner_org"] and await _is_refused(tx, old["patient_id"], service):
        raise Conflict("patient-opposed")
    carried = {
        "priority": old["priority"],
        "first_sent_at": old["first_sent_at"],
        "sent_at": tx.now,
        "came_from": case.id,
        "came_by": came_by,
    }
    new = await new_task(case.work, case.request, service, id=derived_id(case.id, "next"), state=state, **{**carried, **values})
    await append_status(new, came_by, None, None, published="01", party=case.party)
    await open_to_performer(new, await queries.current_form(tx, case.request["id"]), {})
    await settle_request(new)
    return new
