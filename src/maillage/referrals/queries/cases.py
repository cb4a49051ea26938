"""Requests and Tasks: found, locked in one order, and visible to the actor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from maillage.access import visible_to
from maillage.kernel.actor import Actor
from maillage.kernel.errors import NotFound
from maillage.referrals import held
from maillage.referrals.queries.rows import TYPE_OF_TABLE, row_of, rows_of
from maillage.store import Params, Transaction

Row = Any


def _found(tx: Transaction, params: Params) -> str:
    """Where the Task with the id `$1` lives: table, coordination Task, ServiceRequest."""
    seen = visible_to(tx.actor, "Task")
    return f"""
        SELECT 'referral_task' AS found, t.id AS task_id, t.request_id FROM referral_task t WHERE t.id = $1 AND {seen.sql("t", params)}
        UNION ALL
        SELECT 'referral_child', c.task_id, t.request_id FROM referral_child c JOIN referral_task t ON t.id = c.task_id
        WHERE c.id = $1 AND {seen.sql("c", params)}
        UNION ALL
        SELECT 'capacity_failure', f.task_id, t.request_id FROM capacity_failure f JOIN referral_task t ON t.id = f.task_id
        WHERE f.id = $1 AND {seen.sql("f", params)}"""


_GENERAL: Final = "t.owner_org <> t.requester_org AND opposed(t.patient_id, '', '', NULL, ARRAY[]::text[], '', {now}::timestamptz)"
_NAMED: Final = "opposed(t.patient_id, '', '', t.{side}, ARRAY[t.{side}], '', {{now}}::timestamptz)"
_ASKER: Final = f"({_GENERAL} OR {_NAMED.format(side='requester_org')})"
_CLOSED: Final = f"{_ASKER} AS asker_opposed, ({_ASKER} OR {_NAMED.format(side='owner_org')}) AS opposed"
"""Between two houses a general refusal shuts a request to both; a house of its own keeps its file (ADR 0013). A named one shuts it to that house."""


async def find_task(tx: Transaction, id: str) -> tuple[str, str, str]:
    """Where a Task id of ours lives: table, coordination Task, ServiceRequest. Raises `NotFound` when absent or invisible."""
    params = Params([id])
    row = await tx.fetchrow(_found(tx, params), *params)
    if row is None:
        raise NotFound("Task", id)
    return row["found"], row["task_id"], row["request_id"]


async def look_up(tx: Transaction, id: str) -> tuple[str, Row, Row, Row]:
    """The same for a mere look, in one statement: table, the coordination Task, its request, and what is `around` it. Raises `NotFound`.

    With what the patient has refused since (`refusals`).
    """
    params = Params([id])
    closed = _CLOSED.format(now=params.add(tx.now))
    row = await tx.fetchrow(
        f"""
        SELECT x.found, t AS task, r AS request, {closed}, {AROUND.format(task="t.id", due="t.due_at")}
        FROM ({_found(tx, params)}) x JOIN referral_task t ON t.id = x.task_id JOIN service_request r ON r.id = x.request_id
        """,
        *params,
    )
    if row is None:
        raise NotFound("Task", id)
    request, task = (held.find(tx, table, row[name]["id"]) or row[name] for table, name in _LOOKED_UP)
    return row["found"], task, request, row


_LOOKED_UP: Final = (("service_request", "request"), ("referral_task", "task"))
AROUND: Final = """EXISTS (SELECT 1 FROM referral_task i WHERE i.insists_on = {task}) AS insisted,
            EXISTS (SELECT 1 FROM referral_breach b WHERE b.task_id = {task} AND b.due_at = {due} AND b.level >= 150) AS late,
            (SELECT count(*) FROM referral_child c WHERE c.task_id = {task} AND c.code = 'follow-up' AND c.state = 'due') AS unsettled,
            EXISTS (SELECT 1 FROM referral_child n WHERE n.task_id = {task} AND n.code = 'no-news' AND n.turn IS NOT NULL) AS no_news"""
"""What other rows say of a Task: see `around`."""


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
    sql = "SELECT t.* FROM service_request r, LATERAL tasks_of_request(r.id) t WHERE r.id = $1 ORDER BY t.authored_on, t.number"
    return await rows_of(tx, "referral_task", request_id, sql, ("authored_on", "number"))


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


async def shut_task(tx: Transaction, id: str) -> Row:
    """One coordination Task whose patient has refused since that anything be shared: each side finds it by what it keeps itself, to end it (ADR 0028).

    Raises `NotFound` for anybody else, and while no such refusal is in force.
    """
    params = Params([id])
    row = await tx.beyond().fetchrow(
        f"""
        SELECT t.* FROM referral_task t WHERE t.id = $1
            AND ({visible_to(tx.actor, "Task").sql("t", params)} OR t.requester_org = ANY ({params.add(list(tx.actor.organizations))}::text[])
                AND EXISTS (SELECT FROM service_request r WHERE r.id = t.request_id AND {visible_to(tx.actor, "ServiceRequest").sql("r", params)}))
            AND t.owner_org <> t.requester_org AND opposed(t.patient_id, '', '', NULL, ARRAY[]::text[], '', {params.add(tx.now)}::timestamptz)
        """,
        *params,
    )
    if row is None:
        raise NotFound("Task", id)
    return row


async def refusals(tx: Transaction, task: Row) -> Row:
    """What the patient of a Task refuses now: `opposed`, one of its sides is kept from reading on; `asker_opposed`, the requester's is."""
    return await tx.fetchrow(f"SELECT {_CLOSED.format(now='$2')} FROM referral_task t WHERE t.id = $1", task["id"], tx.now)


async def visible_case(tx: Transaction, id: str) -> tuple[Row, Row]:
    """One coordination Task and its request, in one statement. Raises `NotFound` when one of them is absent or invisible."""
    params = Params([id])
    seen = visible_to(tx.actor, "Task").sql("t", params), visible_to(tx.actor, "ServiceRequest").sql("r", params)
    sql = "SELECT t AS task, r AS request FROM referral_task t LEFT JOIN service_request r ON r.id = t.request_id"
    row = await tx.fetchrow(f"{sql} AND {seen[1]} WHERE t.id = $1 AND {seen[0]}", *params)
    if row is None:
        raise NotFound("Task", id)
    if row["request"] is None:
        raise NotFound("ServiceRequest", row["task"]["request_id"])
    return row["task"], row["request"]


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
            AND fhir_status IN ('received', 'accepted', 'in-progress') ORDER BY authored_on, number LIMIT 1
        """,
        patient_id,
        service_id,
        requester_org,
        but,
    )
    return found
