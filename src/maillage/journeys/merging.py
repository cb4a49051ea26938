"""Two files of one person become one: what is open goes to the file that is used from now on, and everybody who holds something of it is told.

The operation is that of FHIR R5 on an R4 server (https://hl7.org/fhir/R5/patient-operation-merge.html), and both files say it in Patient.link.
What is over stays where it was written, in the replaced file, which its readers still open; a ledger names every row that moved, so that a merge
that was a mistake (hazard H3) is taken back without touching what came after (ADR 0023).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from maillage import access, booking, messaging, record, referrals
from maillage.access import merging as sharing
from maillage.access import patient_link
from maillage.codes.json import decode
from maillage.directory import merging
from maillage.directory.merging import File, Merge, Moved
from maillage.kernel.answers import Answer, Refused
from maillage.kernel.errors import Conflict, Invalid, NotAllowed
from maillage.kernel.operations import Operation, Param
from maillage.store import Transaction

MERGED, UNMERGED = "patient-merged", "patient-unmerged"
_APPOINTMENT: Final = "appointment"
_REQUEST: Final = "service_request"
_TASK: Final = "referral_task"
_COPIES: Final = frozenset({"care_link", "opposition", "security_label"})
_FORBIDDEN: Final = frozenset({"role", "not-the-owner"})
_TYPES: Final = {_TASK: "Task", _REQUEST: "ServiceRequest", _APPOINTMENT: "Appointment"}


async def merge(
    tx: Transaction,
    id: str | None = None,
    *,
    source_patient: str,
    target_patient: str,
    identity_confirmed: bool = False,
    comment: str = "",
    preview: bool = False,
    version: int | None = None,
) -> dict[str, Any]:
    """Let one file replace another one; answers Parameters with the survivor and what moves. The same merge again changes nothing.

    Raises `NotFound`, `NotAllowed` (role, not-the-owner), `Invalid` (identity-unconfirmed), `Conflict` (same-file, patient-replaced, ins-conflict,
    survivor-less-sure). With `preview` nothing is written.
    """
    del id, version
    source_id, target_id = source_patient.rpartition("/")[2], target_patient.rpartition("/")[2]
    visible = access.visible_to(tx.actor, "Patient", tx.now)
    source, target = await merging.files(tx, [source_id, target_id], visible)
    if not (source.replaced_by == target.id and merging.may_merge(tx.actor)):
        _demand(merging.check_merge(tx.actor, source, target))
        if preview:
            return await _previewed(tx, source, target)
        if identity_confirmed is not True:
            raise Invalid.one("identity-unconfirmed", "Parameters.parameter.where(name='identity-confirmed')")
        await _merge(tx, source_id, target_id, comment)
    return await _answered(tx, source_id, target_id, "merged")


async def _merge(tx: Transaction, source_id: str, target_id: str, comment: str) -> None:
    """What is open is locked first, as every verb on it does, then both files; what began between the two is looked for again."""
    await _lock_open(tx, source_id)
    source, target = await merging.lock_pair(tx, source_id, target_id)
    if source.replaced_by == target.id:
        return  # somebody else merged these two while we waited
    _demand(merging.check_merge(tx.actor, source, target))
    requests, appointments = await _lock_open(tx, source_id)
    rows = await referrals.merging.rows_of(tx, requests, target.id)
    await record.audit(tx, "E", "Patient", source.id, patient=source.id, verb="merge")
    made = await merging.close(tx, source, target, comment)
    await merging.note_moves(tx, made, _ledger(rows, appointments))
    tasks = await referrals.merging.move(tx, "merge", requests, rows, target.id, joins=True)
    visits = await booking.merging.move(tx, "merge", appointments, target.id)
    told = await sharing.holders(tx, [source.id, target.id])
    await merging.note_moves(tx, made, [Moved(kind, copy) for kind, copy in await sharing.share(tx, source.id, target.id)])
    await patient_link.take_back(tx, source.id)
    await _tell(tx, MERGED, tasks, visits, target.id, told)


async def _lock_open(tx: Transaction, patient: str) -> tuple[list[str], list[str]]:
    """The open requests and appointments of a patient, locked: requests first, as the verbs that touch both do."""
    requests = await referrals.merging.lock_open_of(tx, patient)
    tasks = [id for table, id, _ in await referrals.merging.rows_of(tx, requests, patient) if table == _TASK]
    return requests, await booking.merging.lock_open_of(tx, patient, tasks)


def _ledger(rows: Iterable[tuple[str, str, str]], appointments: Iterable[str]) -> list[Moved]:
    return [*(Moved(*row) for row in rows), *(Moved(_APPOINTMENT, id) for id in appointments)]


async def unmerge(tx: Transaction, id: str, *, version: int | None = None) -> str:
    """Take the merge that closed this file back: what it moved returns, with what was done on it since; what began on the survivor's file stays.

    Answers the id of the file that is open again. Raises `NotFound`, `NotAllowed`, `Conflict` (not-merged, survivor-replaced, patient-exists).
    """
    del version
    visible = access.visible_to(tx.actor, "Patient", tx.now)
    await merging.files(tx, [id], visible)
    made = await merging.last_merge(tx, id)
    survivor = (await merging.files(tx, [made.target], visible))[0] if made else None
    _demand(merging.check_unmerge(tx.actor, made, survivor))
    if made and made.stands:
        await _unmerge(tx, made)
    return id


async def _unmerge(tx: Transaction, made: Merge) -> None:
    ledger = await merging.moved(tx, made.id)
    requests = await referrals.merging.lock_these(tx, made.target, [one.id for one in ledger if one.kind == _REQUEST])
    now = await referrals.merging.rows_of(tx, requests, made.target)
    tasks = [id for table, id, _ in now if table == _TASK]
    appointments = await booking.merging.lock_these(tx, made.target, [one.id for one in ledger if one.kind == _APPOINTMENT], tasks)
    source, target = await merging.lock_pair(tx, made.source, made.target)
    fresh = await merging.last_merge(tx, made.source)
    if fresh is None or not fresh.stands:
        return  # somebody else took it back while we waited
    _demand(merging.check_unmerge(tx.actor, fresh, target))
    await record.audit(tx, "E", "Patient", source.id, patient=source.id, verb="unmerge")
    await merging.note_moves(tx, made, _ledger(now, appointments))  # what was added to these requests since goes with them
    await merging.give_back(tx, made)
    await merging.reopen(tx, source, target, ledger)
    was = {(one.kind, one.id): one.was for one in ledger}
    rows = [(table, id, was.get((table, id), "")) for table, id, _ in now]
    told = await sharing.holders(tx, [source.id, target.id])
    moved = await referrals.merging.move(tx, "unmerge", requests, rows, source.id, joins=False)
    visits = await booking.merging.move(tx, "unmerge", appointments, source.id)
    await sharing.labels_follow(tx, target.id, source.id)
    things = [f"{_TYPES[table]}/{id}" for table, id, _ in now if table in _TYPES] + [f"Appointment/{id}" for id in appointments]
    await sharing.links_return(tx, source.id, target.id, things)
    await sharing.unshare(tx, [(one.kind, one.id) for one in ledger if one.kind in _COPIES])
    await patient_link.take_back(tx, target.id)
    await _tell(tx, UNMERGED, moved, visits, source.id, told)


async def keep_apart(tx: Transaction, first: str, second: str) -> None:
    """Say that two files that look alike are of two persons. Raises as `merge` does."""
    mine, other = await merging.files(tx, [first, second], access.visible_to(tx.actor, "Patient", tx.now))
    if not merging.may_merge(tx.actor):
        raise NotAllowed("role")
    if tx.actor.kind != "system" and not {mine.owner_org, other.owner_org} <= set(tx.actor.organizations):
        raise NotAllowed("not-the-owner")
    if first == second:
        raise Conflict("same-file")
    await merging.keep_apart(tx, mine, other)


async def _tell(tx: Transaction, event: str, tasks: Sequence[Any], visits: Sequence[Any], patient: str, holders: Sequence[str]) -> None:
    """Each side of each open thing that moved, about that thing; who holds none of them but sees the person, about the file."""
    told = set[str]()
    for task in tasks:
        sides = list(task["parties"])
        if task["turn"] is not None:
            await messaging.notify(tx, event, focus=("Task", task["id"]), organizations=sides, patient=patient)
            told |= set(sides)
    for visit in visits:
        if visit["turn"] is not None:
            await messaging.notify(tx, event, focus=("Appointment", visit["id"]), organizations=list(visit["parties"]), patient=patient)
            told |= set(visit["parties"])
    rest = [organization for organization in holders if organization not in told]
    await messaging.notify(tx, event, focus=("Patient", patient), organizations=rest, patient=patient)


def _demand(answer: Answer) -> None:
    if isinstance(answer, Refused):
        raise (NotAllowed if answer.reason in _FORBIDDEN else Conflict)(answer.reason)


# --- the answer -----------------------------------------------------------------
async def counted(tx: Transaction, source: str) -> tuple[int, int]:
    """How many requests and appointments a merge of this file would move, without locking any."""
    return len(await referrals.merging.open_of(tx, source)), len(await booking.merging.open_of(tx, source))


async def _previewed(tx: Transaction, source: File, target: File) -> dict[str, Any]:
    requests, visits = await counted(tx, source.id)
    return await _parameters(tx, source.id, target.id, f"preview: {requests} requests, {visits} appointments")


async def _answered(tx: Transaction, source: str, target: str, said: str) -> dict[str, Any]:
    return await _parameters(tx, source, target, said)


async def _parameters(tx: Transaction, source: str, target: str, said: str) -> dict[str, Any]:
    survivor = decode(await record.current(tx, "Patient", target))
    asked = [
        {"name": "source-patient", "valueReference": {"reference": f"Patient/{source}"}},
        {"name": "target-patient", "valueReference": {"reference": f"Patient/{target}"}},
    ]
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": "informational", "diagnostics": said}]}
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "input", "resource": {"resourceType": "Parameters", "parameter": asked}},
            {"name": "outcome", "resource": outcome},
            {"name": "result", "resource": survivor},
        ],
    }


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "merge",
        "Patient",
        merge,
        (
            Param("source-patient", "Reference", required=True),
            Param("target-patient", "Reference", required=True),
            Param("identity-confirmed", "boolean"),
            Param("comment", "string", longest=500),
            Param("preview", "boolean"),
        ),
        on_instance=False,
    ),
    Operation("unmerge", "Patient", unmerge),
)

__all__ = ["MERGED", "OPERATIONS", "UNMERGED", "counted", "keep_apart", "merge", "unmerge"]
