"""A request that its patient's refusal has shut: how its two sides find it, and how either of them ends it (ADR 0028)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from maillage.kernel.answers import Allowed
from maillage.kernel.errors import NotFound, Stale
from maillage.referrals import queries, rules
from maillage.referrals.actions import ledger, turns
from maillage.referrals.actions.case import Case, Work, case_of
from maillage.referrals.actions.engine import authorise, finish, move
from maillage.referrals.actions.sharing import shared
from maillage.referrals.types import ANSWERED, Act
from maillage.store import Transaction

Row = Any
VERB: Final = "close-opposed"
_ACT: Final = Act(reason="patient-declines")


async def own_side(tx: Transaction, id: str) -> Row:
    """The row of a Task that the actor sees, or that a refusal has shut to the actor's side (`shut_task`). Raises `NotFound`."""
    try:
        return await queries.shut_task(tx, id)
    except NotFound:
        return await queries.visible_task(tx, id)


async def check_close_opposed(tx: Transaction, id: str) -> Row:
    """The row of a Task that the actor may end so. Raises `NotFound`, `NotAllowed`, `Conflict`, as `close_opposed` does."""
    row = await own_side(tx, id)
    authorise(await _case(tx, row), VERB, _ACT)
    return row


async def may_close_opposed(tx: Transaction, task: Row) -> bool:
    """Whether the actor may end a Task that a refusal has shut: a clinician or the office of one of its two sides."""
    case = await _case(tx, task)
    return isinstance(rules.check(case.facts, VERB, case.parties, _ACT, tx.actor.id), Allowed)


@shared(VERB)
async def close_opposed(tx: Transaction, id: str, *, version: int | None = None) -> str:
    """End a request with which a refusal lets nobody go on (CSP L1110-4 IV): either side may, under its own name. Frees the slot.

    Raises `NotFound` for who is no side of it, `NotAllowed` for who has no such duty there, `Conflict("not-opposed")` while it can go on.
    """
    far, known = tx.beyond(), await own_side(tx, id)
    await queries.lock_request(far, known["request_id"])
    await queries.tasks_of(far, known["request_id"])
    task = await queries.task(far, id)
    if version is not None and version != task["version"]:
        raise Stale(task["version"])
    case = await _case(tx, task)
    given_back = {} if task["state"] in ANSWERED.split() else turns.WITHOUT_SLOT
    await move(case, VERB, _ACT, **given_back)
    for child in await queries.open_children(far, id):
        await turns.settle(case, child, "cancel-child")
    await ledger.resolve(case, "withdrawn")
    return await finish(case)


async def _case(tx: Transaction, task: Row) -> Case:
    """The case as it stands behind what the actor may see: for what the rules decide."""
    far = tx.beyond()
    case = await case_of(Work(far, VERB), await queries.row_of(far, "service_request", task["request_id"]), task)
    refusals = await queries.refusals(far, task)
    case.facts = replace(case.facts, opposed=refusals["opposed"], asker_opposed=refusals["asker_opposed"])
    return case
