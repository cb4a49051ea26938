"""Words of subscriptions: what one is, what a notice carries, how long things last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

TRIES = 8
"""After so many tries an event is a dead letter: two hours and a half after the first."""

FIRST_DELAY, GROWTH, LONGEST_DELAY = 5.0, 3.0, 3600.0
LEASE = timedelta(seconds=60)
"""How long a worker may hold a subscription; a worker that died gives it back by not coming back."""

MOST_LIVE = 50
"""Live subscriptions of one client."""

LONGEST_TIMEOUT = 5
"""Seconds: a receiver that needs longer should answer first and work afterwards."""

SHORTEST_HEARTBEAT, LONGEST_HEARTBEAT = 60, 864_000
KEPT = timedelta(days=30)
"""For how long what was delivered can be asked for again by `$events`."""

HANDSHAKE, HEARTBEAT, EVENT = "handshake", "heartbeat", "event-notification"
MEDIA = ("application/fhir+json", "application/json")
CONTENTS = ("id-only", "empty")


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on the focus of an event: a parameter, and the values of which one must be there."""

    name: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name}={','.join(self.values)}"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a Subscription resource asks for, read with care."""

    topic: str
    focus_type: str
    filters: tuple[Filter, ...]
    endpoint: str
    destination: str
    content: str
    media: str
    timeout: int
    heartbeat: int | None
    ends: datetime | None
    is_off: bool
    starts: datetime | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as its row stands."""

    id: str
    client: str
    topic: str
    focus_type: str
    criteria: tuple[str, ...]
    endpoint: str
    destination: str
    content: str
    media: str
    timeout: int
    heartbeat: int | None
    ends: datetime | None
    scopes: tuple[str, ...]
    parties: tuple[str, ...]
    status: str
    error: str
    events: int
    fence: int


@dataclass(frozen=True, slots=True)
class Told:
    """An event as a subscriber is told of it."""

    number: int
    at: datetime
    kind: str
    id: str
    act: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification ready to be sent: nothing in it needs the database any more. `fence` tells whether we may still say how it ended."""

    subscription: str
    fence: int
    kind: str
    id: str
    tries: int
    client: str
    endpoint: str
    destination: str
    timeout: int
    media: str
    body: Mapping[str, Any]
    secrets: tuple[bytes, ...]
