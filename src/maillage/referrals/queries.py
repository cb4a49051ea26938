"""Every SELECT of the room. What an actor asks for starts from what that actor may see; what a transaction locks, it locks in one order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from maillage.access import visible_to
from maillage.codes.json import decode
from maillage.kernel.actor import Actor
from maillage.kernel.errors import NotFound
from maillage.record import Visible
from maillage.referrals import held
from maillage.store import Params, Transaction

Row = Any

TYPE_OF_TABLE: Final = {
    "service_request": "ServiceRequest",
    "referral_task": "Task",
    "referral_child": "Task",
    "capacity_failure": "Task",
    "referral_form": "QuestionnaireResponse",
    "referral_letter": "DocumentReference",
    "referral_attachment": "DocumentReference",
    "referral_encounter": "Encounter",
}
"""Our tables that are resources, and the type that each one is."""


@dataclass(frozen=True, slots=True)
class Worklist:
    """A list of work: whose, which states, and an extra condition over `t` when the states are not enough."""

    side: str
    states: tuple[str, ...]
    where: str = "true"


_HALF_SPENT: Final = "t.due_since + (t.due_at - t.due_since) / 2 <= {now}"
WORKLISTS: Final = {
    "to-complete": Worklist("requester", ("to-complete",)),
    "my-turn": Worklist("requester", ("info-requested", "declined", "redirected")),
    "silent": Worklist("requester", ("sent",), _HALF_SPENT),
    "waiting-place": Worklist("requester", ("waiting-capacity", "to-book", "offered", "to-rebook")),
    "absences": Worklist("requester", ("not-attended",)),
    "letters": Worklist("requester", ("letter-sent", "advised")),
    "sent-by-us": Worklist("requester", ("sent", "opened", "info-received", "insisted", "booked", "seen", "cancellation-requested")),
    "to-triage": Worklist("performer", ("sent", "opened")),
    "information-received": Worklist("performer", ("info-received",)),
    "insisted": Worklist("performer", ("insisted",)),
    "to-book": Worklist("performer", ("to-book", "to-rebook")),
    "no-place-yet": Worklist("performer", ("waiting-capacity",)),
    "unanswered-offers": Worklist("performer", ("offered",)),
    "to-see": Worklist("performer", ("booked", "not-attended")),
    "letters-owed": Worklist("performer", ("seen",)),
    "cancellations": Worklist("performer", ("cancellation-requested",)),
}
"""The worklists of workflows.md 1. Every open state is on one list of the side that holds the turn (tested)."""


async def find_task(tx: Transaction, id: str) -> tuple[str, str, str]:
    """Where a Task id of ours lives: table, coordination Task, ServiceRequest. Raises `NotFound` when absent or invisible."""
    params = Params([id])
    seen = visible_to(tx.actor, "Task")
    row = await tx.fetchrow(
        f"""
        SELECT 'referral_task' AS found, t.id AS task_id, t.request_id FROM referral_task t WHERE t.id = $1 AND {seen.sql("t", params)}
        UNION ALL
        SELECT 'referral_child', c.task_id, t.request_id FROM referral_child c JOIN referral_task t ON t.id = c.task_id
        WHERE c.id = $1 AND {seen.sql("c", params)}
        UNION ALL
        SELECT 'capacity_failure', f.task_id, t.request_id FROM capacity_failure f JOIN referral_task t ON t.id = f.task_id
        WHERE f.id = $1 AND {seen.sql("f", params)}
        """,
        *params,
    )
    if row is None:
        raise NotFound("Task", id)
    return row["found"], row["task_id"], row["request_id"]


async def lock_request(tx: Transaction, request_id: str) -> Row:
    """Lock a request: every verb on any of its Tasks takes this lock first, so that two parallel Tasks never wait for each other."""
    if known := held.of_request(tx, request_id):
        return known.request
    row = await tx.fetchrow("SELECT * FROM service_request WHERE id = $1 FOR UPDATE", request_id)
    return held.hold(tx, row).request if row else None


async def try_lock_request(tx: Transaction, request_id: str) -> Row | None:
    """Lock a request unless somebody is at work on it: the scheduler comes back."""
    row = await tx.fetchrow("SELECT * FROM service_request WHERE id = $1 FOR UPDATE SKIP LOCKED", request_id)
    return held.hold(tx, row).request if row else None


async def task(tx: Transaction, id: str) -> Row:
    """One coordination Task, as it stands in this transaction."""
    return await row_of(tx, "referral_task", id)


async def tasks_of(tx: Transaction, request_id: str) -> Sequence[Row]:
    """The Tasks of a request that the actor sees, in the order in which they were made: those of other services too, for the rules."""
    known = held.of_request(tx, request_id)
    if known and known.tasks is not None:
        return sorted(known.tasks.values(), key=lambda row: (row["authored_on"], row["id"]))
    rows = await tx.fetch(
        "SELECT t.* FROM service_request r, LATERAL tasks_of_request(r.id) t WHERE r.id = $1 ORDER BY t.authored_on, t.id", request_id
    )
    if known:
        known.tasks = held.keep_all(tx, rows)
    return rows


async def task_for(tx: Transaction, request_id: str, service_id: str) -> Row | None:
    """The Task of a request that is addressed to a service, the newest if there were several."""
    return next((row for row in reversed(await tasks_of(tx, request_id)) if row["service_id"] == service_id), None)


async def encounter_named(tx: Transaction, id: str) -> Row | None:
    """Whose an Encounter is that the actor sees, ours or kept as received; None when there is none."""
    await tx.settle()
    params = Params([id])
    return await tx.fetchrow(
        f"""
        SELECT h.patient_id, h.owner_org, h.parties FROM resource_head h
        WHERE h.res_type = 'Encounter' AND h.id = $1 AND NOT h.deleted AND {visible_to(tx.actor, "Encounter").sql("h", params)}
        """,
        *params,
    )


async def may_read(tx: Transaction, task_id: str, organization_id: str) -> bool:
    """Whether a clinician of an organisation would find a Task: nobody is told of what they cannot open."""
    params = Params([task_id])
    visible = visible_to(Actor("person", "", (organization_id,), frozenset({"medecin"})), "Task").sql("t", params)
    return bool(await tx.beyond().fetchval(f"SELECT true FROM referral_task t WHERE t.id = $1 AND {visible}", *params))


async def visible_request(tx: Transaction, id: str) -> Row:
    """One request. Raises `NotFound` when absent or invisible."""
    known = held.of_request(tx, id)
    if known and tx.known(("seen", tx.actor.id, tx.actor.organizations, id)):
        return known.request
    params = Params([id])
    row = await tx.fetchrow(
        f"SELECT r.* FROM service_request r WHERE r.id = $1 AND {visible_to(tx.actor, 'ServiceRequest').sql('r', params)}", *params
    )
    if row is None:
        raise NotFound("ServiceRequest", id)
    tx.keep(("seen", tx.actor.id, tx.actor.organizations, id), True)
    return row


async def visible_task(tx: Transaction, id: str) -> Row:
    """One coordination Task. Raises `NotFound` when absent or invisible."""
    params = Params([id])
    row = await tx.fetchrow(f"SELECT t.* FROM referral_task t WHERE t.id = $1 AND {visible_to(tx.actor, 'Task').sql('t', params)}", *params)
    if row is None:
        raise NotFound("Task", id)
    return row


async def is_ours(tx: Transaction, tables: Sequence[str], id: str) -> bool:
    """Whether a row of one of these tables has this id, for the doors to know whose resource it is; tells nothing to a caller."""
    if any(held.find(tx, table, id) for table in tables):
        return True
    found = " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE id = $1)" for table in tables)
    return bool(tables) and bool((await tx.peek(f"SELECT {found}", id))[0][0])


async def sees(tx: Transaction, table: str, id: str) -> bool:
    """Whether the caller sees the row with this id: what a reference to it may depend on."""
    params = Params([id])
    visible = visible_to(tx.actor, TYPE_OF_TABLE[table], tx.now).sql("r", params)
    return bool((await tx.peek(f"SELECT EXISTS (SELECT 1 FROM {table} r WHERE r.id = $1 AND {visible})", *params))[0][0])


async def open_duplicate(tx: Transaction, patient_id: str, service_id: str, requester_org: str, but: str) -> str | None:
    """The Task that this requester already has in the hands of this service for this patient."""
    found: str | None = await tx.fetchval(
        """
        SELECT id FROM referral_task WHERE patient_id = $1 AND service_id = $2 AND requester_org = $3 AND id <> $4
            AND fhir_status IN ('received', 'accepted', 'in-progress') ORDER BY authored_on, id LIMIT 1
        """,
        patient_id,
        service_id,
        requester_org,
        but,
    )
    return found


async def child(tx: Transaction, id: str) -> Row:
    """One child Task."""
    return await tx.fetchrow("SELECT * FROM referral_child WHERE id = $1", id)


async def open_children(tx: Transaction, task_id: str) -> Sequence[Row]:
    """The child Tasks that somebody still owes."""
    return await tx.fetch("SELECT * FROM referral_child WHERE task_id = $1 AND turn IS NOT NULL ORDER BY authored_on, id", task_id)


async def children_of(tx: Transaction, task_id: str) -> Sequence[Row]:
    """Every child Task, the oldest first."""
    return await tx.fetch("SELECT * FROM referral_child WHERE task_id = $1 ORDER BY authored_on, id", task_id)


async def current_form(tx: Transaction, request_id: str) -> Row | None:
    """The answers to the form of a request: the latest."""
    rows = await forms_of(tx, request_id)
    return rows[-1] if rows else None


async def forms_of(tx: Transaction, request_id: str) -> Sequence[Row]:
    """Every form of a request, the oldest first."""
    known = held.of_request(tx, request_id)
    if known and known.forms is not None:
        return sorted(known.forms.values(), key=lambda row: (row["authored"], row["id"]))
    rows = await tx.fetch("SELECT * FROM referral_form WHERE request_id = $1 ORDER BY authored, id", request_id)
    if known:
        known.forms = held.keep_all(tx, rows)
    return rows


async def attachments(tx: Transaction, request_id: str) -> Sequence[Row]:
    """The files of a request, of its answers and letters, in the order in which they came. The request must be visible."""
    known: Sequence[Row] | None = tx.known(("attachments", request_id))
    if known is None:
        known = await tx.fetch("SELECT * FROM referral_attachment WHERE request_id = $1 ORDER BY attached_at, id", request_id)
        tx.keep(("attachments", request_id), known)
    return known


def remember_attached(tx: Transaction, request_id: str, rows: Sequence[Row] | None) -> None:
    """Say what is attached to a request: nothing yet to one that was just made; None when it must be looked at again."""
    tx.keep(("attachments", request_id), rows)


async def form_of(tx: Transaction, request_id: str) -> list[Any]:
    """The answers to the form of a request that the actor may see, as items of a QuestionnaireResponse."""
    await visible_request(tx, request_id)
    row = await current_form(tx, request_id)
    items: list[Any] = decode(row["items"]) if row and row["status"] != "entered-in-error" else []
    return items


async def appointment_of(tx: Transaction, task_id: str) -> str | None:
    """The appointment that a Task holds now: a journey reads it before a verb that frees the slot. Raises `NotFound`."""
    found: str | None = (await visible_task(tx, task_id))["appointment_id"]
    return found


async def form_ids(tx: Transaction, request_id: str) -> list[str]:
    """Every form of a request, the oldest first."""
    return [row["id"] for row in await forms_of(tx, request_id)]


async def service_ids(tx: Transaction, request_id: str) -> list[str]:
    """The services to which a request is or was addressed, in that order."""
    first: dict[str, datetime] = {}
    for row in await tasks_of(tx, request_id):
        first.setdefault(row["service_id"], row["authored_on"])
    return sorted(first, key=lambda service: (first[service], service))


async def row_of(tx: Transaction, table: str, id: str) -> Row:
    """One row of one of our resource tables; None when there is none."""
    return held.find(tx, table, id) or await tx.fetchrow(f"SELECT * FROM {table} WHERE id = $1", id)


async def ids_of(tx: Transaction, kind: str) -> list[str]:
    """Every id that this room draws as a resource of this type (drift check)."""
    tables = [table for table, type_ in TYPE_OF_TABLE.items() if type_ == kind]
    parts = " UNION ALL ".join(f"SELECT id FROM {table}" for table in tables)
    return [row["id"] for row in await tx.fetch(f"{parts} ORDER BY id")] if parts else []


async def next_seq(tx: Transaction, table: str, column: str, id: str) -> int:
    """The number of the next append-only row of an object."""
    return int(await tx.fetchval(f"SELECT coalesce(max(seq), 0) + 1 FROM {table} WHERE {column} = $1", id))


async def questions(tx: Transaction, task_id: str, round_: int) -> Sequence[Row]:
    """The items of one round, in their order."""
    return await tx.fetch("SELECT * FROM referral_question WHERE task_id = $1 AND round = $2 ORDER BY number", task_id, round_)


async def around(tx: Transaction, task_id: str, due_at: datetime | None) -> Row:
    """What other rows say of a Task: `insisted` (its decision was reviewed once), `late` (its deadline has passed the step at which the
    requester may go elsewhere), `unsettled` (how many follow-ups the requester has neither accepted nor handed back).
    """
    return await tx.fetchrow(
        """
        SELECT EXISTS (SELECT 1 FROM referral_task WHERE insists_on = $1) AS insisted,
            EXISTS (SELECT 1 FROM referral_breach WHERE task_id = $1 AND due_at = $2 AND level >= 150) AS late,
            (SELECT count(*) FROM referral_child WHERE task_id = $1 AND code = 'follow-up' AND state = 'due') AS unsettled
        """,
        task_id,
        due_at,
    )


async def unsettled_follow_ups(tx: Transaction, task_id: str) -> int:
    """Follow-ups that the requester has neither accepted nor handed back."""
    return int(
        await tx.fetchval("SELECT count(*) FROM referral_child WHERE task_id = $1 AND code = 'follow-up' AND state = 'due'", task_id)
    )


async def removed_time(tx: Transaction, task_id: str) -> Sequence[Row]:
    """The periods of a Task that belong to the patient."""
    return await tx.fetch("SELECT * FROM patient_interval WHERE task_id = $1 ORDER BY starts, id", task_id)


async def open_failures(tx: Transaction, task_id: str) -> Sequence[Row]:
    """Lines of the capacity ledger that are not resolved."""
    return await tx.fetch("SELECT * FROM capacity_failure WHERE task_id = $1 AND resolution IS NULL ORDER BY opened_at, id", task_id)


async def breach_levels(tx: Transaction, task_id: str, deadline: str, due_at: datetime) -> set[int]:
    """The steps already written for the running deadline."""
    rows = await tx.fetch(
        "SELECT level FROM referral_breach WHERE task_id = $1 AND deadline = $2 AND due_at = $3 ORDER BY level", task_id, deadline, due_at
    )
    return {row["level"] for row in rows}


async def running_tasks(tx: Transaction, limit: int) -> Sequence[Row]:
    """Tasks whose deadline has reached its next step, the longest ago first."""
    return await tx.fetch("SELECT id, request_id FROM referral_task WHERE ladder_at <= $1 ORDER BY ladder_at, id LIMIT $2", tx.now, limit)


async def expired_offers(tx: Transaction) -> list[str]:
    """Tasks whose offer was not answered in time: the journey expires them together with the held slot."""
    rows = await tx.fetch("SELECT id FROM referral_task WHERE state = 'offered' AND due_at <= $1 ORDER BY due_at, id", tx.now)
    return [row["id"] for row in rows]


async def parked_now(tx: Transaction) -> list[str]:
    """Tasks that wait for a place since the instant of this transaction."""
    rows = await tx.fetch("SELECT id FROM referral_task WHERE state = 'waiting-capacity' AND entered_at = $1 ORDER BY id", tx.now)
    return [row["id"] for row in rows]


@dataclass(frozen=True, slots=True)
class Total:
    """How many a list holds to its end, and how many of them are late."""

    count: int = 0
    late: int = 0


async def worklist(tx: Transaction, name: str, *, services: Sequence[str] = (), limit: int = 50, offset: int = 0) -> Sequence[Row]:
    """One worklist of the actor's active organisation: by priority, breach, age. Adds patient, service and breach to each Task.

    `services` narrows what the performer sees, before anything is counted or cut.
    """
    params = Params()
    condition = _on_list(WORKLISTS[name], tx, params, services)
    return await tx.fetch(
        f"""
        SELECT t.*, p.family, p.given, p.birth_date, p.gender, s.name AS service_name, t.due_at <= {params.add(tx.now)} AS breached,
            (SELECT string_agg(r.display, ', ' ORDER BY r.display) FROM referral_reading r
             WHERE r.task_id = t.id AND r.expires_at > {params.add(tx.now)} AND r.reader_id <> {params.add(tx.actor.id)}) AS read_by
        FROM referral_task t JOIN patient p ON p.id = t.patient_id JOIN healthcare_service s ON s.id = t.service_id
        WHERE {condition}
        ORDER BY array_position(ARRAY['stat', 'asap', 'urgent', 'routine'], t.priority), breached DESC, t.due_at, t.id
        LIMIT {params.add(limit)} OFFSET {params.add(offset)}
        """,
        *params,
    )


async def worklist_totals(tx: Transaction, *, services: Sequence[str] = ()) -> dict[str, Total]:
    """What each worklist of the actor's active organisation holds, under the same conditions as the list itself."""
    params = Params()
    late = f"count(*) FILTER (WHERE t.due_at < {params.add(tx.now)})"
    parts = [
        f"SELECT {params.add(name)}::text AS name, count(*) AS count, {late} AS late FROM referral_task t "
        f"WHERE {_on_list(spec, tx, params, services)}"
        for name, spec in WORKLISTS.items()
    ]
    rows = await tx.fetch(f"{' UNION ALL '.join(parts)} ORDER BY name", *params)
    return {row["name"]: Total(row["count"], row["late"]) for row in rows}


