"""Everything that messaging writes and carries; `handlers` says how each topic of the outbox is carried."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from maillage.messaging.actions import inapp, notices, patients
from maillage.messaging.types import FAILURES, PATIENCE, Post
from maillage.store import Transaction
from maillage.store.outbox import Carrier, Handler

Carried = Callable[[Transaction, dict[str, Any], Post], Awaitable[str | None]]


def handlers(post: Post) -> Mapping[str, Handler | Carrier]:
    """What the worker does with each topic, with the channels of this installation."""

    def by(carried: Carried) -> Handler:
        async def carry(tx: Transaction, payload: dict[str, Any]) -> str | None:
            return await carried(tx, payload, post)

        return carry

    async def deliver(tx: Transaction, payload: dict[str, Any]) -> None:
        await inapp.deliver(tx, payload)
        if post.channels:
            await notices.spread(tx, payload["notification"])

    return {
        inapp.TOPIC: deliver,
        inapp.PATIENT: by(patients.route),
        inapp.AGENDA: inapp.hold_for_agenda,
        patients.SEND: Carrier(by(patients.send), FAILURES, PATIENCE, patients.given_up),
        notices.TELL: Carrier(by(notices.tell), FAILURES, PATIENCE),
    }


HANDLERS = handlers(Post())
"""The same where no channel is connected."""
