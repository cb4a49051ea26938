"""A request as the interactions see it, and the answer that they give. No framework: `/fhir` is a plain ASGI application."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus, unquote_to_bytes, urlencode

from maillage.doors import edge
from maillage.kernel.actor import NOWHERE, Origin
from maillage.kernel.errors import Issue, Malformed, TooLarge
from maillage.record import Stored

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

FHIR_JSON = "application/fhir+json"
ID = re.compile(r"[A-Za-z0-9.\-]{1,64}")
"""A legal FHIR id."""

_HOST = re.compile(r"[A-Za-z0-9.\-:\[\]]{1,255}")
MOST_PARAMETERS = 200
LONGEST_QUERY = 16_000

SECURITY_HEADERS = {
    **edge.SECURITY_HEADERS,
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "vary": "Accept, Authorization, Prefer",
}
"""HSTS is added by the door, where users reach us by https."""

_SECURITY = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


@dataclass(frozen=True, slots=True)
class Request:
    """One interaction asked for: over HTTP, or by an entry of a Bundle (`in_bundle`)."""

    method: str
    path: tuple[str, ...]
    query: tuple[tuple[str, str], ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    base: str = ""
    id: str = ""
    resource: Any = None
    in_bundle: bool = False
    origin: Origin = NOWHERE
    certificate: str = ""

    def header(self, name: str) -> str:
        """A header's value, empty when it was not sent."""
        return self.headers.get(name, "")

    def preference(self, name: str) -> str:
        """A preference of the `Prefer` header."""
        for part in re.split(r"[,;]", self.header("prefer")):
            key, _, value = part.strip().partition("=")
            if key.strip().lower() == name:
                return value.strip().strip('"')
        return ""

    @property
    def strict(self) -> bool:
        """Whether unknown search parameters are to be refused."""
        return self.preference("handling") == "strict"


@dataclass(slots=True)
class Response:
    """What goes back. `shown` names the resources in it: a replay checks that they are still visible. `findings`: what a Bundle tells beside;
    `later`: how a transaction tells it, once it has made the resource.
    """

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    shown: tuple[tuple[str, str], ...] = ()
    findings: tuple[Issue, ...] = ()
    later: Callable[[Stored], Response] | None = None


def headers_of(scope: dict[str, Any]) -> dict[str, str]:
    """The headers by their lower-case names."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope.get("headers", ())}


def request_of(scope: dict[str, Any], headers: dict[str, str], prefix: str, base_url: str, id: str) -> Request:
    """The request line, read with care. Raises `Malformed`."""
    raw_path = scope.get("raw_path") or scope["path"].encode()
    return Request(
        method=scope["method"].upper(),
        path=_path(raw_path, prefix),
        query=read_query(scope.get("query_string", b"").decode("latin-1")),
        headers=headers,
        base=_base(scope, headers, base_url) + prefix,
        id=id,
        origin=_origin(scope, headers),
    )


def _origin(scope: dict[str, Any], headers: dict[str, str]) -> Origin:
    """The caller's address, and the name under which we were reached."""
    host = headers.get("host", "")
    return Origin(edge.client_address(scope), host if _HOST.fullmatch(host) else "")


def _base(scope: dict[str, Any], headers: dict[str, str], base_url: str) -> str:
    if base_url:
        return base_url.rstrip("/")
    host = headers.get("host", "")
    return f"{scope.get('scheme', 'http')}://{host if _HOST.fullmatch(host) else 'localhost'}"


def _path(raw: bytes, prefix: str) -> tuple[str, ...]:
    try:
        text = unquote_to_bytes(raw.partition(b"?")[0]).decode()
    except UnicodeDecodeError as error:
        raise _bad_url("the path is not UTF-8") from error
    if "\0" in text:
        raise _bad_url("the path holds a NUL")
    return tuple(part for part in text.removeprefix(prefix).split("/") if part)


def read_query(text: str) -> tuple[tuple[str, str], ...]:
    """The parameters in their order. Raises `Malformed` for what is not UTF-8, holds a NUL, or is too long."""
    if len(text) > LONGEST_QUERY:
        raise TooLarge("query-too-long")
    pairs = []
    for part in text.split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.append((_decoded(name), _decoded(value)))
    if len(pairs) > MOST_PARAMETERS:
        raise _bad_url(f"more than {MOST_PARAMETERS} parameters")
    return tuple(pairs)


def _decoded(text: str) -> str:
    try:
        plain = unquote_plus(text, errors="strict")
        plain.encode()
    except UnicodeError as error:
        raise _bad_url("a parameter is not UTF-8") from error
    if "\0" in plain:
        raise _bad_url("a parameter holds a NUL")
    return plain


def _bad_url(details: str) -> Malformed:
    return Malformed(Issue("error", "value", "bad-url", "", details))


def encode_query(pairs: Any) -> str:
    """Parameters as a query string."""
    return urlencode(list(pairs), safe=":/,|$*")


async def read_body(receive: Receive, limit: int, declared: str) -> bytes:
    """The body, given up as soon as it passes the cap. Raises `TooLarge`."""
    if declared.isdigit() and len(declared) < 20 and int(declared) > limit:
        raise TooLarge("body-too-large", limit=limit)
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Malformed.one("disconnected")
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise TooLarge("body-too-large", limit=limit)
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


async def send_response(send: Send, response: Response, request_id: str, *, head: bool, transport: dict[str, str] | None = None) -> None:
    """Write the answer; a HEAD gets the same headers and no body."""
    headers = {"x-request-id": request_id, **response.headers}
    if response.body or response.status not in (204, 304):
        headers["content-length"] = str(len(response.body))
    if transport:
        headers.update(transport)
    if response.body:
        headers.setdefault("content-type", f"{FHIR_JSON}; charset=utf-8")
    raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    raw += [pair for pair in _SECURITY if pair[0].decode() not in headers] if SECURITY_HEADERS.keys() & headers.keys() else _SECURITY
    await send({"type": "http.response.start", "status": response.status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if head else response.body})


@lru_cache(maxsize=1024)
def http_date(at: datetime) -> str:
    """An instant as Last-Modified writes it."""
    return format_datetime(at.astimezone(UTC).replace(microsecond=0), usegmt=True)


def read_http_date(text: str) -> datetime | None:
    """The instant of an HTTP date, or None."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def etag(version: int) -> str:
    """The weak ETag of a version."""
    return f'W/"{version}"'
