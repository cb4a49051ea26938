"""Words of messaging: what leaves the house, by what, and how somebody wants to be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, Final, Protocol

EMAIL, SMS = "email", "sms"
CALL, NONE = "call", "none"
PATIENT_CHANNELS: Final = (SMS, EMAIL, CALL)
"""How a patient may want to be told; `call` is somebody's voice."""
STAFF_CHANNELS: Final = (NONE, EMAIL, SMS)
"""Beside the pages, where everything is always shown."""
PATIENT_QUIET: Final = (time(21), time(8))
"""No message reaches a patient at night, unless the answer is awaited before the morning is over."""
SHORT_DEADLINE: Final = timedelta(hours=12)
"""A deadline that is nearer than this goes past quiet hours (workflow rule book 0.8)."""
TOO_OLD: Final = timedelta(days=7)
"""A message that waited longer for a channel is not sent any more without a person."""
FAILURES: Final = 3
"""After so many failures somebody telephones (workflow rule book 0.8)."""
PATIENCE: Final = timedelta(minutes=2, seconds=30)
"""Five minutes before the second try, ten before the third: a server that asks to come back (greylisting) is heard."""
UNREAD: Final = timedelta(minutes=30)
"""An urgent thing that was sent by e-mail and not looked at since goes by SMS too."""

LINK, CODE, NOTICE = "link", "code", "notice"
"""What a message says: here is a link, here is its code, something awaits you."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel carries: a kind, whose words the channel knows, and the few values that they need. Its `id` is the same at each try."""

    id: str
    kind: str
    to: str
    values: Mapping[str, Any]


class Channel(Protocol):
    """A way out of the house. Raises `Unavailable` when it is worth another try, `Conflict("message-refused")` when it is not."""

    async def send(self, message: Message) -> None:
        """Give the message to the next server; returning means that it has taken it."""


@dataclass(frozen=True, slots=True)
class Post:
    """The channels of this installation, and the address of its pages."""

    address: str = ""
    channels: Mapping[str, Channel] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Awaiting:
    """Where a thing stands in an inbox: what it is ordered by. A page begins after one or, `back`, ends before one."""

    urgent: bool
    at: datetime
    id: str
    back: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """How one person, at one place, wants to be told beside the pages; `digest` once a day at that hour, None as things come."""

    role_id: str
    organization_id: str
    roles: tuple[str, ...] = ()
    channel: str = NONE
    email: str = ""
    phone: str = ""
    digest: time | None = time(8)
    quiet: tuple[time, time] | None = (time(20), time(7))

    @property
    def address(self) -> str:
        """Where the chosen channel leads."""
        return {EMAIL: self.email, SMS: self.phone}.get(self.channel, "")


@dataclass(frozen=True, slots=True)
class Contact:
    """How a patient can be reached, and how the patient wants to be."""

    phone: str = ""
    email: str = ""
    wanted: str = ""

    def address(self, channel: str) -> str:
        """Where a channel leads."""
        return {EMAIL: self.email, SMS: self.phone}.get(channel, "")
