"""A referral as pages show it: badges, whose turn, the steps of its thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from maillage.directory import Role
from maillage.doors.web.catalogue import say, word
from maillage.kernel.actor import Actor

TONES: Mapping[str, str] = {
    "to-complete": "work",
    "sent": "sent",
    "opened": "info",
    "info-requested": "ask",
    "info-received": "info",
    "insisted": "alert",
    "to-book": "good",
    "waiting-capacity": "wait",
    "offered": "date",
    "booked": "date",
    "not-attended": "alert",
    "to-rebook": "wait",
    "seen": "good",
    "cancellation-requested": "off",
    "letter-sent": "letter",
    "advised": "letter",
    "declined": "bad",
    "redirected": "alert",
    "closed": "done",
    "cancelled": "off",
    "entered-in-error": "off",
}
IN_TRIAGE = frozenset({"sent", "opened", "info-received", "insisted"})
_REQUESTER, _PERFORMER = {"requester", "RC", "RO"}, {"performer", "PC", "PO", "LD"}


@dataclass(frozen=True, slots=True)
class Line:
    """A referral in a list."""

    id: str
    patient_id: str
    patient: str
    birth_date: Any
    sex: str
    service: str
    state: str
    label: str
    tone: str
    priority: str
    turn: str
    mine: bool
    due_at: datetime | None
    sent_at: datetime | None
    read_by: str = ""
    masked: bool = False
    """The patient refuses that the actor reads: the line has no name, and leads to the page that says so."""

    @property
    def noted(self) -> bool:
        """Whether reading it is written down: it is in triage, on the actor's side, and there is something to read."""
        return self.mine and not self.masked and self.state in IN_TRIAGE


@dataclass(frozen=True, slots=True)
class Sharing:
    """A request that another installation holds too: whether its diary is there, and what it was not told yet, or refused."""

    peer: str
    diary_there: bool
    waiting: int
    refused: int


def sharing(task: Any, untold: Any) -> Sharing:
    """How a shared request stands with the other installation."""
    return Sharing(task["peer"], task["peer_side"] == "performer", untold["waiting"], untold["refused"])


def line(row: Any, actor: Actor) -> Line:
    """From a row of a worklist."""
    value = dict(row)
    return Line(
        id=value["id"],
        patient_id=value["patient_id"],
        patient=patient_name(value),
        birth_date=value.get("birth_date"),
        sex=value.get("gender") or "unknown",
        service=value["service_name"],
        state=value["state"],
        label=word("state", value["state"]),
        tone=TONES[value["state"]],
        priority=value["priority"],
        turn=turn_words(value["turn"]),
        mine=is_mine(value, actor),
        due_at=value["due_at"],
        sent_at=value["first_sent_at"],
        read_by=value.get("read_by") or "",
        masked="family" in value and not value["family"],
    )


def patient_name(row: Mapping[str, Any]) -> str:
    """Whose line it is; a patient whose identity is closed to the reader has none, and nothing at all when no name was asked for."""
    if "family" not in row:
        return ""
    return f"{row['family'].upper()} {row['given']}" if row["family"] else say("say.identity-masked")


def turn_words(turn: str | None) -> str:
    """Whose turn, for a reader: `Au demandeur`, `Au bureau des rendez-vous`; nothing when closed."""
    return say(f"turn.{turn}") if turn else ""


def is_mine(task: Mapping[str, Any], actor: Actor) -> bool:
    """Whether the turn is this organisation's."""
    turn = task["turn"]
    if turn in _REQUESTER:
        return bool(actor.organization == task["requester_org"])
    return turn in _PERFORMER and bool(actor.organization == task["owner_org"])


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the timeline."""

    title: str
    at: datetime | None
    who: str
    note: str
    state: str


def steps(task: Mapping[str, Any], statuses: Sequence[Any], people: Mapping[str, Role]) -> list[Step]:
    """What happened, then what is awaited and by when; quiet repeats of one state are left out."""
    found = [_past(row, people, last=index == len(statuses) - 1 and task["turn"] is not None) for index, row in enumerate(statuses)]
    if task["turn"] is not None:
        found.append(Step(turn_words(task["turn"]), task["due_at"], word("deadline", task["deadline"]), "", "next"))
    return found


def _past(row: Any, people: Mapping[str, Role], *, last: bool) -> Step:
    role = people.get(row["role_id"] or "")
    who = f"{role.display}, {role.organization_name}" if role else ("maillage" if row["actor_kind"] == "system" else row["actor_id"])
    reason = word("reason", row["reason"]) if row["reason"] else ""
    note = " : ".join(part for part in (reason, row["comment"]) if part)
    return Step(_title(row), row["at"], who, note, "now" if last else "past")


def _title(row: Any) -> str:
    """The state, or the verb when the state stood still; a draft was prepared."""
    if row["verb"] == "create":
        return say("step.create")
    return (
        word("verb", row["verb"])
        if row["verb"] in ("change-priority", "declare-unavailable", "reschedule")
        else word("state", row["state"])
    )


def rounds(questions: Sequence[Any]) -> dict[str, list[Any]]:
    """The rounds of questions by number, with their answers."""
    found: dict[str, list[Any]] = {}
    for row in questions:
        found.setdefault(str(row["round"]), []).append(row)
    return found


def letter_text(row: Any) -> str:
    """The text of a letter; a PDF is not text."""
    return bytes(row["content"]).decode("utf-8") if row["content_type"] == "text/plain" else ""
