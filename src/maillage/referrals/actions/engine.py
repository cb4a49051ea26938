"""What every verb does: load and lock, check, write the row and its status, settle the turn, photograph, audit, tell."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, NoReturn

from maillage import access
from maillage.codes.json import decode, encode_text
from maillage.kernel.answers import Refused
from maillage.kernel.errors import Conflict, Invalid, Issue, NotAllowed
from maillage.kernel.transitions import Transition
from maillage.referrals import queries, rules
from maillage.referrals.actions import telling, turns
from maillage.referrals.actions.case import Case
from maillage.referrals.actions.rows import add_numbered, update
from maillage.referrals.types import LISTS_OF_VERB, PARTIES, Act

Row = Any

FIELD_OF_NEED: Final[Mapping[str, str]] = {
    "reason-missing": "reason",
    "unknown-reason": "reason",
    "capacity-is-not-refusal": "reason",
    "only-if-impossible": "reason",
    "no-unanswered-round": "reason",
    "comment-missing": "comment",
    "comment-too-short": "comment",
    "text-too-short": "text",
    "no-item": "items",
    "item-unanswered": "answers",
    "priority-reason": "reason",
    "priority-unchanged": "priority",
    "call-instead": "priority",
    "unknown-recommendation": "recommendation",
    "date-missing": "due",
    "target-missing": "service",
    "target-closed": "service",
    "slot-missing": "start",
    "side-missing": "side",
    "record-not-reviewed": "record_reviewed",
    "no-contact": "contacts",
    "encounter-missing": "start",
    "seen-before-its-day": "done_otherwise",
    "letter-missing": "text",
    "done-otherwise": "done_otherwise",
    "period-missing": "start",
}
"""The parameter of the operation that an unmet precondition points at."""


def authorise(case: Case, verb: str, act: Act) -> Transition:
    """The line that applies. Raises `Conflict` (state), `NotAllowed` (party), `Invalid` (what is missing, all of it)."""
    actor_id = case.tx.actor.id
    line = rules.find_line(case.task["state"], verb, case.parties)
    if isinstance(line, Refused):
        refuse(rules.explained(line, rules.TABLE, case.task["state"], verb, case.tx.actor, case.facts), case.task["state"])
    unmet = rules.unmet(line, case.facts, act, actor_id)
    for kind, family in (("actor", NotAllowed), ("state", Conflict)):
        for code in unmet:
            if rules.NEEDS[code].kind == kind:
                raise family(code)
    if unmet:
        raise Invalid(*[_issue(code) for code in unmet])
    return line


def refuse(line: Refused, state: str) -> NoReturn:
    """Say no: 409 with the legal verbs when nobody may, 403 when another party may."""
    family = Conflict if line.reason == "not-in-table" else NotAllowed
    raise family(line.reason, state=state, legal=list(dict.fromkeys(line.legal)))


def _issue(code: str) -> Issue:
    name = FIELD_OF_NEED.get(code)
    expression = f"Parameters.parameter.where(name='{name}')" if name else ""
    return Issue("error", "business-rule", code, expression)


async def move(case: Case, verb: str, act: Act, **changes: Any) -> Transition:
    """Play a verb on a Task: check it, write the row with `changes`, append the status, move the turn, tell who must know."""
    line = authorise(case, verb, act)
    before, why = case.task, _why(verb, act)
    values = _entry(case, line) | ({} if line.quiet else why) | changes
    target = line.after(before["state"])
    if target != before["state"] or verb in ("reschedule", "mark-seen"):
        dates = _dates(case, values, await removed_time(case) if target == "waiting-capacity" else timedelta())
        values |= {"entered_at": case.tx.now, **turns.entry(target, case, dates, values.get("priority", before["priority"]))}
    case.task = await update(case.tx, "referral_task", case.id, **values)
    await append_status(case, verb, line, before, why=why)
    if target != before["state"]:
        await turns.pass_the_turn(case, before)
    case.work.touch("referral_task", case.id)
    await settle_request(case)
    await telling.tell(case, verb, line)
    return line


async def removed_time(case: Case) -> timedelta:
    """How much of the wait so far belongs to the patient."""
    rows = await queries.removed_time(case.tx, case.id)
    return rules.removed([(row["starts"], row["ends"]) for row in rows], case.task["first_sent_at"], case.tx.now)


def _entry(case: Case, line: Transition) -> dict[str, Any]:
    """The columns that every move writes: state, what partners read, and what is left of the interrupted deadline."""
    state = rules.TABLE.states[line.after(case.task["state"])]
    shown = {} if line.quiet or state.code == case.task["state"] else {"fhir_status": state.fhir_status, "business": state.business}
    ended = {"ended_at": case.tx.now} if not state.is_open else {}
    return {"state": state.code, "changed_at": case.tx.now, "clocks": encode_text(turns.left_over(case)), **shown, **ended}


def _why(verb: str, act: Act) -> dict[str, Any]:
    """Reason, axis and comment of a move. A quiet one keeps them to its status: what partners read keeps the reason that they know."""
    reason_list = _list_of(verb, act) if act.reason else None
    return {
        "reason_list": reason_list,
        "reason": act.reason if reason_list else None,
        "reason_axis": rules.axis_of(reason_list, act.reason) if reason_list and act.reason else None,
        "comment": act.comment.strip(),
    }


def _list_of(verb: str, act: Act) -> str | None:
    if verb == "cancel-appointment":
        return "cancel-by-patient" if act.side == "patient" else "cancel-by-service"
    return "priority" if act.priority else LISTS_OF_VERB.get(verb)


def _dates(case: Case, values: Mapping[str, Any], removed: timedelta) -> rules.Dates:
    def value(name: str) -> Any:
        return values.get(name, case.task[name])

    left = decode(values["clocks"])
    return rules.Dates(
        first_sent_at=value("first_sent_at"),
        sent_at=value("sent_at"),
        slot_end=value("slot_end"),
        hold_expires_at=value("hold_expires_at"),
        removed=removed,
        left={name: float(share) for name, share in left.items()},
    )


async def append_status(
    case: Case,
    verb: str,
    line: Transition | None,
    before: Row | None,
    *,
    why: Mapping[str, Any] | None = None,
    published: str = "",
    party: str = "",
) -> None:
    """Append who did what, for whom, and where it led; never changed afterwards."""
    tx, task = case.tx, case.task
    case.party = party or next((party for party in PARTIES if line and party in line.by & case.parties), "SY")
    names = ("state", "fhir_status", "business", "turn", "holder", "deadline", "due_at", "priority")
    await add_numbered(
        tx,
        "referral_status",
        "task_id",
        case.id,
        at=tx.now,
        verb=verb,
        published_rows=published or (line.rows.get(before["state"], "") if line and before else ""),
        party=case.party,
        actor_kind=tx.actor.kind,
        actor_id=tx.actor.id,
        role_id=tx.actor.role_id,
        organization=organization_of(case),
        on_behalf_of=on_behalf_of(case),
        **{name: task[name] for name in names},
        **{name: (why or task)[name] for name in ("reason_list", "reason", "reason_axis", "comment")},
    )


def on_behalf_of(case: Case) -> str:
    """For whom the office or the software acts: both names are kept."""
    if case.party == "RO" or (case.party == "RC" and case.tx.actor.kind == "client"):
        return f"PractitionerRole/{case.request['requester_role_id']}"
    if case.party == "PT" and not case.tx.actor.is_one_of("patient"):
        return f"Patient/{case.task['patient_id']}"
    return ""


def organization_of(case: Case) -> str:
    """The organisation for which the act was done: a client may hold both sides."""
    if case.party in ("RC", "RO"):
        return str(case.task["requester_org"])
    return str(case.task["owner_org"]) if case.party in ("PC", "PO", "LD") else case.tx.actor.organization


async def settle_request(case: Case) -> None:
    """Bring the ServiceRequest to the status that the states of its Tasks make; close the care links of an ended Task after their delay."""
    tx = case.tx
    tasks = await queries.tasks_of(tx, case.request["id"])
    status = rules.request_status([row["state"] for row in tasks])
    if status != case.request["status"]:
        ended = None if status in ("draft", "active") else tx.now
        case.request = await update(tx, "service_request", case.request["id"], status=status, ended_at=ended)
        case.work.touch("service_request", case.request["id"])
    if case.task["ended_at"] is not None:
        await access.end_links(tx, f"Task/{case.id}", tx.now, outlives=True)


async def finish(case: Case) -> str:
    """End of a verb: photographs, provenance, audit. Answers the id of the Task."""
    await case.work.finish(("Task", case.id), case.task["patient_id"], organization_of(case))
    return case.id
