"""What awaits the signed-in person: worklists by role, and notifications."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from maillage import directory, messaging, record, referrals
from maillage.access import emergency, policy
from maillage.doors.web.home import presenters
from maillage.doors.web.pages import OWN, get, post
from maillage.doors.web.referrals.presenters import line
from maillage.doors.web.view import View
from maillage.kernel.errors import NotFound, Unauthenticated
from maillage.messaging import Awaiting
from maillage.referrals import Place

P = TypeVar("P", Place, Awaiting)
PAGE, FOLLOW_UPS, _INBOX = 50, "follow-ups", "inbox"
_GOES_ON: Final = timedelta(hours=12)
"""How long a page that is open leads on."""
COORDINATES = frozenset({"coordinateur"})


async def show_home(view: View) -> Response:
    """Every list of the role, then what happened since; who coordinates and does nothing else begins with the territory."""
    if view.actor.roles == COORDINATES:
        return view.go("/pilotage")
    organization, services = await directory.organization(view.tx, view.actor.organization), await _narrowed(view)
    lists = await _lists(view, presenters.names_for(view.actor, organization.kind), services)
    await _audit(view, [line for found in lists for line in found.lines])
    inbox = presenters.inbox(await messaging.inbox(view.tx, limit=presenters.NEWEST))
    return view.page(
        "home/templates/home.html",
        "Mes listes",
        lists=lists,
        inbox=inbox,
        town=organization.kind != "hospital",
        narrowed=bool(services) and organization.kind == "hospital",
        widened=_widened(view),
        reviews=emergency.may_review(view.actor),
    )


async def show_list(view: View) -> Response:
    """One list whole, page by page: it never ends silently. A page begins after the last line of the one before, whatever was done meanwhile."""
    name, services = view.path("name"), await _narrowed(view)
    if name not in (*presenters.REQUESTER, *presenters.CLINICIAN, *presenters.OFFICE):
        raise NotFound("list", name)
    place = _unsealed(view, name, Place)
    rows = await _rows(view, name, services, PAGE, place)
    if place and not rows:
        return view.go(_address(view, name))
    total = (await _totals(view, (name,), services, _place_of(rows[0]) if rows else None))[name]
    found = presenters.worklist(name, [_line(view, name, row) for row in rows], total)
    await _audit(view, found.lines)
    first, last = total.upto, total.upto + len(rows) - 1
    return view.page(
        "home/templates/list.html",
        found.title,
        list=found,
        here=_address(view, name, place),
        before=_address(view, name, replace(_place_of(rows[0]), back=True)) if first > 1 else "",
        after=_address(view, name, _place_of(rows[-1])) if rows and last < total.count else "",
        said=presenters.range_said(total.count, first, last),
        widened=_widened(view),
    )


def _place_of(row: Any) -> Place:
    """Where a line stands."""
    return Place(row["rank"], row["due_at"], row["number"])


def _purpose(view: View, name: str) -> str:
    """Who may go on reading which list: what was sealed for one opens for no other."""
    return f"list {name} of {view.actor.id} at {view.actor.organization}"


def _sealed(view: View, name: str, place: Place | Awaiting) -> str:
    """A place that only its reader may go on from."""
    return view.door.sealer.pack(msgspec.to_builtins(place), _purpose(view, name), view.tx.now + _GOES_ON)


def _unsealed(view: View, name: str, kind: type[P]) -> P | None:
    """The place that the address tells; the beginning for one that is not ours, another reader's, or too old."""
    with suppress(Unauthenticated, msgspec.ValidationError):
        return msgspec.convert(view.door.sealer.unpack(view.query("depuis"), _purpose(view, name), view.tx.now), kind)
    return None


def _address(view: View, name: str, place: Place | None = None) -> str:
    """A list from its beginning, or from a place."""
    said = ({"tout": "1"} if _widened(view) else {}) | ({"depuis": _sealed(view, name, place)} if place else {})
    return f"/listes/{name}{'?' if said else ''}{urlencode(said)}"


def _widened(view: View) -> bool:
    """Whether the person asked for the whole house rather than for the services of the role."""
    return view.query("tout") == "1"


async def _narrowed(view: View) -> tuple[str, ...]:
    """The services for which the person works, none when the whole house is asked for."""
    if _widened(view) or not view.actor.role_id:
        return ()
    return (await directory.get_role(view.tx, view.actor.role_id)).service_ids


