"""Verbs that touch an appointment, for a request whose service works at a peer: the diary is there, so here the request alone moves.

The peer says which appointment, from when to when; people here answer what was offered, move nothing and choose no slot.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from maillage import referrals
from maillage.kernel.errors import Conflict, Invalid
from maillage.kernel.operations import Param
from maillage.store import Transaction

Verb = Callable[..., Awaitable[Any]]
Row = Any

PLACE: Final = (Param("appointment_id", "string"), Param("start", "dateTime"), Param("end", "dateTime"))
"""The appointment as the peer's diary has it."""
PLACING: Final[Mapping[str, tuple[Param, ...]]] = {
    "offer": (*PLACE, Param("expires_at", "dateTime")),
    "book": (*PLACE, Param("resolution", "code", values=referrals.RESOLUTIONS)),
    "reschedule": PLACE,
}
"""Verbs that name a slot here, and what they name instead where the diary is elsewhere."""


def parameters_of(name: str, here: tuple[Param, ...]) -> tuple[Param, ...]:
    """What a verb takes: what it takes here, and what a peer says of its own diary."""
    return (*here, *PLACING.get(name, ()))


def where_the_diary_is(name: str, here: Verb, plain: Verb) -> Verb:
    """The verb of both rooms where the diary is ours, of the request alone where it is at the peer."""

    find = referrals.own_side if name == "close-opposed" else referrals.visible_task

    async def played(tx: Transaction, id: str, **given: Any) -> Any:
        task = await find(tx, id)
        told = {param.name for param in PLACING.get(name, ())}
        if task["peer_side"] != "performer":
            return await here(tx, id, **{key: value for key, value in given.items() if key not in told})
        return await plain(tx, id, **(_placed(tx, name, task, given) if told else given))

    return played


def _placed(tx: Transaction, name: str, task: Row, given: dict[str, Any]) -> dict[str, Any]:
    """What the peer says of its appointment; who says yes here says it to the one that was offered."""
    if "slot" in given:
        raise Conflict("diary-elsewhere")
    if name == "book" and "appointment_id" not in given and task["state"] == "offered":
        return {**given, "appointment_id": task["appointment_id"], "start": task["slot_start"], "end": task["slot_end"]}
    if tx.actor.id != task["peer"]:
        raise Conflict("diary-elsewhere")
    for wanted in PLACE:
        if wanted.name not in given:
            raise Invalid.one("slot-missing", f"Parameters.parameter.where(name='{wanted.name}')")
    return given
