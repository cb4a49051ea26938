"""A page as data: which address, who may ask, what to run, what to show again when the form comes back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.convertors import Convertor, register_url_convertor
from starlette.responses import Response

from maillage.doors.edge import Lane, Limit
from maillage.doors.web.view import View

Handler = Callable[[View], Awaitable[Response]]


class FhirId(Convertor[str]):
    """An id as FHIR allows it: nothing else reaches a query."""

    regex = r"[A-Za-z0-9\-.]{1,64}"

    def convert(self, value: str) -> str:
        """The text as it is."""
        return value

    def to_string(self, value: str) -> str:
        """The text as it is."""
        return value


class SealedText(Convertor[str]):
    """What we sealed, as it stands in an address."""

    regex = r"[A-Za-z0-9_\-]{40,800}"

    def convert(self, value: str) -> str:
        """The text as it is."""
        return value

    def to_string(self, value: str) -> str:
        """The text as it is."""
        return value


class LinkSecret(Convertor[str]):
    """The secret of a patient's link."""

    regex = r"[A-Za-z0-9_\-]{24}"

    def convert(self, value: str) -> str:
        """The text as it is."""
        return value

    def to_string(self, value: str) -> str:
        """The text as it is."""
        return value


register_url_convertor("link", LinkSecret())
register_url_convertor("id", FhirId())
register_url_convertor("seal", SealedText())


@dataclass(frozen=True, slots=True)
class Page:
    """One method on one address. `again` shows the form when it is refused; `public` pages need no session.

    `lane` and `limit`: how urgent it is under load, and what is counted more strictly, both decided before anybody is known.
    A `whole` page is come back to after the sign-in with everything that its address said; others by their path alone.
    A `lazy` page holds no connection until it asks for something: it waits for a hash or for another server first.
    `on` and `to` are what the policy is asked: a resource type, or `OWN` for what concerns the person alone; read, write or verb.
    A `stream` goes on after its transaction has ended, for as long as somebody listens.
    With `files`, its form may carry files; a `bare` page is a file itself: no cookie is read, and it brings its own policy of contents.
    A page of a `patient` is opened by a link: no session of a colleague counts there, and that of a patient counts nowhere else.
    """

    method: str
    path: str
    handler: Handler
    again: Handler | None = None
    public: bool = False
    once: bool = True
    lane: Lane = Lane.INTERACTIVE
    limit: Limit = Limit.NONE
    lazy: bool = False
    on: str = ""
    to: str = "read"
    whole: bool = False
    files: bool = False
    bare: bool = False
    patient: bool = False
    stream: bool = False

    @property
    def writes(self) -> bool:
        """Whether it changes something that has to be kept: what is not done once only looks, or opens and ends a session."""
        return self.method == "POST" and self.once


OWN = "own"
"""Pages about the person who is signed in: their lists, which are cut by themselves, and their account."""


def get(
    path: str,
    handler: Handler,
    *,
    public: bool = False,
    lane: Lane = Lane.INTERACTIVE,
    limit: Limit = Limit.NONE,
    lazy: bool = False,
    on: str = "",
    to: str = "read",
    whole: bool = False,
    bare: bool = False,
    stream: bool = False,
) -> Page:
    """A page that only looks."""
    return Page("GET", path, handler, public=public, lane=lane, limit=limit, lazy=lazy, on=on, to=to, whole=whole, bare=bare, stream=stream)


def post(
    path: str,
    handler: Handler,
    *,
    again: Handler | None = None,
    public: bool = False,
    once: bool = True,
    lane: Lane = Lane.INTERACTIVE,
    limit: Limit = Limit.NONE,
    lazy: bool = False,
    on: str = "",
    to: str = "verb",
    files: bool = False,
) -> Page:
    """A page that acts. With `once` a form sent twice acts once and answers the same."""
    return Page("POST", path, handler, again, public, once, lane, limit, lazy, on, to, files=files)
