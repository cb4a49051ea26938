"""A request and its appointment as their patient reads them: where it stands, whose turn it is, by when, whom to call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from maillage.directory import Place, Service
from maillage.doors.web.catalogue import say
from maillage.doors.web.presenters import aware, plain_date

_SIDE = {"requester": "doctor", "RC": "doctor", "RO": "doctor", "PT": "you"}
_DECIDED = frozenset(
    {"to-book", "waiting-capacity", "offered", "booked", "not-attended", "to-rebook", "seen", "letter-sent", "advised", "closed"}
)
"""States in which the patient may know that the service has decided: a no is told by the doctor first."""
OVER = frozenset({"closed", "cancelled", "entered-in-error"})


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way: past, now, or to come."""

    title: str
    at: datetime | None
    who: str
    note: str
    state: str


@dataclass(frozen=True, slots=True)
class Meeting:
    """An appointment in plain words; `answer` is until when an offer waits for its answer."""

    id: str
    version: int
    status: str
    starts_at: datetime | None
    site: str
    confirmed: bool
    answer: datetime | None


@dataclass(frozen=True, slots=True)
class Tracked:
    """What the page shows."""

    service: str
    phone: str
    now: str
    turn: str
    mine: bool
    due: str
    late: bool
    steps: tuple[Step, ...]
    meeting: Meeting | None


def tracked(task: Any | None, visit: Any | None, service: Service | None, sites: dict[str, Place], now: datetime) -> Tracked:
    """From a Task, its appointment, or an appointment alone."""
    shown, turn = meeting(visit, sites, now), _turn(task, visit)
    due = None if _kept(task, shown) else _due(task, visit)
    late = due is not None and aware(due) <= now and turn != "you"
    return Tracked(
        service=service.name if service else "",
        phone=service.phone if service else "",
        now=_now(task, visit),
        turn=say(f"own.turn.{turn}") if turn else "",
        mine=turn in ("you", "come"),
        due=say("own.late" if late else "own.due", day=plain_date(due)) if due else "",
        late=late,
        steps=steps(task) if task is not None else (),
        meeting=shown,
    )


def _now(task: Any | None, visit: Any | None) -> str:
    if task is not None:
        return say(f"own.state.{task['state']}")
    return say(f"own.visit.{visit['status']}") if visit is not None else ""


def _due(task: Any | None, visit: Any | None) -> datetime | None:
    """By when whoever has the turn promised to act; a waiting list promises no day."""
    if task is not None:
        due: datetime | None = task["due_at"]
        return due
    return visit["due_at"] if visit is not None and visit["status"] == "pending" else None


def _kept(task: Any | None, shown: Meeting | None) -> bool:
    """A visit that is booked is its own date: the day after, by which presence is written down, is nobody's to wait for."""
    return task is not None and task["state"] == "booked" and shown is not None


def _turn(task: Any | None, visit: Any | None) -> str:
    """Who acts next, as the patient is told: before a visit that is booked, nobody but the patient has anything to say."""
    if visit is not None and visit["status"] == "booked" and (task is None or task["state"] == "booked"):
        return "come" if visit["confirmed_at"] is None else ""
    if visit is not None and visit["status"] == "pending":
        return "you"
    if task is not None:
        return _SIDE.get(task["turn"] or "", "service") if task["turn"] else ""
    if visit is None or visit["turn"] is None:
        return ""
    return "you" if visit["turn"] == "PT" else "service"


def meeting(visit: Any | None, sites: dict[str, Place], now: datetime) -> Meeting | None:
    """The appointment that is to come, offered, waited for, or over."""
    if visit is None:
        return None
    site = sites.get(visit["location_id"] or "")
    pending = visit["status"] == "pending" and visit["expires_at"] is not None and aware(visit["expires_at"]) > now
    return Meeting(
        visit["id"],
        visit["version"],
        visit["status"] if visit["status"] != "pending" or pending else "expired",
        visit["starts_at"],
        site.name if site else "",
        visit["confirmed_at"] is not None,
        visit["expires_at"] if pending else None,
    )


def steps(task: Any) -> tuple[Step, ...]:
    """Sent, read, decided, seen, written back: each with its date when it has one, and the day that is planned for the visit."""
    state = task["state"]
    dates = {
        "sent": task["first_sent_at"],
        "read": task["opened_at"],
        "decided": task["decided_at"] if state in _DECIDED else None,
        "visit": task["seen_at"],
        "letter": task["entered_at"] if state == "letter-sent" else None,
    }
    last = max((number for number, at in enumerate(dates.values()) if at is not None), default=-1)
    found = []
    for number, (code, at) in enumerate(dates.items()):
        if at is None and number < last:
            continue  # a step that this request did not go through
        planned = code == "visit" and at is None and task["slot_start"] is not None
        place = "past" if number <= last or state == "closed" else "now" if number == last + 1 and state not in OVER else "next"
        found.append(
            Step(say(f"own.step.{code}"), task["slot_start"] if planned else at, "", say("own.step.planned") if planned else "", place)
        )
    return tuple(found)
