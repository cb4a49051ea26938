"""A resource type that a room decides on, as the doors see it: which writes the room takes, and which verb does the rest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """The word of a room on one type.

    `claims(tx, resource)`: whether this resource, new or stored, is the room's; what no room claims is kept whole.
    `create(tx, resource)`: the room's verb for a new one; answers (type, id). The resource carries an id that it may take.
    `verb_for(before, after)`: the name of the verb that an update stands for, told to whoever tries to rewrite the resource.
    `update(tx, before, after, version)` and `delete(tx, before, version)`, which gives the version of the deletion: a room that is moved by plain
    writes has both, and then no such verb.
    `read_change(before, after)`: the verb and its parameters that an update by a shared agenda's interface is, an empty verb when nothing changes,
    None when it is no verb.
    `takes_ids`: another installation keeps the ids that new ones have there.
    """

    type: str
    claims: Callable[[Any, Resource], Awaitable[bool]]
    create: Callable[[Any, Resource], Awaitable[tuple[str, str]]]
    verb_for: Callable[[Resource, Resource], str] = lambda _before, _after: ""
    update: Callable[[Any, Any, Resource, int | None], Awaitable[None]] | None = None
    delete: Callable[[Any, Any, int | None], Awaitable[int]] | None = None
    read_change: Callable[[Resource, Resource], tuple[str, Resource] | None] | None = None
    takes_ids: bool = False
