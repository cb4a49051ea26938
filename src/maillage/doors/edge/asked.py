"""What the edge knows of a request, kept with it for the doors."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from maillage.doors.edge.proxies import Proxies
from maillage.doors.edge.rates import Rates
from maillage.doors.edge.routes import Route
from maillage.kernel.actor import Actor
from maillage.kernel.ids import new_id

Scope = MutableMapping[str, Any]
KEY = "maillage.edge"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


@dataclass(slots=True)
class Asked:
    """The few headers that the edge decides on, read once, and what it found."""

    address: str
    scheme: str
    host: str
    origin: str
    length: int
    chunked: bool
    id: str
    route: Route
    rates: Rates | None = None

    @property
    def has_body(self) -> bool:
        """Whether bytes follow the headers (RFC 9112, 6.3)."""
        return self.chunked or self.length != 0


def read(scope: Scope, proxies: Proxies) -> Asked:
    """Read them. A length that is no number is -1: the door will say so."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _READ:
            found[name] = _both(name, found[name], value) if name in found else value
    peer = (scope.get("client") or ("",))[0]
    scheme, address = scope.get("scheme", "http"), peer
    if proxies.trusts(peer):
        address = proxies.client(peer, found.get(b"x-forwarded-for", b"").decode("latin-1"))
        told = found.get(b"x-forwarded-proto", b"").decode("latin-1").lower()
        scheme = told if told in ("http", "https") else scheme
    length = found.get(b"content-length", b"0")
    id = found.get(b"x-request-id", b"")
    return Asked(
        address=address,
        scheme=scheme,
        host=found.get(b"host", b"").decode("latin-1").lower(),
        origin=found.get(b"origin", b"").decode("latin-1"),
        length=int(length) if length.isdigit() and len(length) < 20 else -1,
        chunked=b"transfer-encoding" in found,
        id=id.decode() if _REQUEST_ID.fullmatch(id) else new_id(),
        route=NOWHERE,
    )


def _both(name: bytes, first: bytes, second: bytes) -> bytes:
    """A header that stands twice: addresses are one list, a name or a length that is said twice is none (RFC 9112, 3.2)."""
    return first + b"," + second if name == b"x-forwarded-for" else b""


NOWHERE = Route("?")
_READ = frozenset({b"host", b"origin", b"content-length", b"transfer-encoding", b"x-forwarded-for", b"x-forwarded-proto", b"x-request-id"})


def charge(scope: Scope, actor: Actor) -> None:
    """Count the request for the person or client that it turned out to be, and for the organisation. Raises `TooMany`.

    A door that stands alone, without an edge before it, counts nothing.
    """
    asked: Asked | None = scope.get(KEY)
    if asked is not None and asked.rates is not None:
        asked.rates.known(actor, asked.route.limit)


def client_address(scope: Scope) -> str:
    """Where the request comes from, as far as our proxies tell: for the audit."""
    asked: Asked | None = scope.get(KEY)
    return asked.address if asked is not None else (scope.get("client") or ("",))[0]


def request_id_of(scope: Scope) -> str:
    """The request's number: the caller's own when it is sane, else a fresh one; the same in the log, the audit and the answer."""
    asked: Asked | None = scope.get(KEY)
    if asked is not None:
        return asked.id
    given = next((value for name, value in scope.get("headers", ()) if name == b"x-request-id"), b"")
    return given.decode() if _REQUEST_ID.fullmatch(given) else new_id()
