"""What an identity provider does for us, in our words; its protocol stays in its connector, and its fake is in the tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Flow:
    """A sign-in that the provider was asked for: what its answer must fit. The browser carries it, sealed."""

    state: str
    nonce: str
    verifier: str
    issuer: str
    began_at: datetime
    back: str = ""
    confirm: bool = False


@dataclass(frozen=True, slots=True)
class Proved:
    """Who the provider says that this is, checked: an RPPS, the names of the session and the person there, the ID token as it came."""

    rpps: str
    subject: str
    session: str | None
    id_token: str


@dataclass(frozen=True, slots=True)
class LogoutNotice:
    """The provider says that a session there, or every session of somebody, is over."""

    id: str
    subject: str | None
    session: str | None


class IdentityProvider(Protocol):
    """Pro Santé Connect, or the fake of the tests. A refusal raises `Unauthenticated`, an absence `Unavailable("provider-away")`."""

    async def begin(self, now: datetime, *, back: str, confirm: bool) -> tuple[str, Flow]:
        """Where to send the browser, and what the answer must fit."""
        ...

    async def finish(self, flow: Flow, answer: dict[str, str], now: datetime) -> Proved:
        """Who came back."""
        ...

    async def sign_out_address(self, id_token: str) -> str:
        """Where the browser may end the provider's session too; empty when the provider has no such place."""
        ...

    async def read_logout(self, token: str, now: datetime) -> LogoutNotice:
        """What the provider's server says of a session that is over."""
        ...


@dataclass(frozen=True, slots=True)
class Pivot:
    """The strict traits of a citizen as the provider vouches for them: names at birth, all given names, sex, date and place of birth."""

    family: str
    given: str
    birth_date: date
    gender: str
    birth_insee: str


@dataclass(frozen=True, slots=True)
class ProvedPatient:
    """A citizen whom the provider knows, checked: its name for that person, the level, the traits, the ID token as it came."""

    issuer: str
    subject: str
    level: str
    pivot: Pivot
    id_token: str


class PatientProvider(Protocol):
    """FranceConnect, or the fake of the tests. A refusal raises `Unauthenticated`, an absence `Unavailable("provider-away")`."""

    async def begin(self, now: datetime, *, back: str, confirm: bool) -> tuple[str, Flow]:
        """Where to send the browser, and what the answer must fit."""
        ...

    async def finish(self, flow: Flow, answer: dict[str, str], now: datetime) -> ProvedPatient:
        """Who came back."""
        ...

    async def sign_out_address(self, id_token: str) -> str:
        """Where the browser may end the provider's session too."""
        ...

    def published_keys(self) -> list[dict[str, Any]]:
        """Our public keys, under which the provider encrypts for us."""
        ...
