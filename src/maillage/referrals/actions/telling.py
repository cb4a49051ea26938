"""Who is told that something awaits them: the party whose turn begins, the requester, and those that the line names (workflows.md 0.8)."""

from __future__ import annotations

from maillage import directory, messaging
from maillage.kernel.transitions import Transition
from maillage.referrals import rules
from maillage.referrals.actions.case import Case

PLANNER = "planificateur"


async def tell(case: Case, verb: str, line: Transition) -> None:
    """Write the notifications of a move: never a name or a reason, only that something happened to this Task."""
    wanted = ["RC", *line.tells]
    if case.task["turn"]:
        wanted.append({"requester": "RC", "performer": "PC"}.get(case.task["turn"], case.task["turn"]))
    for party in dict.fromkeys(wanted):
        await tell_party(case, f"referral-{verb}", party)


async def tell_party(case: Case, event: str, party: str) -> None:
    """Tell one party, unless it is the one who acts. The patient is told through the patient's own channels, which start from the statuses."""
    task, actor = case.task, case.tx.actor
    if task["sent_at"] is None and party != "RC":
        return  # a draft is the requester's alone
    if party == "RC":
        roles, organization = [case.request["requester_role_id"]], task["requester_org"]
    elif party == "PC":
        roles, organization = await _triagers(case), task["owner_org"]
    elif party == "LD":
        roles, organization = [task["lead_role_id"]] if task["lead_role_id"] else [], task["owner_org"]
    elif party == "PO":
        await messaging.notify(
            case.tx, event, focus=("Task", case.id), organizations=[task["owner_org"]], roles=[PLANNER], patient=task["patient_id"]
        )
        return
    else:
        return
    for role_id in roles:
        if role_id != actor.role_id:
            await messaging.notify(
                case.tx,
                event,
                focus=("Task", case.id),
                organizations=[organization],
                role_id=role_id,
                patient=task["patient_id"],
                urgent=task["priority"] == "asap",
            )


async def _triagers(case: Case) -> list[str]:
    """The roles of the triagers, and those under which today's covers sign in."""
    found = list(case.service.triager_role_ids)
    for member in case.facts.team:
        if member.cover and rules.is_there(member, case.tx.now):
            places = await directory.roles_of(case.tx, member.practitioner_id)
            found += [
                place.id for place in places if place.organization_id == case.task["owner_org"] and directory.COVER not in place.codes
            ]
    return list(dict.fromkeys(found))
