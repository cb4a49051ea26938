"""Who is told that something awaits them: the party whose turn begins, the requester, and those that the line names (workflows.md 0.8)."""

from __future__ import annotations

from maillage import directory, messaging
from maillage.kernel.transitions import Transition
from maillage.referrals import queries, rules
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
    """Tell one party, unless it is the one who acts; the patient by an outbox message for the patient's own channel."""
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
        await _tell_outside(case, event, party)
        return
    for role_id in roles:
        if role_id != actor.role_id:
            await _tell_role(case, event, role_id, organization)


async def _tell_role(case: Case, event: str, role_id: str, organization: str) -> None:
    await messaging.notify(
        case.tx,
        event,
        focus=("Task", case.id),
        organizations=[organization],
        role_id=role_id,
        patient=case.task["patient_id"],
        urgent=case.task["priority"] == "asap",
    )


async def _tell_outside(case: Case, event: str, party: str) -> None:
    """The patient, unless the patient acts; the usual doctor, who works at a house that may read the request."""
    patient = case.task["patient_id"]
    if party == "PT" and case.tx.actor.id not in (patient, case.task["peer"]):  # a peer told the patient of what was done there
        answer_by = case.task["due_at"] if case.task["turn"] == "PT" else None
        await messaging.tell_patient(case.tx, event, focus=("Task", case.id), patient=patient, answer_by=answer_by)
    elif party == "GP":
        for role in await directory.usual_doctor(case.tx, patient):
            told = {case.tx.actor.role_id, case.request["requester_role_id"]}
            if role.id not in told and await queries.may_read(case.tx, case.id, role.organization_id):
                await _tell_role(case, event, role.id, role.organization_id)


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
