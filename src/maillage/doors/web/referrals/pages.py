"""The page of a referral and its verbs."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from starlette.responses import Response

from maillage import directory, messaging, record, referrals
from maillage.doors.web import verbs
from maillage.doors.web.booking.forms import SLOTS_SHOWN
from maillage.doors.web.catalogue import word
from maillage.doors.web.forms import Choice, Field, redisplay, summary
from maillage.doors.web.pages import get, post
from maillage.doors.web.patients.presenters import load_identity
from maillage.doors.web.referrals import compose, files, forms, presenters, thread
from maillage.doors.web.verbs import DANGEROUS, MAIN, Asked
from maillage.doors.web.view import View
from maillage.kernel.errors import NotFound


async def show(view: View) -> Response:
    """Where the request stands, whose turn it is, and what may be done."""
    try:
        return await _show_whole(view)
    except NotFound:
        return await _show_masked(view)


async def _show_masked(view: View) -> Response:
    """A request that its patient's refusal has shut: that it is there, whom to ask, and the way to end it. Raises `NotFound`.

    The service sees how it stands, since the Task is its own file; the requester that it was sent, since the request is.
    """
    task = await referrals.shut_task(view.tx, view.path("id"))
    service = await directory.get_service(view.tx, task["service_id"])
    asker = await directory.organization(view.tx, task["requester_org"])
    await record.audit(view.tx, "R", "Task", task["id"], patient=task["patient_id"], verb="worklist")
    return view.page(
        "referrals/templates/masked.html",
        "Demande",
        line=presenters.line({**dict(task), "service_name": service.name}, view.actor),
        asker=asker.name,
        ended=task["ended_at"] is not None,
        asked_here=task["requester_org"] in view.actor.organizations,
        may_end=await referrals.may_close_opposed(view.tx, task),
    )


async def _close_opposed(view: View, id: str) -> Response:
    """End a request that a refusal has shut, or has shut to the other side."""
    await verbs.run(view, "Task", id, "close-opposed", Asked())
    return view.go(f"/demandes/{id}", "close-opposed")


async def _show_whole(view: View) -> Response:
    case = await thread.find(view, view.path("id"))
    if case.unread:
        return await _show_unread(view, case.task)
    found = await thread.load(view, case)
    if found.task["state"] == "to-complete" and "send" in found.acts:
        return view.go(f"/demandes/{found.task['id']}/remplir")
    first, others = await thread.inline_acts(view, found)
    children, (child, wrong) = await thread.child_acts(view, found), thread.came_back(view)
    return view.page(
        "referrals/templates/thread.html",
        "Demande",
        t=found,
        first=first,
        others=others,
        children=children,
        errors=summary(view.rejected, dict(children.get(child, [])).get(wrong, [])),
        wrong={child: wrong},
        own_page=forms.OWN_PAGE,
        main=MAIN,
        dangerous=DANGEROUS,
        letter_text=presenters.letter_text,
        quick=await _quick(view, found),
    )


_TO_PLACE = frozenset({"to-book", "waiting-capacity", "to-rebook"})


async def _quick(view: View, found: thread.Thread) -> list[Choice]:
    """The next places, each one gesture away, for who is to book: undone by moving or cancelling."""
    if "book" not in found.acts or found.task["state"] not in _TO_PLACE:
        return []
    return (await forms.slots(view, found.task))[:3]


async def _show_unread(view: View, task: Any) -> Response:
    """A request that the triage has not read, reached by its address: a GET writes nothing, so the case waits for one gesture."""
    patient, service = await load_identity(view.tx, task["patient_id"]), await directory.get_service(view.tx, task["service_id"])
    await record.audit(view.tx, "R", "Task", task["id"], patient=patient.id, verb="worklist")
    return view.page(
        "referrals/templates/unread.html",
        "Demande",
        patient=patient,
        line=presenters.line({**dict(task), "service_name": service.name}, view.actor),
    )


async def look(view: View) -> Response:
    """Read a request: its reader is noted, its notifications are read, the first reading in triage is recorded."""
    id = view.path("id")
    await referrals.look(view.tx, id)
    await messaging.mark_read(view.tx, ("Task", id))
    return view.go(f"/demandes/{id}")


async def show_act(view: View) -> Response:
    """The form of one verb, on its own page; shown again with what is wrong when it came back."""
    id, verb = view.path("id"), view.path("verb")
    case = await thread.find(view, id)
    if case.unread:
        return view.go(f"/demandes/{id}")
    found = await thread.load(view, case)
    if verb not in found.acts and view.rejected is None:
        raise NotFound("verb", verb)
    asked = await forms.asked(view, verb, found.subject)
    questions = [*verbs.fields(verbs.find(view, "Task", verb), asked), *(files.fields(view) if verb in files.PART_OF_VERB else ())]
    fields = redisplay(questions, view.rejected)
    return view.page(
        "referrals/templates/act.html",
        word("verb", verb),
        t=found,
        verb=verb,
        carries_files=verb in files.PART_OF_VERB,
        fields=fields,
        rows=[(row, list(group)) for row, group in groupby(fields, key=lambda field: field.row)],
        errors=summary(view.rejected, fields),
        dangerous=verb in DANGEROUS,
        letter_text=presenters.letter_text,
        more_slots=_more_slots(view, fields),
    )


def _more_slots(view: View, fields: list[Field]) -> tuple[Field, bool] | None:
    """For a form of slots: the question of the first day, and whether slots beyond those shown may follow."""
    slot = next((field for field in fields if field.name == "slot"), None)
    if slot is None:
        return None
    first = forms.slots_from(view)
    day = Field("des", "À partir du", "date", value=first.isoformat() if first else "", marked=False)
    return day, len(slot.choices) >= SLOTS_SHOWN


async def act(view: View) -> Response:
    """Play a verb on a request; what was taken meanwhile brings the form back with fresh choices."""
    id, verb = view.path("id"), view.path("verb")
    if verb in forms.SILENT or verb == "send":
        raise NotFound("verb", verb)
    if verb == "close-opposed":
        return await _close_opposed(view, id)
    found = await thread.load(view, await thread.find(view, id))
    last = [step for step in found.steps if step.state != "next"][-1:]
    verbs.require_version(view, found.task["version"], changed=last[0] if last else None)
    forms.check(verb, found.subject, view.values)
    answer = await verbs.run(view, "Task", id, verb, await forms.asked(view, verb, found.subject))
    if verb in files.PART_OF_VERB:
        await files.keep(view, id, files.PART_OF_VERB[verb])
    target = answer if isinstance(answer, str) and verb in ("send-elsewhere", "insist") else id
    return view.go(f"/demandes/{target}", verb)


async def act_on_child(view: View) -> Response:
    """Accept, hand back or finish a follow-up."""
    id, child, verb = view.path("id"), view.path("child"), view.path("verb")
    if verb not in ("accept", "hand-back", "done", "give-news"):
        raise NotFound("verb", verb)
    if verb == "accept":
        operation = verbs.find(view, "Task", verb)
        await operation.call(view.tx, child)
    else:
        await verbs.run(view, "Task", child, verb)
    return view.go(f"/demandes/{id}", verb)


PAGES = (
    *compose.PAGES,
    *files.PAGES,
    get("/demandes/{id:id}", show, on="Task"),
    post("/demandes/{id:id}/lire", look, on="Task", to="verb"),
    get("/demandes/{id:id}/actes/{verb:id}", show_act, on="Task", to="verb"),
    post("/demandes/{id:id}/actes/{verb:id}", act, again=show_act, on="Task", to="verb", files=True),
    post("/demandes/{id:id}/suites/{child:id}/{verb:id}", act_on_child, again=show, on="Task", to="verb"),
)
