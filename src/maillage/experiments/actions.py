"""One function per verb: people keep, ask and cancel; the worker begins, tells, completes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from maillage import record
from maillage.access import policy
from maillage.experiments import queries, rules
from maillage.experiments.types import Experiment, Report, Text
from maillage.kernel.answers import Answer, Refused
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from maillage.kernel.ids import new_id
from maillage.simulation import parameters
from maillage.store import Transaction

KIND = "Simulation"
"""What the policy and the trail call it: FHIR knows no such thing."""


async def keep(tx: Transaction, text: Text, id: str = "") -> str:
    """Keep a scenario, new or in the place of one. Raises `Invalid("bad-scenario")`, `NotFound`."""
    _require(tx)
    scenario = _read(text)
    values = (text.name[:120], text.content, scenario.digest, tx.now, tx.actor.role_id or tx.actor.id)
    if id:
        changed = await tx.execute(
            "UPDATE scenario SET title = $3, content = $4, digest = $5, changed_at = $6, changed_by = $7 WHERE id = $1 AND owner_org = $2",
            *(id, tx.actor.organization, *values),
        )
        if changed != "UPDATE 1":
            raise NotFound("scenario", id)
    else:
        id = new_id()
        await tx.execute(
            "INSERT INTO scenario (id, owner_org, title, content, digest, changed_at, changed_by) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            *(id, tx.actor.organization, *values),
        )
    await record.audit(tx, "U", KIND, id, verb="keep-scenario", act="administration")
    return id


async def drop(tx: Transaction, id: str) -> None:
    """Keep a scenario no longer; what was played with it has its own copy. Raises `NotFound`."""
    _require(tx)
    if await tx.execute("DELETE FROM scenario WHERE id = $1 AND owner_org = $2", id, tx.actor.organization) != "DELETE 1":
        raise NotFound("scenario", id)
    await record.audit(tx, "D", KIND, id, verb="drop-scenario", act="administration")


async def ask(
    tx: Transaction,
    scenario: Text,
    against: Text | None = None,
    *,
    kind: str = "figures",
    seed: int = 2026,
    replications: int | None = None,
) -> str:
    """Ask an experiment; the worker plays it. Raises `Invalid("bad-scenario")` or `("bad-counts")`, `Conflict("too-many-experiments")`."""
    _require(tx)
    for text in (scenario, against):
        if text is not None:
            _counts(text) if kind == "forecast" else _read(text)
    await tx.execute("SELECT pg_advisory_xact_lock(hashtext('experiment'), hashtext($1))", tx.actor.organization)
    _allowed(rules.may_ask(await queries.waiting(tx)))
    id = new_id()
    await tx.execute(
        """
        INSERT INTO experiment (id, owner_org, kind, status, scenario_name, scenario, against_name, against, seed, replications, asked_at, asked_by)
        VALUES ($1, $2, $3, 'requested', $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        *(id, tx.actor.organization, kind, scenario.name, scenario.content),
        *(against.name if against else None, against.content if against else None),
        *(seed, replications, tx.now, tx.actor.role_id or tx.actor.id),
    )
    await record.audit(tx, "C", KIND, id, verb="ask-experiment", act="administration")
    return id


async def cancel(tx: Transaction, id: str) -> None:
    """Want the answer no longer. Raises `NotFound`, `Conflict("experiment-over")`."""
    _require(tx)
    status = await tx.fetchval("SELECT status FROM experiment WHERE id = $1 AND owner_org = $2 FOR UPDATE", id, tx.actor.organization)
    if status is None:
        raise NotFound("experiment", id)
    _allowed(rules.may_move(status, "cancel"))
    await tx.execute("UPDATE experiment SET status = 'cancelled', ended_at = $2 WHERE id = $1", id, tx.now)
    await record.audit(tx, "U", KIND, id, verb="cancel-experiment", act="administration")


