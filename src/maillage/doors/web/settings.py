"""What the pages need to know of the installation."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from maillage.access.identity import LIMITS, SessionLimits
from maillage.doors.edge import transport_security
from maillage.settings import Settings

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True)
class Site:
    """How browsers reach us, and whether the data are fictive."""

    https: bool
    loopback: bool
    demo: bool
    body_limit: int
    limits: SessionLimits = LIMITS
    fresh_minutes: int = 10
    transport: dict[str, str] = field(default_factory=dict)
    origin: str = ""
    base_url: str = ""
    security_contact: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Site:
        """Read from the settings tree."""
        base = urlsplit(settings.server.base_url) if settings.server.base_url else None
        host = (base.hostname or "") if base else settings.server.host
        known, site = settings.identity, settings.server
        limits = SessionLimits(timedelta(minutes=known.idle_minutes), timedelta(hours=known.absolute_hours))
        https, transport = bool(base and base.scheme == "https"), transport_security(site.base_url)
        return cls(
            https=https,
            loopback=host in _LOOPBACK,
            demo=settings.demo.enabled,
            body_limit=site.body_limit,
            limits=limits,
            fresh_minutes=known.fresh_minutes,
            transport=transport,
            origin=_origin(settings),
            base_url=site.base_url.rstrip("/"),
            security_contact=site.security_contact,
        )


def _origin(settings: Settings) -> str:
    """The address of the site without a path, to which WebAuthn keys are bound."""
    if not settings.server.base_url:
        return f"http://{settings.server.host}:{settings.server.port}"
    base = urlsplit(settings.server.base_url)
    return f"{base.scheme}://{base.netloc}"
