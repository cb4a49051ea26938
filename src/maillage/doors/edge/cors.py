"""Cross-origin calls from a browser: only from the origins that the operator named, only to the API, never with cookies (Fetch standard)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from maillage.doors.edge.asked import Scope

Headers = list[tuple[bytes, bytes]]
PREFIX = "/fhir"
_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
_ASKED = b"authorization, content-type, accept, prefer, if-match, if-none-match, if-none-exist, if-modified-since, idempotency-key, x-provenance, x-request-id"
_SHOWN = b"etag, last-modified, location, content-location, retry-after, x-request-id, idempotency-replayed, warning"
_VARY = (b"vary", b"Origin")


class Cors:
    """The list of origins, and what it answers."""

    __slots__ = ("_origins",)

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = frozenset(origins)
        if bad := sorted(origin for origin in self._origins if "*" in origin or "://" not in origin or origin.endswith("/")):
            raise ValueError(f"not an origin: {bad[0]}")

    def concerns(self, path: str) -> bool:
        """Whether the path belongs to the API, and some origin may call it."""
        return bool(self._origins) and (path == PREFIX or path.startswith(f"{PREFIX}/"))

    def preflight(self, scope: Scope, origin: str) -> Headers | None:
        """The headers of the answer to a preflight, empty when the origin is not ours; None when the request is no preflight."""
        asks = scope["method"] == "OPTIONS" and any(name == b"access-control-request-method" for name, _ in scope["headers"])
        if not (asks and self.concerns(scope["path"])):
            return None
        if origin not in self._origins:
            return [_VARY]
        return [
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", _ASKED),
            (b"access-control-max-age", b"600"),
            _VARY,
        ]

    def add(self, message: dict[str, Any], origin: str) -> None:
        """Let the caller's script read the answer, when its origin is on the list; caches are told that the answer depends on it."""
        headers: Headers = [*message["headers"], _VARY]
        if origin in self._origins:
            headers += [(b"access-control-allow-origin", origin.encode("latin-1")), (b"access-control-expose-headers", _SHOWN)]
        message["headers"] = headers