# --- the worker ------------------------------------------------------------------------------
async def begin(tx: Transaction) -> Experiment | None:
    """Take the oldest experiment that waits, or one of which nothing was heard for a minute; nobody else takes it meanwhile.

    One that was begun three times and never ended is given up.
    """
    lost = tx.now - rules.LOST_AFTER
    await tx.execute(
        "UPDATE experiment SET status = 'failed', ended_at = $1, reason = 'given-up' WHERE status = 'in-progress' AND beat_at < $2 AND tries >= $3",
        *(tx.now, lost, rules.MOST_TRIES),
    )
    row = await tx.fetchrow(
        f"""
        UPDATE experiment SET status = 'in-progress', begun_at = $1, beat_at = $1, done = 0, expected = 0, tries = tries + 1 WHERE id = (
            SELECT id FROM experiment WHERE status = 'requested' OR (status = 'in-progress' AND beat_at < $2)
            ORDER BY asked_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING {queries.COLUMNS}, NULL AS answer
        """,
        tx.now,
        lost,
    )
    return queries.experiment_of(row) if row else None


async def beat(tx: Transaction, id: str, done: int, expected: int) -> bool:
    """Say how far it is; whether the answer is still wanted."""
    return await _set(tx, id, "beat_at = $2, done = $3, expected = $4", tx.now, done, expected)


async def answer(tx: Transaction, id: str, found: Mapping[str, Any]) -> bool:
    """A first answer, or a better one."""
    return await _set(tx, id, "beat_at = $2, first_at = coalesce(first_at, $2), answer = $3", tx.now, json.dumps(found))


async def complete(tx: Transaction, id: str, found: Mapping[str, Any], reports: Mapping[str, Report]) -> bool:
    """The answer, and its report in each language in which it was made."""
    made = [reports.get(lang, Report(None, None)) for lang in ("fr", "en")]
    return await _set(
        tx,
        id,
        "status = 'completed', ended_at = $2, beat_at = $2, first_at = coalesce(first_at, $2), answer = $3, report = $4, paper = $5, "
        "report_en = $6, paper_en = $7, done = expected",
        *(tx.now, json.dumps(found), *(part for each in made for part in (each.page, each.paper))),
    )


async def fail(tx: Transaction, id: str, reason: str) -> bool:
    """It cannot be answered, and why."""
    return await _set(tx, id, "status = 'failed', ended_at = $2, reason = $3", tx.now, reason[:200])


async def purge(tx: Transaction, keep: timedelta) -> int:
    """Forget what ended so long ago, with its answer and its reports; how many there were. What an organisation keeps as a scenario stays."""
    done = await tx.execute("DELETE FROM experiment WHERE ended_at < $1", tx.now - keep)
    return int(done.removeprefix("DELETE "))


async def _set(tx: Transaction, id: str, changes: str, *values: Any) -> bool:
    """Change an experiment that is in progress; nothing when somebody cancelled it meanwhile."""
    done = await tx.execute(f"UPDATE experiment SET {changes} WHERE id = $1 AND status = 'in-progress'", id, *values)
    return done == "UPDATE 1"


def _require(tx: Transaction) -> None:
    answer = policy.decide(tx.actor, "verb", KIND)
    if isinstance(answer, Refused):
        raise NotAllowed(answer.reason)


def _allowed(answer: Answer) -> None:
    if isinstance(answer, Refused):
        raise Conflict(answer.reason)


def _counts(text: Text) -> None:
    """Hourly counts, as far as can be seen without what computes; the process that plays reads them closely."""
    try:
        said = json.loads(text.content)
    except ValueError as error:
        raise Invalid.one("bad-counts", "file") from error
    if not isinstance(said, dict) or said.get("maillage") != "counts":
        raise Invalid.one("bad-counts", "file")


def _read(text: Text) -> parameters.Scenario:
    try:
        return parameters.read(text.content, text.name)
    except parameters.Wrong as wrong:
        raise Invalid.one("bad-scenario", wrong.key) from wrong
