"""What a page handler gets: the request, who asks, the open transaction, and the ways to answer."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from maillage.access import WebSession
from maillage.documents import Checked
from maillage.doors import edge
from maillage.doors.web import sessions
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.errors import Issue, Malformed, TooLarge, Unauthenticated
from maillage.store import Transaction

if TYPE_CHECKING:
    from maillage.doors.web.door import WebDoor

Values = ImmutableMultiDict[str, str]
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
MAX_FIELDS = 2000
_LONGEST = {"vers": 4000, "depuis": 400}


@dataclass(frozen=True, slots=True)
class Rejected:
    """A form that came back: what is wrong, and what the user had written."""

    issues: tuple[Issue, ...]
    values: Values


@dataclass(slots=True)
class View:
    """One request inside one transaction."""

    door: WebDoor
    request: Request
    session: WebSession | None
    tx: Transaction
    values: Values = field(default_factory=Values)
    rejected: Rejected | None = None
    files: tuple[Checked, ...] = ()
    resumed: bool = False
    """Whether it shows again what was being written when a session timed out."""
    shown: int = 0
    """Before anything was read for it: an instant in thousandths of a second, by which an open page asks what it missed."""

    @property
    def actor(self) -> Actor:
        """Who asks; the scheduler's name stands for nobody on the public pages, which read nothing."""
        return self.session.actor if self.session else SYSTEM

    @property
    def of_patient(self) -> bool:
        """Whether the page is a patient's own: it has its own frame, and its own words."""
        return self.request.url.path.startswith(("/p/", "/suivi/", "/mon-dossier"))

    @property
    def secret(self) -> str:
        """The secret of the browser's session cookie."""
        return sessions.secret_of(self.request, self.door.site)

    @property
    def address(self) -> str:
        """Where the request comes from: a network of 64 bits in IPv6, where one machine has as many addresses as it likes."""
        host = edge.client_address(self.request.scope)
        try:
            found = ipaddress.ip_address(host)
        except ValueError:
            return host
        return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else host

    def require_fresh(self) -> WebSession:
        """The session, when a factor was shown lately. Raises `Unauthenticated("not-fresh")`: the browser asks for one and comes back."""
        if self.session is None:
            raise Unauthenticated("session-ended")
        if not self.session.fresh(self.tx.now, self.door.site.fresh_minutes):
            raise Unauthenticated("not-fresh")
        return self.session

    def path(self, name: str) -> str:
        """A part of the address, already checked by the route."""
        return str(self.request.path_params[name])

    def query(self, name: str) -> str:
        """A word of the address after `?`, without control characters, at most 200 characters; the way back (`vers`) may hold a whole
        address, and a sealed place (`depuis`) is longer."""
        return _CONTROL.sub("", self.request.query_params.get(name, "")).strip()[: _LONGEST.get(name, 200)]

    def given(self, name: str) -> str:
        """What the form said for a field."""
        return self.values.get(name, "").strip()

    def page(self, template: str, title: str, *, status: int = 200, **context: Any) -> Response:
        """The whole page."""
        return HTMLResponse(self.door.render(self, template, title=title, **context), status)

    def go(self, path: str, done: str = "") -> Response:
        """After an act: look at the result, with a GET."""
        return RedirectResponse(f"{path}{'&' if '?' in path else '?'}{urlencode({'fait': done})}" if done else path, 303)


async def read_form(request: Request, limit: int) -> Values:
    """The fields of an ordinary form. Raises `TooLarge` or `Malformed`; never trusts the announced length."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise Malformed.one("not-a-form")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge("too-long-body")
    request.state.digest = hashlib.sha256(request.url.path.encode() + b"\0" + bytes(body)).hexdigest()
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise Malformed.one("not-a-form") from error
    return values_of(pairs)


def values_of(pairs: list[tuple[str, str]]) -> Values:
    """The fields of a form. Raises `Malformed("control-character")`."""
    if any(_CONTROL.search(text) for pair in pairs for text in pair):
        raise Malformed.one("control-character")
    return Values([(name, text.replace("\r\n", "\n")) for name, text in pairs])
