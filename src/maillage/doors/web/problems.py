"""From an error family to a page: the one map of this door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from maillage import record
from maillage.doors.web.verbs import code_word
from maillage.doors.web.view import View
from maillage.kernel import errors
from maillage.kernel.actor import Actor
from maillage.kernel.errors import MaillageError
from maillage.store import Transaction

if TYPE_CHECKING:
    from maillage.doors.web.door import WebDoor

STATUS: dict[type[MaillageError], int] = {
    errors.NotFound: 404,
    errors.Gone: 404,
    errors.NotAllowed: 403,
    errors.Unauthenticated: 401,
    errors.Malformed: 400,
    errors.Invalid: 422,
    errors.TooLarge: 413,
    errors.Unsupported: 415,
    errors.Conflict: 409,
    errors.Stale: 412,
    errors.PreconditionRequired: 428,
    errors.TooMany: 429,
    errors.Unavailable: 503,
}

_OTHER_CHOICE = frozenset(
    {
        *("already-booked", "duplicate-open", "quota-exhausted", "reserved", "in-the-past", "practitioner-busy", "room-busy", "slots-open"),
        *("no-clause", "not-authorised", "session-published", "already-planned", "vacation-inactive", "room-unconfirmed", "too-early"),
        *("already-waiting", "figures-differ", "request-waits", "hold-expired", "session-not-open"),
        *("other-person", "other-door", "other-rpps", "local-account-elsewhere", "role-ended", "key-known"),
    }
)
"""Conflicts that another answer of the same form avoids."""

TITLES = {408: 503, 412: 409, 413: 400, 415: 400, 428: 409, 429: 503, 507: 503}
"""Statuses that share the title of another one."""


def status_of(error: MaillageError) -> int:
    """The HTTP status of an error, by its family."""
    return next((STATUS[family] for family in type(error).__mro__ if family in STATUS), 500)


def belongs_to_form(error: MaillageError) -> bool:
    """Whether the user can do better in the same form: an answer to mend, or another choice to make among fresh ones."""
    return isinstance(error, errors.Invalid) or (isinstance(error, errors.Conflict) and error.reason in _OTHER_CHOICE)


def answer(view: View, error: MaillageError) -> Response:
    """The page that says what happened and what to do."""
    status = status_of(error)
    written = [(name, code_word(text)) for name, text in view.values.multi_items() if not name.startswith("_") and text.strip()]
    body = view.door.render(
        view,
        "layout/problem.html",
        **_shown(status, error),
        back=_back(view),
        written=written if status in (409, 412, 422) else [],
    )
    return Response(body, status, media_type="text/html")


def _back(view: View) -> str:
    """Where the present state of the thing is shown."""
    path = view.request.url.path
    if view.of_patient:
        return "/".join(path.split("/")[:3]) if path.startswith("/suivi/") and view.session else ""
    return path.partition("/actes/")[0]


_REASONS = {408: "body-too-slow", 429: "too-many-requests", 503: "unavailable", 507: "storage-full"}
"""What the refusals say that need no database."""


def _shown(status: int, error: MaillageError) -> dict[str, Any]:
    return {
        "title_key": f"title.{TITLES.get(status, status)}",
        "status": status,
        "reason": _REASONS.get(status, error.reason),
        "issues": error.issues,
        "changed": error.extra.get("changed"),
        "legal": tuple(error.extra.get("legal", ())),
        "number": "",
        "title": "",
    }


def bare(door: WebDoor, status: int, number: str = "") -> str:
    """A problem page without database: for addresses that no route knows, for overload, for defects."""
    error: MaillageError = errors.NotFound() if status in (404, 500) else errors.Unavailable("unavailable")
    shown = _shown(status, error) | {"number": number, "written": [], "actor": None, "back": "", "done": "", "rejected": None}
    return door.templates.get_template("layout/problem.html").render(**shown)


def busy(door: WebDoor, error: errors.Unavailable) -> Response:
    """Not now: the page says that nothing was recorded and when to come back."""
    status, wait = status_of(error), str(error.extra.get("retry_after", 2))
    return Response(bare(door, status), status, headers={"Retry-After": wait}, media_type="text/html")


NOBODY = Actor(kind="person", id="nobody", organizations=(), display="nobody")
_SHOWN_AT = {
    "patients": "Patient",
    "demandes": "Task",
    "pieces": "DocumentReference",
    "rendez-vous": "Appointment",
    "vacations": "Schedule",
    "services": "HealthcareService",
}
"""What an address is about, by its first word."""


async def note(view: View, error: MaillageError) -> None:
    """Leave a trace of what was refused or not found: who asked for what, and why not (ASVS 5.0 16.3.2)."""
    if status_of(error) in (401, 403, 404):
        tx = view.tx if view.session else view.tx.acting_as(NOBODY)
        await _refused(tx, view.request, error)


async def note_stranger(tx: Transaction, request: Request, error: MaillageError) -> None:
    """The same for whoever is not signed in: a page that needs it, or a sign-in that failed (ASVS 5.0 16.3.1)."""
    await _refused(tx, request, error, act="login" if request.method == "POST" and request.url.path == "/connexion" else "")


async def _refused(tx: Transaction, request: Request, error: MaillageError, act: str = "") -> None:
    kind = _SHOWN_AT.get(request.url.path.split("/")[1], "Basic")
    target = str(request.path_params.get("id", ""))
    patient = target if kind == "Patient" and target else None
    action = "R" if request.method == "GET" else "E"
    await record.audit(tx, action, kind, target, patient=patient, verb=error.reason[:60], outcome="4", act=act)
