"""A request and its appointment as their patient reads them: where it stands, whose turn it is, by when, whom to call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from maillage.directory import Place, Service
from maillage.doors.web.catalogue import say
from maillage.doors.web.presenters import aware, plain_date

_SIDE = {"requester": "doctor", "RC": "doctor", "RO": "doctor", "PT": "you"}
_DECIDED = frozenset({"to-book", "waiting-capacity", "offered", "booked", "not-attended", "to-rebook", "seen", "letter-sent", "closed"})
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
    over: bool


def tracked(task: Any | None, visit: Any | None, service: Service | None, sites: dict[str, Place], now: datetime) -> Tracked:
    """From a Task, its appointment, or an appointment alone."""
    shown = meeting(visit, sites, now)
    turn = _turn(task, visit)
    due = (task["due_at"] if task is not None else visit["due_at"] if visit is not None and visit["status"] == "pending" else None) or None
    late = due is not None and aware(due) <= now and turn != "you"
    waits = task is None and visit is not None and visit["status"] == "waitlist"
    return Tracked(
        service.name if service else "",
        service.phone if service else "",
        say(f"own.state.{task['state']}") if task is not None else say(f"own.visit.{visit['status']}") if visit is not None else "",
        say(f"own.turn.{turn}") if turn else "",
        turn == "you",
        "" if waits or due is None or _kept(task, shown) else say("own.late" if late else "own.due", day=plain_date(due)),
        late,
        steps(task) if task is not None else (),
        shown,
        task["state"] in OVER if task is not None else visit is not None and visit["status"] in ("fulfilled", "noshow", "cancelled"),
    )


def _kept(task: Any | None, shown: Meeting | None) -> bool:
    """A visit that is booked is its own date: the day after, by which presence is written down, is nobody's to wait for."""
    return task is not None and task["state"] == "booked" and shown is not None


def _turn(task: Any | None, visit: Any | None) -> str:
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
    """Sent, read, decided, seen, written back: each with its date when it has one."""
    state = task["state"]
    reached = [
        (say("own.step.sent"), task["first_sent_at"]),
        (say("own.step.read"), task["opened_at"]),
        (say("own.step.decided"), task["decided_at"] if state in _DECIDED or state == "advised" else None),
        (say("own.step.visit"), task["seen_at"]),
        (say("own.step.letter"), task["entered_at"] if state == "letter-sent" else None),
    ]
    done = [number for number, (_, at) in enumerate(reached) if at is not None]
    last = done[-1] if done else -1
    over = state in OVER or (state == "closed")
    found = []
    for number, (title, at) in enumerate(reached):
        place = "past" if number <= last or state == "closed" else "now" if number == last + 1 and not over else "next"
        note = say("own.step.planned") if title == say("own.step.visit") and task["slot_start"] and at is None else ""
        shown = task["slot_start"] if note else at
        found.append(Step(title, shown, "", note, place))
    return tuple(found)
