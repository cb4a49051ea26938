"""A Task that a peer holds too: what ours do to it is kept, with what they brought, until the peer has played it.

What the peer did itself is not told back.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from maillage.codes.json import encode_text
from maillage.referrals import queries
from maillage.referrals.actions import telling
from maillage.referrals.actions.case import Work, case_of
from maillage.referrals.actions.rows import add_numbered
from maillage.store import Transaction

P = ParamSpec("P")
Verb = Callable[Concatenate[Transaction, str, P], Coroutine[Any, Any, str]]


def shared(verb: str) -> Callable[[Verb[P]], Verb[P]]:
    """A verb whose playing is told to the peer that holds the same Task."""

    def around(call: Verb[P]) -> Verb[P]:
        @wraps(call)
        async def played(tx: Transaction, id: str, *args: P.args, **given: P.kwargs) -> str:
            answer = await call(tx, id, *args, **given)
            await tell_peer(tx.beyond(), verb, id, {name: value for name, value in given.items() if name != "version"})
            return answer

        return cast("Verb[P]", played)

    return around


async def tell_peer(tx: Transaction, verb: str, id: str, given: Mapping[str, Any]) -> None:
    """Keep a step for the peer of the Task, or of the child Task, with this id; nothing when it has none, did it itself, or was never sent it."""
    task = await _task_of(tx, id)
    if task is None or task["peer"] is None or task["sent_at"] is None or tx.actor.id == task["peer"]:
        return
    brought = {name: value for name, value in given.items() if value not in (None, "", (), [])}
    await add_numbered(
        tx,
        "referral_step",
        "task_id",
        task["id"],
        target=id,
        verb=verb,
        given=encode_text(brought),
        role_id=tx.actor.role_id,
        at=tx.now,
    )


async def _task_of(tx: Transaction, id: str) -> Any:
    """The Task as it stands after the verb; the actor may have lost it from sight by its own act."""
    if found := await queries.row_of(tx, "referral_task", id):
        return found
    child = await queries.child(tx, id)
    return await queries.task(tx, child["task_id"]) if child else None


async def tell_refused(tx: Transaction, id: str) -> None:
    """The people of our side hear that the peer would not play what they did; nobody does where the request had ended anyway."""
    request_id = (await queries.task(tx, id))["request_id"]
    request = await queries.visible_request(tx, request_id)
    case = await case_of(Work(tx, "refused"), request, await queries.task(tx, id))
    if case.task["ended_at"] is None:
        await telling.tell_party(case, "referral-step-refused", "PC" if case.task["peer_side"] == "requester" else "RC")