async def _totals(view: View, names: Sequence[str], services: tuple[str, ...], place: Place | None = None) -> dict[str, referrals.Total]:
    """What lists hold to their end; `place`: how many stand at or before it too."""
    told = await referrals.worklist_totals(view.tx, [name for name in names if name != FOLLOW_UPS], services=services, place=place)
    return told | {name: await referrals.follow_up_total(view.tx, services=services, place=place) for name in names if name == FOLLOW_UPS}


async def _lists(view: View, names: tuple[str, ...], services: tuple[str, ...]) -> list[presenters.Worklist]:
    """The first lines of each list; one that holds nothing is not asked for."""
    totals = await _totals(view, names, services)
    held = [name for name in names if totals[name].count]
    asked = [name for name in held if name != FOLLOW_UPS]
    rows: dict[str, Sequence[Any]] = {}
    if asked:
        rows |= await referrals.worklists(view.tx, asked, services=services, limit=presenters.SHOWN)
    if FOLLOW_UPS in held:
        rows[FOLLOW_UPS] = await _rows(view, FOLLOW_UPS, services, presenters.SHOWN)
    return [presenters.worklist(name, [_line(view, name, row) for row in rows.get(name, ())], totals[name]) for name in names]


async def _rows(view: View, name: str, services: tuple[str, ...], limit: int, place: Place | None = None) -> Sequence[Any]:
    if name == FOLLOW_UPS:
        return await referrals.follow_ups(view.tx, services=services, limit=limit, place=place)
    return await referrals.worklist(view.tx, name, services=services, limit=limit, place=place)


def _line(view: View, name: str, row: Any) -> Any:
    return presenters.follow_up(row, whole=policy.sees_whole(view.actor, "Task")) if name == FOLLOW_UPS else line(row, view.actor)


async def _audit(view: View, lines: Sequence[Any]) -> None:
    """One row for each patient whose name is about to be shown."""
    shown = {item.patient_id: item for item in lines}
    if shown:
        await record.audit_many(view.tx, "R", [("Task", item.id, patient) for patient, item in shown.items()], verb="worklist")


_PLACES = {
    "Task": "/demandes/",
    "Patient": "/patients/",
    "Schedule": "/vacations/",
    "Appointment": "/rendez-vous/",
    "BreakGlass": "/urgences/",
    "AccessQuestion": "/questions/",
}
"""Where what a notification is about is shown."""


async def show_inbox(view: View) -> Response:
    """Everything that awaits, page by page. A page begins after the last line of the one before, whatever was read meanwhile."""
    place = _unsealed(view, _INBOX, Awaiting)
    rows = await messaging.inbox(view.tx, limit=PAGE, place=place)
    if place and not rows:
        return view.go("/notifications")
    found, first = presenters.inbox(rows), rows[0]["upto"] if rows else 1
    last = first + len(rows) - 1
    return view.page(
        "home/templates/inbox.html",
        "Notifications",
        inbox=found,
        here=_inbox_from(view, place),
        before=_inbox_from(view, replace(_awaiting(rows[0]), back=True)) if first > 1 else "",
        after=_inbox_from(view, _awaiting(rows[-1])) if last < found.total else "",
        said=presenters.range_said(found.total, first, last),
    )


def _awaiting(row: Any) -> Awaiting:
    """Where a notice stands."""
    return Awaiting(row["urgent"], row["created_at"], row["id"])


def _inbox_from(view: View, place: Awaiting | None) -> str:
    """The notifications from their beginning, or from a place."""
    return f"/notifications{'?' + urlencode({'depuis': _sealed(view, _INBOX, place)}) if place else ''}"


async def read_notification(view: View) -> Response:
    """Mark what awaits as looked at, and go there; a request is read on the way, as from a list."""
    kind, id = view.path("kind"), view.path("id")
    if kind == "Task":
        with suppress(NotFound):  # what is no longer there still leaves the inbox
            await referrals.look(view.tx, id)
    await messaging.mark_read(view.tx, (kind, id))
    return view.go(f"{_PLACES[kind]}{id}" if kind in _PLACES else "/")


async def read_all(view: View) -> Response:
    """Mark every notification of the inbox as read."""
    await messaging.mark_all_read(view.tx)
    return view.go("/", "read")


PAGES = (
    get("/", show_home, on=OWN),
    get("/listes/{name:id}", show_list, on="Task"),
    get("/notifications", show_inbox, on=OWN),
    post("/notifications/lues", read_all, on=OWN),
    post("/notifications/{kind:id}/{id:id}", read_notification, on=OWN),
)