def _on_list(spec: Worklist, tx: Transaction, params: Params, services: Sequence[str]) -> str:
    column = "requester_org" if spec.side == "requester" else "owner_org"
    where = spec.where.format(now=f"{params.add(tx.now)}::timestamptz") if "{now}" in spec.where else spec.where
    if services and spec.side == "performer":
        where += f" AND t.service_id = ANY ({params.add(list(services))}::text[])"
    seen = visible_to(tx.actor, "Task").sql("t", params)
    mine, states = params.add(tx.actor.organization), params.add(list(spec.states))
    return f"t.{column} = {mine}::text AND t.state = ANY ({states}::text[]) AND {where} AND {seen}"


async def follow_ups(tx: Transaction, *, services: Sequence[str] = (), limit: int = 50, offset: int = 0) -> Sequence[Row]:
    """Open follow-ups that the actor's active organisation owes, the first due first; `services` narrows what the performer owes."""
    params = Params()
    where = _owed(tx, params, services)
    return await tx.fetch(
        f"""
        SELECT c.*, p.family, p.given, p.birth_date
        FROM referral_child c JOIN referral_task t ON t.id = c.task_id JOIN patient p ON p.id = c.patient_id
        WHERE {where} ORDER BY c.due_at, c.id LIMIT {params.add(limit)} OFFSET {params.add(offset)}
        """,
        *params,
    )


