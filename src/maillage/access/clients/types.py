"""Words of clients: what kinds there are, what one is allowed, how long things last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

TOKEN_LIFETIME = timedelta(minutes=5)
"""SMART backend services recommends no more; an app renews its own."""

ASSERTION_LIFETIME = timedelta(minutes=5)
SKEW = timedelta(seconds=30)
"""How far the clock of a client may be from ours."""

CODE_LIFETIME = timedelta(seconds=60)
LAUNCH_LIFETIME = timedelta(minutes=5)
GRANT_LIFETIME = timedelta(hours=10)
"""As long as a session at most; then the person says yes again."""

REFRESH_IDLE = timedelta(minutes=20)
"""As long as an idle session."""

ALGORITHMS = {"RS384": "RSA", "ES384": "EC", "PS256": "RSA", "PS384": "RSA", "ES256": "EC"}
"""What an assertion may be signed with, and the kind of key that it takes. SMART asks servers for RS384 and ES384."""

CURVES = {"ES256": "P-256", "ES384": "P-384"}
SMALLEST_RSA = 2048


@dataclass(frozen=True, slots=True)
class Client:
    """A client as its record stands. `kind`: token (bearer tokens of the operator), backend, app (with keys), public-app (without)."""

    name: str
    kind: str
    display: str
    organizations: tuple[str, ...]
    scopes: tuple[str, ...]
    jwks: str
    certificate: str
    redirect_uris: tuple[str, ...]
    launch_uri: str
    disabled: bool = False
    certificate_from: datetime | None = None
    certificate_until: datetime | None = None
    created_at: datetime | None = None
    keys_at: datetime | None = None
    token_at: datetime | None = None
    signing_at: datetime | None = None
    jwks_url: str = ""
    keys_asked_at: datetime | None = None
    keys_fresh_until: datetime | None = None
    keys_good_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """The keys that a client publishes, how long they are fresh, and how long they may serve when their server is away."""

    jwks: str
    fresh: timedelta
    good: timedelta


class KeysAway(Exception):
    """The keys that a client publishes cannot be had now; `why` is for the log."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is kept of a client's certificate: its thumbprint (RFC 8705), and from when until when it is good."""

    thumbprint: str = ""
    starts: datetime | None = None
    ends: datetime | None = None


NO_CERTIFICATE = Certificate()


@dataclass(frozen=True, slots=True)
class Proof:
    """What a verified assertion leaves to remember: its name, and until when."""

    jti: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Bearer:
    """What a token was given for: to which client, with what certificate, until when, with which scopes."""

    client: str
    certificate: str
    scopes: tuple[str, ...]
    expires_at: datetime
    patient: str = ""
