"""What each verb of a referral asks on a page: lists that depend on the request, proposed values, known rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from maillage import booking, directory
from maillage.doors.web.booking.forms import slot_choices
from maillage.doors.web.catalogue import say
from maillage.doors.web.forms import Choice, day_of_address
from maillage.doors.web.verbs import Asked, code_word
from maillage.doors.web.view import Values, View
from maillage.kernel.errors import Invalid, Issue

SILENT = frozenset({"look", "open", "offer-expired", "offer-withdrawn", "not-selected"})
"""Verbs that no person chooses."""
OWN_PAGE = frozenset({"send", "book", "offer", "reschedule", "send-outcome", "acknowledge", "answer-info"})
"""Verbs whose form needs room: a page of their own."""
CLINICAL = frozenset({"answer-info", "acknowledge"})
"""Verbs whose form shows what was asked or written: not for who is shown the administrative part only."""
TRIAGE = ("accept", "ask-info", "advise", "redirect", "decline")
EXPECTED = {
    "to-book": ("no-place",),
    "waiting-capacity": (),
    "offered": ("refuse-offer",),
    "booked": ("mark-seen", "mark-not-attended", "cancel-appointment"),
    "not-attended": ("return-after-absence",),
    "to-rebook": (),
    "seen": (),
    "cancellation-requested": ("confirm-cancellation",),
    "letter-sent": ("dispute",),
    "advised": ("insist",),
    "declined": ("decide-next", "send-elsewhere", "insist"),
    "redirected": ("decide-next", "send-elsewhere", "insist"),
}
"""The verbs that a state calls for, shown first; the other legal ones stand behind one more gesture."""
_DECLINE = (
    *("no-indication", "wrong-specialty", "contraindication", "already-followed", "became-impossible", "prerequisites-missing"),
    *("patient-declines", "after-absence", "duplicate", "wrong-patient", "other"),
)
_AFTER_ACCEPTANCE = ("became-impossible", "contraindication")
_ACCEPTED = ("to-book", "waiting-capacity", "offered", "booked", "not-attended", "to-rebook", "seen")
_OFFERED_PRIORITIES = ("routine", "urgent", "asap")


@dataclass(frozen=True, slots=True)
class Subject:
    """A referral that a verb is about, with what its forms need."""

    task: Any
    questions: Sequence[Any] = field(default_factory=tuple)
    children: Sequence[Any] = field(default_factory=tuple)
    slots: bool = False


async def asked(view: View, verb: str, subject: Subject) -> Asked:
    """How the form of this verb is asked for this referral."""
    task = subject.task
    if verb == "decline":
        codes = _AFTER_ACCEPTANCE if task["state"] in _ACCEPTED else _DECLINE
        return Asked({"reason": _words(codes)}, required=frozenset({"comment"}))
    if verb in ("redirect", "send-elsewhere"):
        services = [service for service in await directory.services(view.tx) if service.id != task["service_id"]]
        return Asked({"service": [Choice(service.id, service.name) for service in services]})
    if verb in ("book", "offer", "reschedule"):
        return await _placing(view, verb, task)
    if verb in ("accept", "change-priority"):
        others = [code for code in _OFFERED_PRIORITIES if code != task["priority"]]
        return Asked({"priority": _words(others)})
    if verb == "answer-info":
        return Asked(rows={"answers": _question_rows(subject.questions, task["rounds"])})
    if verb == "acknowledge":
        return Asked(rows={"follow-ups": _follow_up_rows(subject.children)})
    if verb == "mark-seen":
        return Asked(hidden=frozenset({"end", "encounter-class"}))
    if verb == "send-outcome":
        return _letter(task["state"])
    told_by = frozenset({"contact"} if verb == "refuse-offer" and task["peer_side"] == "performer" else ())
    return Asked(hidden=frozenset({"resolution", "expires-at", "inside-constraints", "wanted-by"}), required=told_by)


_OF_A_PEER = frozenset({"appointment-id", "start", "end", "expires-at", "resolution"})
"""What another installation says of a diary that is there."""


async def _placing(view: View, verb: str, task: Any) -> Asked:
    """A slot of our diary; none where the diary is elsewhere: there an offer is answered, and nothing else."""
    if task["peer_side"] == "performer":
        return Asked(hidden=_OF_A_PEER | {"slot"}, required=frozenset({"contact"}))
    answers = verb == "book" and task["state"] == "offered"
    return Asked({"slot": await slots(view, task)}, hidden=_OF_A_PEER, required=frozenset() if answers else frozenset({"slot"}))


def acts_here(task: Any, acts: Mapping[str, tuple[str, ...]], organization: str) -> dict[str, tuple[str, ...]]:
    """The verbs that have a form on the page. Where the diary is elsewhere: none that chooses a slot, and the patient's word on what was offered."""
    found = {verb: missing for verb, missing in acts.items() if verb not in SILENT}
    if task["peer_side"] != "performer":
        return found
    found = {verb: missing for verb, missing in found.items() if verb not in ("offer", "reschedule", "book")}
    answers = task["state"] == "offered" and task["requester_org"] == organization
    return {**found, **({"book": (), "refuse-offer": ()} if answers else {})}


def _letter(state: str) -> Asked:
    """The letter and what it asks of each side; an absent patient may have been cared for otherwise."""
    owners = [Choice(owner, say(f"owner.{owner}")) for owner in ("requester", "performer")]
    hidden = frozenset() if state in ("not-attended", "to-rebook") else frozenset({"done-otherwise"})
    labels = {"text": say("label.letter"), "recommendations.text": say("label.follow-up")}
    return Asked({"owner": owners}, hidden=hidden, required=frozenset({"text"}), labels=labels)


def _words(codes: Sequence[str]) -> list[Choice]:
    return [Choice(code, code_word(code)) for code in codes]


async def slots(view: View, task: Any) -> list[Choice]:
    """The first free slots that this request may take, in order of time; from the day that was asked for."""
    return await slot_choices(view, [task["service_id"]], task["priority"], requester=task["requester_org"], start=slots_from(view))


def slots_from(view: View) -> date | None:
    """The first day of the slots that are shown: the page names it in its address, its form carries it back."""
    return day_of_address(view.query("des") or view.given("des"))


def _question_rows(questions: Sequence[Any], round_: int) -> list[dict[str, str]]:
    return [{"number": str(row["number"]), "label": row["item"]} for row in questions if row["round"] == round_]


def check(verb: str, subject: Subject, values: Values) -> None:
    """What no field can see alone: each item that was asked for is answered, or cannot be. Raises `Invalid` at every one that is neither."""
    rows = _question_rows(subject.questions, subject.task["rounds"]) if verb == "answer-info" else []
    names = [f"answers-{number}" for number, _ in enumerate(rows, 1)]
    left = [name for name in names if not values.get(f"{name}-answer", "").strip() and values.get(f"{name}-cannot") != "true"]
    if left:
        raise Invalid(*(Issue("error", Invalid.issue_type, "item-unanswered", f"{name}-answer") for name in left))


def _follow_up_rows(children: Sequence[Any]) -> list[dict[str, str]]:
    due = [row for row in children if row["code"] == "follow-up" and row["state"] == "due"]
    return [{"id": row["id"], "label": row["description"] or code_word(row["recommendation"])} for row in due]


async def is_bookable(view: View, service: str) -> bool:
    """Whether somebody could take a place now: the button of direct booking is only shown with one."""
    return bool(await booking.next_free(view.tx, service))