async def follow_up_total(tx: Transaction, *, services: Sequence[str] = ()) -> Total:
    """How many follow-ups `follow_ups` would show to its end."""
    params = Params()
    late = f"count(*) FILTER (WHERE c.due_at < {params.add(tx.now)})"
    row = await tx.fetchrow(
        f"SELECT count(*) AS count, {late} AS late FROM referral_child c JOIN referral_task t ON t.id = c.task_id "
        f"WHERE {_owed(tx, params, services)}",
        *params,
    )
    return Total(row["count"], row["late"]) if row else Total()


def _owed(tx: Transaction, params: Params, services: Sequence[str]) -> str:
    mine, seen = params.add(tx.actor.organization), visible_to(tx.actor, "Task").sql("c", params)
    narrowed = f" AND (c.turn = 'requester' OR t.service_id = ANY ({params.add(list(services))}::text[]))" if services else ""
    return (
        f"c.code = 'follow-up' AND c.turn IS NOT NULL AND {seen}{narrowed} "
        f"AND CASE WHEN c.turn = 'requester' THEN c.requester_org ELSE c.owner_org END = {mine}::text"
    )


async def readers(tx: Transaction, task_id: str) -> Sequence[Row]:
    """Who else has this Task on screen now."""
    return await tx.fetch(
        "SELECT * FROM referral_reading WHERE task_id = $1 AND expires_at > $2 AND reader_id <> $3 ORDER BY display",
        task_id,
        tx.now,
        tx.actor.id,
    )


