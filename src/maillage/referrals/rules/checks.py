"""Who is which party, what each verb needs, and the one answer: allowed, or refused with which reason."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from maillage.directory import Member
from maillage.kernel.actor import Actor
from maillage.kernel.answers import Allowed, Refused
from maillage.kernel.period import day_in_paris
from maillage.kernel.transitions import Transition, TransitionTable
from maillage.referrals.rules.table import TABLE
from maillage.referrals.types import (
    ANSWERED,
    CLINICIANS,
    COMMENT_FLOOR,
    DATED_RECOMMENDATIONS,
    INSIST_FLOOR,
    LISTS_OF_VERB,
    PARTIES,
    PERFORMER_OFFICE,
    PRIORITIES,
    REASONS,
    RECOMMENDATIONS,
    REQUESTER_OFFICE,
    Act,
    Available,
    Reason,
    TaskFacts,
)

ROUNDS_AT_MOST: Final = 2
FILED_UNREAD_AFTER: Final = timedelta(days=60)
CONTACTS_AT_LEAST: Final = 2
CAPACITY_CODES: Final = frozenset(r.code for reasons in REASONS.values() for r in reasons if r.axis == "capacity")
CAPACITY_WORDS: Final = re.compile(
    r"\b(?:(?:pas|plus|aucune?|manque|faute|sans) (?:assez )?(?:de |d['’])?(?:places?|creneaux?|disponibilites?)"
    r"|(?:pas|plus|aucun) (?:de )?(?:rendez[- ]vous|rdv) (?:avant|disponibles?|possibles?|libres?)"
    r"|(?:service|consultations?|planning|agenda|vacations?|equipe) (?:\w+ ){0,2}(?:complete?s?|pleine?s?|saturee?s?|surchargee?s?|debordee?s?)"
    r"|delais? (?:trop|d['’]attente)|listes? d['’]attente|sous[- ]effectif"
    r"|(?:manque|faute) (?:de |d['’])(?:medecins?|praticiens?|personnel|moyens|temps))\b"
)
"""How lack of capacity is said, without accents. A code says its axis; only the words of `other` are read."""
AFTER_ACCEPTANCE: Final = frozenset({"became-impossible", "contraindication"})


def parties(actor: Actor, task: TaskFacts) -> frozenset[str]:
    """What this actor is to this Task. A person acts for the active organisation; a machine client for each side that it holds."""
    if actor.kind == "system":
        return frozenset({"SY"})
    if actor.kind == "client":
        return _sides_of_client(actor, task)
    found: set[str] = set()
    if actor.organization and actor.organization == task.requester_org:
        found |= _duties(actor, "RC", "RO", REQUESTER_OFFICE)
    if actor.organization and actor.organization == task.performer_org:
        found |= _duties(actor, "PC", "PO", PERFORMER_OFFICE)
        if not serves(actor.id, task.team, task.now):
            found.discard("PC")
        if _is_senior(actor, task):
            found.add("LD")
    if actor.is_one_of("patient") and actor.id == task.patient_id:
        found.add("PT")
    return frozenset(found)


def serves(practitioner_id: str, team: Iterable[Member], now: datetime) -> bool:
    """Whether somebody may act as a clinician of a service now: triager, named senior, member, or cover while the cover lasts."""
    return any(member.practitioner_id == practitioner_id and is_there(member, now) for member in team)


def is_there(member: Member, now: datetime) -> bool:
    """Whether a role runs at an instant; a cover has two ends, other roles may be open."""
    if member.cover and (member.starts is None or member.ends is None):
        return False
    return (member.starts is None or member.starts <= now) and (member.ends is None or now < member.ends)


def explained(refused: Refused, table: TransitionTable, state: str, verb: str, actor: Actor, task: TaskFacts) -> Refused:
    """The refusal with its reason said better: a clinician of the house, where the clinicians of the service may."""
    of_the_house = bool(actor.organization) and actor.organization == task.performer_org and actor.is_one_of(*CLINICIANS)
    if not of_the_house or actor.kind != "person" or refused.reason != "not-for-this-party" or serves(actor.id, task.team, task.now):
        return refused
    return refused if isinstance(table.check(state, verb, ["PC"]), Refused) else replace(refused, reason="not-of-this-service")


_WHOLE_SIDE: Final = {"performer": frozenset({"LD", "PT", "SY"}), "requester": frozenset({"PT"})}
"""What a peer plays besides: what its seniors, its clock and the patient did there. Who of them may was judged there, by these same rules."""


def _sides_of_client(actor: Actor, task: TaskFacts) -> frozenset[str]:
    requester = {"RC", "RO"} if task.requester_org in actor.organizations else set()
    performer = {"PC", "PO"} if task.performer_org in actor.organizations else set()
    if task.peer and actor.id == task.peer:
        requester |= _WHOLE_SIDE["requester"] if requester else set()
        performer |= _WHOLE_SIDE["performer"] if performer else set()
    return frozenset(requester | performer)


def _duties(actor: Actor, clinician: str, office: str, office_roles: frozenset[str]) -> set[str]:
    found = {clinician} if actor.is_one_of(*CLINICIANS) else set()
    return found | ({office} if actor.is_one_of(*office_roles) else set())


def _is_senior(actor: Actor, task: TaskFacts) -> bool:
    """The named senior of the service; when that is the author of the decision reviewed, another referent of the organisation."""
    if actor.id == task.decided_by:
        return False
    return actor.id == task.lead_id or (task.lead_id in (None, task.decided_by) and actor.is_one_of("referent"))


def speaking_for_patient(found: frozenset[str]) -> frozenset[str]:
    """Parties of somebody who records what the patient said: an office or a clinician of either side may (both names are kept)."""
    return found | {"PT"} if found & {"RC", "RO", "PC", "PO"} else found


def reasons_for(verb: str, act: Act) -> tuple[Reason, ...]:
    """The list of reasons of a verb; a cancelled appointment has one for each side."""
    if verb == "cancel-appointment":
        return REASONS["cancel-by-patient" if act.side == "patient" else "cancel-by-service"]
    return REASONS[LISTS_OF_VERB[verb]] if verb in LISTS_OF_VERB else ()


def axis_of(list_name: str, code: str) -> str:
    """The axis on which a reason is counted."""
    return next(reason.axis for reason in REASONS[list_name] if reason.code == code)


@dataclass(frozen=True, slots=True)
class Need:
    """A precondition: what its absence is (`actor` 403, `state` 409, `data` 422), and when it is met."""

    kind: str
    met: Callable[[str, TaskFacts, Act, str], bool]


def _reason_known(verb: str, _task: TaskFacts, act: Act, _actor: str) -> bool:
    return act.reason is None or act.reason in {reason.code for reason in reasons_for(verb, act)}


def _priority_explained(_verb: str, task: TaskFacts, act: Act, _actor: str) -> bool:
    if act.priority in (None, task.priority):
        return True
    return act.priority in PRIORITIES and act.reason in {reason.code for reason in REASONS["priority"]} and _long_enough(act)


def _long_enough(act: Act) -> bool:
    return act.reason != "other" or len(act.comment.strip()) >= COMMENT_FLOOR


def _sending(code: str) -> Need:
    return Need("data", lambda _v, task, _a, _i: code not in task.sending)


NEEDS: Final[dict[str, Need]] = {
    "call-instead": Need("data", lambda _v, t, a, _i: "stat" not in (a.priority, t.priority) and "call-instead" not in t.sending),
    "no-care-link": _sending("no-care-link"),
    "identity-unconfirmed": _sending("identity-unconfirmed"),
    "patient-not-informed": _sending("patient-not-informed"),
    "patient-opposed": _sending("patient-opposed"),
    "service-closed": _sending("service-closed"),
    "duplicate-open": _sending("duplicate-open"),
    "item-missing": _sending("item-missing"),
    "own-request": Need("actor", lambda v, t, _a, actor: "own-request" not in t.sending if v == "send" else actor != t.requester_id),
    "reason-missing": Need("data", lambda _v, _t, a, _i: a.reason is not None),
    "unknown-reason": Need("data", _reason_known),
    "comment-missing": Need("data", lambda _v, _t, a, _i: bool(a.comment.strip())),
    "comment-too-short": Need("data", lambda _v, _t, a, _i: _long_enough(a)),
    "text-too-short": Need("data", lambda _v, _t, a, _i: len(a.comment.strip()) >= INSIST_FLOOR),
    "capacity-is-not-refusal": Need("data", lambda _v, _t, a, _i: a.reason not in CAPACITY_CODES and not speaks_of_capacity(a)),
    "only-if-impossible": Need("data", lambda _v, _t, a, _i: a.reason is None or a.reason in AFTER_ACCEPTANCE),
    "no-unanswered-round": Need("data", lambda _v, t, a, _i: a.reason != "prerequisites-missing" or t.unanswered_round),
    "no-item": Need("data", lambda _v, _t, a, _i: any(item.strip() for item in a.items)),
    "completeness-only": Need("actor", lambda _v, _t, a, _i: not a.clinical_items),
    "call-the-requester": Need("state", lambda _v, t, _a, _i: t.rounds < ROUNDS_AT_MOST),
    "item-unanswered": Need("data", lambda _v, _t, a, _i: not a.unanswered),
    "priority-reason": Need("data", _priority_explained),
    "priority-unchanged": Need("data", lambda _v, t, a, _i: a.priority in PRIORITIES and a.priority != t.priority),
    "unknown-recommendation": Need("data", lambda _v, _t, a, _i: a.recommendation in RECOMMENDATIONS),
    "date-missing": Need("data", lambda _v, _t, a, _i: a.recommendation not in DATED_RECOMMENDATIONS or a.recommendation_due is not None),
    "redirect-not-allowed": Need("state", lambda _v, t, _a, _i: t.redirect_allowed),
    "target-missing": Need("data", lambda _v, _t, a, _i: a.target_open is not None),
    "target-closed": Need("data", lambda _v, _t, a, _i: a.target_open is not False),
    "slot-missing": Need("data", lambda _v, _t, a, _i: a.slot is not None and a.slot[0] < a.slot[1]),
    "not-bookable": Need("state", lambda _v, t, _a, _i: t.bookable),
    "side-missing": Need("data", lambda _v, _t, a, _i: a.side in ("patient", "hospital", "host")),
    "too-early": Need("state", lambda _v, t, _a, _i: t.slot_start is None or t.slot_start <= t.now),
    "before-its-day": Need("state", lambda _v, t, _a, _i: _day_has_come(t)),
    "seen-before-its-day": Need("data", lambda _v, t, a, _i: a.done_otherwise or _day_has_come(t)),
    "record-not-reviewed": Need("data", lambda _v, _t, a, _i: a.record_reviewed),
    "no-contact": Need("data", lambda _v, _t, a, _i: a.contacts >= CONTACTS_AT_LEAST),
    "encounter-missing": Need("data", lambda _v, _t, a, _i: a.encounter),
    "letter-missing": Need("data", lambda _v, _t, a, _i: a.letter),
    "done-otherwise": Need("data", lambda _v, _t, a, _i: a.done_otherwise),
    "follow-ups-unsettled": Need("state", lambda _v, t, _a, _i: t.unsettled_follow_ups == 0),
    "too-early-to-file": Need("state", lambda _v, t, _a, _i: _may_be_filed(t)),
    "not-late": Need("state", lambda _v, t, _a, _i: t.late),
    "already-insisted": Need("state", lambda _v, t, _a, _i: not t.already_insisted),
    "not-opposed": Need("state", lambda _v, t, _a, _i: t.asker_opposed if t.state in ANSWERED.split() else t.opposed),
    "already-said": Need("state", lambda _v, t, _a, _i: not t.no_news),
    "period-missing": Need("data", lambda _v, _t, a, _i: a.slot is not None and a.slot[0] < a.slot[1]),
}
"""Every precondition of the table. The code is the refusal reason and, in `$available-actions`, what is missing."""


def speaks_of_capacity(act: Act) -> bool:
    """Whether a reason in words says that there is no place: under `other` the words are the reason, and they cannot be that one."""
    return act.reason == "other" and CAPACITY_WORDS.search(_without_accents(act.comment)) is not None


def _without_accents(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(char))


def _day_has_come(task: TaskFacts) -> bool:
    """The visit is not planned on a later day: seen earlier in the day counts, seen days before does not."""
    return task.slot_start is None or day_in_paris(task.slot_start) <= day_in_paris(task.now)


def _may_be_filed(task: TaskFacts) -> bool:
    return task.entered_state_at is not None and task.now - task.entered_state_at >= FILED_UNREAD_AFTER


def find_line(state: str, verb: str, found: frozenset[str]) -> Transition | Refused:
    """The line of the table, the clinical party first: the same answer whatever the order of a set."""
    return TABLE.check(state, verb, [party for party in PARTIES if party in found])


def unmet(transition: Transition, task: TaskFacts, act: Act, actor_id: str = "") -> tuple[str, ...]:
    """The preconditions of a line that do not hold, in the order of the table."""
    return tuple(code for code in transition.needs if not NEEDS[code].met(transition.verb, task, act, actor_id))


def check(task: TaskFacts, verb: str, found: frozenset[str], act: Act, actor_id: str = "") -> Allowed | Refused:
    """May these parties do this now? First the table, then the preconditions of the line: the first unmet one is the reason."""
    transition = find_line(task.state, verb, found)
    if isinstance(transition, Refused):
        return transition
    missing = unmet(transition, task, act, actor_id)
    return Refused(missing[0]) if missing else Allowed()


def available(task: TaskFacts, found: frozenset[str], actor_id: str = "") -> tuple[Available, ...]:
    """The verbs that these parties may play now and what each still needs: `$available-actions`, the only source of buttons."""
    verbs = dict.fromkeys(t.verb for t in TABLE.legal(task.state, found))
    lines = [t for verb in verbs if isinstance(t := find_line(task.state, verb, found), Transition)]
    lines = [t for t in lines if "not-opposed" not in unmet(t, task, Act(), actor_id)]
    return tuple(Available(t.verb, unmet(t, task, Act(), actor_id)) for t in lines)
