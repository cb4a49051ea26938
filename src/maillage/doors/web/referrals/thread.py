"""Everything that the page of a referral shows, read in one go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from maillage import booking, directory, record, referrals
from maillage.access import policy
from maillage.directory import Role, Service
from maillage.doors.web import places, verbs
from maillage.doors.web.forms import Field, redisplay
from maillage.doors.web.language import spoken
from maillage.doors.web.patients.presenters import Identity, load_identity
from maillage.doors.web.referrals import files, forms, presenters, questionnaire
from maillage.doors.web.view import View
from maillage.kernel.errors import NotFound

Acts = list[tuple[str, list[Field]]]


@dataclass(frozen=True, slots=True)
class Thread:
    """A referral with its history, its pack and what may be done now."""

    task: Any
    request: Any
    patient: Identity
    service: Service
    requester: Role | None
    requester_place: str
    line: presenters.Line
    steps: list[presenters.Step]
    answers: list[tuple[str, list[tuple[str, str]]]]
    question: str
    rounds: dict[str, Any]
    people: dict[str, Role]
    history: dict[str, Any]
    appointment: Any | None
    site: str
    readers: list[str]
    acts: dict[str, tuple[str, ...]]
    whole: bool
    files: dict[str, list[Any]]
    shared: presenters.Sharing | None

    @property
    def subject(self) -> forms.Subject:
        """What the forms of the verbs need."""
        return forms.Subject(self.task, self.history["referral_question"], self.history["referral_child"])


@dataclass(frozen=True, slots=True)
class Found:
    """A referral that the actor may see, and the verbs that are legal on it now."""

    task: Any
    request: Any
    legal: dict[str, tuple[str, ...]]

    @property
    def unread(self) -> bool:
        """Whether displaying it would be its opening: nobody in triage has read it, and the actor triages."""
        return self.task["state"] == "sent" and "open" in self.legal


async def find(view: View, id: str) -> Found:
    """A referral with its request. Raises `NotFound`."""
    task, request = await referrals.visible_case(view.tx, id)
    return Found(task, request, await verbs.available(view, "Task", id))


async def load(view: View, case: Found) -> Thread:
    """Read what belongs to a referral, and write that it was looked at. Raises `NotFound`."""
    tx, task, request = view.tx, case.task, case.request
    id = task["id"]
    patient, service = await load_identity(tx, task["patient_id"]), await directory.get_service(tx, task["service_id"])
    history = await referrals.thread(tx, task)
    ids = [row["role_id"] for row in history["referral_status"]] + [row["author_role_id"] for row in history["referral_letter"]]
    people = await places.roles(tx, [*ids, request["requester_role_id"], task["lead_role_id"]])
    form, items = await directory.get_questionnaire(tx, service.questionnaire), referrals.items_of(history["referral_form"])
    appointment, site = await _appointment(view, task["appointment_id"])
    requester = people.get(request["requester_role_id"])
    await record.audit(tx, "R", "Task", id, patient=patient.id, verb="read")
    answers = questionnaire.answers_of(items)
    found = Thread(
        task=task,
        request=request,
        patient=patient,
        service=service,
        requester=requester,
        requester_place=requester.organization_name if requester else "",
        line=presenters.line({**dict(task), "service_name": service.name}, view.actor),
        steps=presenters.steps(task, history["referral_status"], people),
        answers=[(title, [row for row in rows if row[0] != spoken("Question posée")]) for title, rows in questionnaire.shown(form, items)],
        question="\n".join(answers.get("question", [])),
        rounds=presenters.rounds(history["referral_question"]),
        people=people,
        history=history,
        appointment=appointment,
        site=site,
        readers=[row["display"] for row in history["readers"]],
        acts=forms.acts_here(task, case.legal, view.actor.organization),
        whole=policy.sees_whole(view.actor, "ServiceRequest"),
        files=await files.of_request(view, request["id"]),
        shared=presenters.sharing(task, await referrals.untold(tx, id)) if task["peer"] else None,
    )
    return found if found.whole else _administrative(found)


def _administrative(found: Thread) -> Thread:
    """What a desk is shown of a request: who, to whom, when, whose turn. What was asked, answered and written stays with who cares (CSP L1110-4)."""
    history = {
        **found.history,
        "referral_letter": [],
        "referral_question": [],
        "referral_child": [{**dict(row), "description": "", "comment": ""} for row in found.history["referral_child"]],
    }
    return replace(
        found,
        task={**dict(found.task), "recommendation": None},
        steps=[replace(step, note="") for step in found.steps],
        answers=[],
        question="",
        rounds={},
        history=history,
        acts={verb: missing for verb, missing in found.acts.items() if verb not in forms.CLINICAL},
        files={},
    )


async def _appointment(view: View, id: str | None) -> tuple[Any | None, str]:
    if not id:
        return None, ""
    try:
        row = await booking.get_appointment(view.tx, id)
    except NotFound:
        return None, ""
    site = (await places.sites(view.tx)).get(row["location_id"] or "")
    return row, site.name if site else ""


async def inline_acts(view: View, thread: Thread) -> tuple[Acts, Acts]:
    """The verbs whose form stands on the page itself, with their questions: those that this state calls for, and the others."""
    found: Acts = []
    for verb in thread.acts:
        if verb not in forms.OWN_PAGE:
            asked = await forms.asked(view, verb, thread.subject)
            found.append((verb, verbs.fields(verbs.find(view, "Task", verb), asked, scope=f"{verb}-")))
    expected = forms.EXPECTED.get(thread.task["state"], forms.TRIAGE)
    first = sorted((act for act in found if act[0] in expected), key=lambda act: expected.index(act[0]))
    return first, [act for act in found if act[0] not in expected]


async def child_acts(view: View, thread: Thread) -> dict[str, Acts]:
    """The verbs legal now on each open follow-up."""
    found: dict[str, Acts] = {}
    for child in thread.history["referral_child"]:
        if child["code"] not in ("follow-up", "no-news") or child["turn"] is None:
            continue
        legal = await verbs.available(view, "Task", child["id"])
        found[child["id"]] = [(verb, _of_child(view, child["id"], verb)) for verb in legal]
    return found


def _of_child(view: View, child: str, verb: str) -> list[Field]:
    if verb == "accept":
        return []
    fields = verbs.fields(verbs.find(view, "Task", verb), scope=f"{child}-{verb}-")
    return redisplay(fields, view.rejected) if came_back(view) == (child, verb) else fields


def came_back(view: View) -> tuple[str, str]:
    """The follow-up whose form is shown again and its verb; nothing when none is."""
    parts = view.request.path_params if view.rejected else {}
    return parts.get("child", ""), parts.get("verb", "")