async def thread(tx: Transaction, task_id: str) -> dict[str, Sequence[Row]]:
    """What happened to a Task, for its page: statuses, questions, children, letters, breaches, ledger, intervals. The Task must be visible.

    Of one that was entered in error nothing is told but that it was, and why.
    """
    masked = (await visible_task(tx, task_id))["state"] == "entered-in-error"
    orders = {
        "referral_status": "seq",
        "referral_question": "round, number",
        "referral_child": "authored_on, id",
        "referral_letter": "signed_at, id",
        "referral_breach": "at, level",
        "capacity_failure": "opened_at, id",
        "patient_interval": "starts, id",
    }
    found: dict[str, Sequence[Row]] = {
        table: await tx.fetch(f"SELECT * FROM {table} WHERE task_id = $1 ORDER BY {order}", task_id) for table, order in orders.items()
    }
    return _masked(found) if masked else found


def _masked(found: dict[str, Sequence[Row]]) -> dict[str, Sequence[Row]]:
    """The same rows without what people wrote; the last status says why."""
    *before, last = found["referral_status"]
    children = [{**row, "description": "", "comment": ""} for row in found["referral_child"]]
    statuses = [*({**row, "comment": ""} for row in before), last]
    masked: dict[str, Sequence[Row]] = dict(found)
    masked["referral_status"], masked["referral_child"], masked["referral_question"] = statuses, children, ()
    return masked


async def open_tasks_of_patient(tx: Transaction, patient_id: str) -> Sequence[Row]:
    """The open Tasks of a patient with their two sides, whoever asks: to tell them, not to show."""
    return await tx.fetch(
        "SELECT id, requester_org, owner_org FROM referral_task WHERE patient_id = $1 AND turn IS NOT NULL AND sent_at IS NOT NULL ORDER BY id",
        patient_id,
    )


async def patient_requests(tx: Transaction, patient_id: str, visible: Visible) -> Sequence[Row]:
    """The Tasks of one patient that the actor may see, the newest first."""
    params = Params([patient_id])
    return await tx.fetch(
        f"""
        SELECT t.*, s.name AS service_name FROM referral_task t JOIN healthcare_service s ON s.id = t.service_id
        WHERE t.patient_id = $1 AND {visible.sql("t", params)} ORDER BY t.authored_on DESC, t.id
        """,
        *params,
    )
