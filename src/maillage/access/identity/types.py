"""Words of identity: a session, a place of exercise, how somebody proved who they are, and for how long that counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from maillage.access.identity.keys import Key
from maillage.kernel.actor import Actor

TOUCH = timedelta(seconds=30)
"""A session's last use is noted at most this often: a page that is only read costs no write."""
KEPT = timedelta(days=30)
"""How long an ended session stays for whoever looks into it."""


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session lives: unused, and at most (ASVS 5.0, 7.3.1 and 7.3.2)."""

    idle: timedelta = timedelta(minutes=20)
    absolute: timedelta = timedelta(hours=10)


LIMITS = SessionLimits()


@dataclass(frozen=True, slots=True)
class Proof:
    """What somebody showed at sign-in: the method, the level that it reaches, and the session at the provider when there is one."""

    method: str
    assurance: str
    provider_session: str | None = None
    provider_subject: str | None = None
    provider_token: bytes | None = None


@dataclass(frozen=True, slots=True)
class Exercise:
    """One person in one place, as an organisation allowed it (exercice)."""

    login: str
    role_id: str
    organization_id: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WebSession:
    """A live browser session: the actor, the token that its forms must carry, and how and when the person proved who they are."""

    actor: Actor
    csrf: str
    login: str
    id: str
    method: str
    assurance: str
    began_at: datetime
    authenticated_at: datetime

    def fresh(self, now: datetime, minutes: int) -> bool:
        """Whether a factor was shown in the last `minutes`: what a grave act asks for (step-up, RFC 9470)."""
        return now - self.authenticated_at < timedelta(minutes=minutes)


@dataclass(frozen=True, slots=True)
class SessionLine:
    """One live session of somebody, as its owner sees it in a list."""

    id: str
    organization_id: str
    method: str
    began_at: datetime
    seen_at: datetime
    browser: str


@dataclass(frozen=True, slots=True)
class KeyLine:
    """A WebAuthn key and what its owner knows of it."""

    key: Key
    name: str
    created_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Factors:
    """What somebody may prove who they are with."""

    keys: tuple[KeyLine, ...]
    password_at: datetime | None
    totp_at: datetime | None
    recovery_left: int


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account at one place, as the administrator of the organisation sees it."""

    login: str
    display: str
    door: str
    rpps: str | None
    disabled: bool
    role_id: str
    roles: tuple[str, ...]
    ended_at: datetime | None
    ready: bool
    invited_until: datetime | None
