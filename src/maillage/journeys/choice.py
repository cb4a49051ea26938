"""Several services may be asked at once; the first to take the request is the only one, and nothing stays held for it at the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from maillage import booking, referrals
from maillage.store import Transaction

Verb = Callable[..., Awaitable[Any]]


def choosing(verb: Verb) -> Verb:
    """The verb of a Task by which its service takes the request, or answers it."""

    async def played(tx: Transaction, id: str, **given: Any) -> Any:
        answer = await verb(tx, id, **given)
        await free_others(tx, id)
        return answer

    return played


async def free_others(tx: Transaction, id: str) -> None:
    """End what is held at other services for their Tasks of the same request, where those have been closed."""
    task = await referrals.visible_task(tx, id)
    beyond = tx.beyond()  # the other service's diary is not in sight of this one
    for other in await referrals.tasks_of(beyond, task["request_id"]):
        if other["id"] != id and other["state"] == "cancelled":
            await booking.end_for_task(beyond, other["id"], side="hospital")
