"""What must hold after the loop, asked through the same door (security rule book 11)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from maillage.cli.scenario.client import Client, parameters, state_of, turn_of
from maillage.codes.json import decode
from maillage.kernel.ids import new_id

EXPECTED = ("sent", "opened", "info-requested", "info-received", "to-book", "booked", "seen", "letter-sent", "closed")
Found = tuple[bool, str]


@dataclass(frozen=True, slots=True)
class Loop:
    """The three organisations and the objects of the loop."""

    town: Client
    hospital: Client
    stranger: Client
    task: str
    patient: str
    appointment: str


def check(loop: Loop) -> list[dict[str, Any]]:
    """Every invariant with what was found."""
    answers = []
    for id, title, ask in CHECKS:
        holds, found = ask(loop)
        answers.append({"id": id, "title": title, "holds": holds, "found": found})
    return answers


def versions_without_hole(loop: Loop) -> Found:
    """The history of the Task is 1..n."""
    versions = [int(entry["resource"]["meta"]["versionId"]) for entry in loop.town.get(f"Task/{loop.task}/_history")["entry"]]
    return sorted(versions) == list(range(1, max(versions) + 1)), f"versions {versions}"


def states_in_order(loop: Loop) -> Found:
    """The states of the Task are those of the table, in order."""
    entries = loop.town.get(f"Task/{loop.task}/_history")["entry"]
    states = list(dict.fromkeys(state_of(entry["resource"]) for entry in reversed(entries)))
    return [state for state in states if state != "to-complete"] == list(EXPECTED), " ".join(states)


def open_has_turn_and_date(loop: Loop) -> Found:
    """Every open version says whose turn it is and until when; the closed one says nobody."""
    bad = []
    for entry in loop.town.get(f"Task/{loop.task}/_history")["entry"]:
        task = entry["resource"]
        owed = bool(turn_of(task)) and "restriction" in task
        if owed == (state_of(task) == "closed"):
            bad.append(task["meta"]["versionId"])
    return not bad, f"versions {bad}"


def slot_is_given_once(loop: Loop) -> Found:
    """A second booking of the slot is refused with fresh choices, and the slot has one appointment."""
    appointment = loop.hospital.get(f"Appointment/{loop.appointment}")
    slot = appointment["slot"][0]["reference"]
    again = {
        key: value for key, value in appointment.items() if key not in ("id", "meta", "identifier", "supportingInformation", "basedOn")
    }
    answer = loop.hospital.call("POST", "Appointment", {**again, "status": "booked"}, idempotency_key=new_id())
    found = loop.hospital.get(f"Appointment?slot={slot}&status=booked,arrived,checked-in,fulfilled")
    return answer.status_code == 409 and found["total"] == 1, f"second booking {answer.status_code}, {found['total']} appointments"


def retry_has_one_effect(loop: Loop) -> Found:
    """The same key twice: the same answer, one resource."""
    note = {"resourceType": "Communication", "status": "completed", "subject": {"reference": f"Patient/{loop.patient}"}}
    key = new_id()
    first, second = (loop.town.call("POST", "Communication", note, idempotency_key=key) for _ in range(2))
    same = first.status_code == second.status_code == 201 and first.content == second.content
    return same, f"{first.status_code} {second.status_code}"


def stale_decision_is_refused(loop: Loop) -> Found:
    """A verb decided on an old version answers 412."""
    answer = loop.town.call("POST", f"Task/{loop.task}/$dispute", parameters({"reason": "no-conclusion"}), if_match='W/"1"')
    return answer.status_code == 412, str(answer.status_code)


def closed_is_closed(loop: Loop) -> Found:
    """No verb leaves the closed state."""
    version = loop.town.get(f"Task/{loop.task}")["meta"]["versionId"]
    answer = loop.hospital.call("POST", f"Task/{loop.task}/$accept", parameters({}), if_match=f'W/"{version}"')
    return answer.status_code == 409 and "not-in-table" in answer.text, f"{answer.status_code}"


def strangers_see_nothing(loop: Loop) -> Found:
    """For an organisation without a link, what is there and what is not are the same bytes."""
    paths = (f"Task/{loop.task}", f"Patient/{loop.patient}", f"Appointment/{loop.appointment}", f"Task/{loop.task}/_history")
    answers = {path: loop.stranger.call("GET", path) for path in paths}
    absent = loop.stranger.call("GET", f"Task/{new_id()}")
    found = loop.stranger.get(f"Task?_id={loop.task}")["total"]
    same = all(answer.status_code == 404 and answer.content == absent.content for answer in answers.values())
    return same and found == 0, f"{[answer.status_code for answer in answers.values()]}, {found} found"


def every_act_is_audited(loop: Loop) -> Found:
    """Each verb has its audit row at the organisation that played it."""
    played = set()
    for client in (loop.town, loop.hospital):
        for entry in client.get(f"AuditEvent?entity=Task/{loop.task}&_count=200").get("entry", []):
            played |= {subtype.get("display") or subtype.get("code") for subtype in entry["resource"].get("subtype", [])}
    wanted = {"open", "ask-info", "answer-info", "accept", "book", "mark-seen", "send-outcome", "acknowledge"}
    return wanted <= played, f"missing {sorted(wanted - played)}"


def every_act_has_its_author(loop: Loop) -> Found:
    """Each version of the Task after the first is the target of a Provenance."""
    last = int(loop.town.get(f"Task/{loop.task}")["meta"]["versionId"])
    found = loop.town.get(f"Provenance?target=Task/{loop.task}&_count=200")
    targets = {target["reference"] for entry in found.get("entry", []) for target in entry["resource"]["target"]}
    missing = [version for version in range(1, last + 1) if f"Task/{loop.task}/_history/{version}" not in targets]
    return not missing, f"versions without author {missing}"


def capacity_never_refuses(loop: Loop) -> Found:
    """Lack of capacity is not among the reasons to decline: the verb answers so before anything else is looked at."""
    task = loop.hospital.get("Task?owner=HealthcareService/percy-hge&status=received&_count=1").get("entry", [])
    if not task:
        return True, "no request to try it on"
    resource = task[0]["resource"]
    body = parameters({"reason": "no-slot-in-target", "comment": "pas de place avant longtemps"})
    answer = loop.hospital.call("POST", f"Task/{resource['id']}/$decline", body, if_match=f'W/"{resource["meta"]["versionId"]}"')
    reasons = [coding["code"] for issue in decode(answer.content)["issue"] for coding in issue.get("details", {}).get("coding", [])]
    return answer.status_code in (409, 422) and "capacity-is-not-refusal" in reasons, f"{answer.status_code} {reasons}"


CHECKS: tuple[tuple[str, str, Callable[[Loop], Found]], ...] = (
    ("I2", "a retry with the same key has one effect", retry_has_one_effect),
    ("I3", "a slot is given once", slot_is_given_once),
    ("I4", "the states are those of the table, in order", states_in_order),
    ("I4", "a closed request stays closed", closed_is_closed),
    ("I4", "lack of capacity never refuses", capacity_never_refuses),
    ("I5", "every act is audited", every_act_is_audited),
    ("I5", "every act has its author", every_act_has_its_author),
    ("I7", "strangers see nothing, in the same bytes", strangers_see_nothing),
    ("I8", "versions are 1..n without a hole", versions_without_hole),
    ("I8", "a decision on an old version is refused", stale_decision_is_refused),
    ("I11", "an open request has a turn, a holder and a date", open_has_turn_and_date),
)
