"""`$available-actions`: the verbs that this user may play now, and what each still needs. Read under no lock, never cached."""

from __future__ import annotations

from dataclasses import replace

from maillage.referrals import queries, rules
from maillage.referrals.actions.case import Work, case_of
from maillage.referrals.actions.children import holds
from maillage.referrals.actions.sending import problems
from maillage.referrals.types import PARTIES, Available
from maillage.store import Transaction


async def available_actions(tx: Transaction, id: str, *, version: int | None = None) -> tuple[Available, ...]:
    """The only source of buttons, for a coordination Task or a follow-up. Raises `NotFound`."""
    del version  # a look has no version: it shows what is
    table, task, request, around = await queries.look_up(tx, id)
    case = await case_of(Work(tx, "available-actions"), request, task, around)
    case.facts = replace(case.facts, opposed=around["opposed"], asker_opposed=around["asker_opposed"])
    if table == "referral_child":
        child = await queries.child(tx, id)
        found = rules.CHILD_TABLE.legal(child["state"], case.parties & set(PARTIES))
        mine = [line for line in found if line.verb in rules.BY_HAND.get(child["code"], ()) and holds(case, child, line.verb)]
        return tuple(Available(line.verb, tuple(need for need in line.needs if need == "comment-missing")) for line in mine)
    if table == "capacity_failure":
        return ()
    if task["state"] == "to-complete":
        unmet, issues = await problems(case, None, {})
        sending = tuple(dict.fromkeys([*(issue.reason for issue in issues), *(code for code in unmet if code != "item-missing")]))
        case.facts = replace(case.facts, sending=frozenset(unmet))
        answers = rules.available(case.facts, case.parties, tx.actor.id)
        return tuple(Available(one.verb, sending) if one.verb == "send" else one for one in answers)
    return rules.available(case.facts, case.parties, tx.actor.id)
