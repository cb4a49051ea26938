"""What the pages need to know of the installation."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from maillage.settings import Settings

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True)
class Site:
    """How browsers reach us, and whether the data are fictive."""

    https: bool
    loopback: bool
    demo: bool
    body_limit: int

    @classmethod
    def of(cls, settings: Settings) -> Site:
        """Read from the settings tree."""
        base = urlsplit(settings.server.base_url) if settings.server.base_url else None
        host = (base.hostname or "") if base else settings.server.host
        return cls(bool(base and base.scheme == "https"), host in _LOOPBACK, settings.demo.enabled, settings.server.body_limit)
