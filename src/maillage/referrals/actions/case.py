"""The case that a verb works on: a locked Task, its request, its service, what the rules read, and what the actor is to it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from maillage import directory, record
from maillage.codes import calendars
from maillage.kernel.errors import Conflict, NotFound, Stale
from maillage.kernel.working_time import Delay, WorkingCalendar
from maillage.referrals import held, queries, render, rules
from maillage.referrals.types import TaskFacts
from maillage.store import Transaction

Row = Any


@dataclass(slots=True)
class Work:
    """One verb in one transaction: the rows that it changed, to be photographed once, at the end."""

    tx: Transaction
    verb: str
    touched: dict[tuple[str, str], None] = field(default_factory=dict)

    def touch(self, table: str, id: str) -> None:
        """Say that a resource changed."""
        self.touched.setdefault((table, id))

    async def finish(self, focus: tuple[str, str], patient: str, on_behalf_of: str = "") -> None:
        """Write the audit row; what changed is photographed at the end of the transaction, once for all its verbs, with who did each of them."""
        await record.audit(self.tx, "E", *focus, patient=patient, verb=self.verb)
        self.tx.at_end(photograph_all, Done(self, patient, on_behalf_of))


@dataclass(frozen=True, slots=True)
class Done:
    """A verb that was played: what it touched, about whom, for whom."""

    work: Work
    patient: str
    on_behalf_of: str


@dataclass(frozen=True, slots=True)
class Shot:
    """What a photograph made of a row: type, id, version, and whose it is."""

    target: tuple[str, str, int]
    owner: str
    parties: frozenset[str]


async def photograph_all(done: list[Done]) -> None:
    """One photograph of each row that the verbs touched, as it stands after the last of them, and a Provenance for each verb."""
    last = {key: verb.work.tx for verb in done for key in verb.work.touched}
    drawn = [(tx, key, *await render.draw(tx, *key)) for key, tx in last.items()]
    shots = {key: await _photograph(tx, key, row, resource) for tx, key, row, resource in drawn}
    for verb in done:
        of_verb = [shots[key] for key in verb.work.touched]
        await record.provenance(
            verb.work.tx,
            verb.work.verb,
            [shot.target for shot in of_verb],
            patient=verb.patient,
            owner=next((shot.owner for shot in of_verb), ""),
            parties=sorted(frozenset().union(*(shot.parties for shot in of_verb))),
            on_behalf_of=verb.on_behalf_of or None,
        )


async def _photograph(tx: Transaction, key: tuple[str, str], row: Row, resource: render.Resource) -> Shot:
    """The next version of one resource; a row that has none yet is new, and its id nobody else's."""
    table, id = key
    kind, parties = resource["resourceType"], list(row["parties"])
    if not row["version"]:
        record.foresee(tx, kind, id)
    owner = row["owner_org"] if row["owner_org"] in parties else parties[0]  # a draft is not its service's yet
    version = await record.photograph(tx, resource, patient=row["patient_id"], owner=owner, parties=parties)
    await tx.write((table, id), (f"UPDATE {table} SET version = $2 WHERE id = $1",), (id, version))
    held.let_go(tx, table, id)
    return Shot((kind, id, version), owner, frozenset(parties))


@dataclass(slots=True)
class Case:
    """A locked Task with its request, its service, what the rules read, and what the actor is to it; `party` is the one as which it acted last."""

    work: Work
    request: Row
    task: Row
    service: directory.Service
    facts: TaskFacts
    parties: frozenset[str]
    calendar: WorkingCalendar
    delays: rules.Delays
    party: str = ""

    @property
    def tx(self) -> Transaction:
        """The transaction of the verb."""
        return self.work.tx

    @property
    def id(self) -> str:
        """The id of the Task."""
        return str(self.task["id"])


def calendar() -> WorkingCalendar:
    """The working days of the territory."""
    return WorkingCalendar(holidays=calendars.public_holidays())


async def delays_of(tx: Transaction, service: directory.Service) -> rules.Delays:
    """The deadlines of a service, by step and priority."""
    table: dict[str, dict[str, Delay]] = {}
    for (step, priority), (amount, unit) in (await directory.deadlines(tx, service.deadlines)).items():
        table.setdefault(step, {})[priority] = Delay(amount, unit)
    return table


async def load(work: Work, id: str, version: int | None = None) -> Case:
    """Lock a coordination Task that the actor may see. Raises `NotFound`, `Stale`."""
    tx = work.tx
    table, task_id, request_id = await queries.find_task(tx, id)
    if table != "referral_task":
        raise Conflict("not-a-coordination-task")
    request = await queries.lock_request(tx, request_id)
    if request is None:  # a refusal has shut it (ADR 0028)
        raise NotFound("ServiceRequest", request_id)
    await queries.tasks_of(tx, request_id)  # the rules look at its brothers too
    task = await queries.task(tx, task_id)
    if version is not None and version != task["version"]:
        raise Stale(task["version"])
    return await case_of(work, request, task)


async def case_of(work: Work, request: Row, task: Row, around: Row | None = None) -> Case:
    """What the rules need to know about a Task, under the lock of its request or for a mere look."""
    service = await directory.get_service(work.tx, task["service_id"])
    facts = await facts_of(work.tx, request, task, service, around)
    return Case(work, request, task, service, facts, rules.parties(work.tx.actor, facts), calendar(), await delays_of(work.tx, service))


async def facts_of(tx: Transaction, request: Row, task: Row, service: directory.Service, around: Row | None = None) -> TaskFacts:
    """The plain values that the rules read; what is `around` the Task is asked for unless it was read with it."""
    lead = await directory.get_role(tx, task["lead_role_id"]) if task["lead_role_id"] else None
    around = around or await queries.around(tx, task["id"], task["due_at"])
    return TaskFacts(
        state=task["state"],
        now=tx.now,
        priority=task["priority"],
        requester_org=task["requester_org"],
        requester_id=request["requester_id"],
        performer_org=task["owner_org"],
        lead_id=lead.practitioner_id if lead else None,
        team=await directory.team(tx, service),
        decided_by=task["decided_by"],
        patient_id=task["patient_id"],
        bookable=service.intake == "bookable",
        redirect_allowed=request["may_redirect"],
        rounds=task["rounds"],
        unanswered_round=task["unanswered_round"] or (task["state"] == "info-requested" and task["due_at"] <= tx.now),
        already_insisted=task["insists_on"] is not None or around["insisted"],
        late=around["late"],
        unsettled_follow_ups=around["unsettled"],
        no_news=around["no_news"],
        entered_state_at=task["entered_at"],
        slot_start=task["slot_start"],
        peer=task["peer"] or "",
    )


def speaking(case: Case, contact: str | None) -> Case:
    """The actor records what the patient said: a logged contact makes an office speak for the patient."""
    if contact and contact.strip():
        return replace(case, parties=rules.speaking_for_patient(case.parties))
    return case
