"""What awaits the signed-in person: worklists by role, and notifications."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from starlette.responses import Response

from maillage import directory, messaging, record, referrals
from maillage.access import policy
from maillage.doors.web.home import presenters
from maillage.doors.web.pages import OWN, get, post
from maillage.doors.web.referrals.presenters import line
from maillage.doors.web.view import View
from maillage.kernel.errors import NotFound

PAGE = 50
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
    )


async def show_list(view: View) -> Response:
    """One list whole, page by page: it never ends silently."""
    name, services = view.path("name"), await _narrowed(view)
    if name not in (*presenters.REQUESTER, *presenters.CLINICIAN, *presenters.OFFICE):
        raise NotFound("list", name)
    total = (await _totals(view, services))[name]
    pages = max(-(-total.count // PAGE), 1)
    page = min(_number(view.query("page")), pages)
    found = presenters.worklist(name, await _lines(view, name, services, PAGE, (page - 1) * PAGE), total)
    await _audit(view, found.lines)
    return view.page(
        "home/templates/list.html",
        found.title,
        list=found,
        page=page,
        pages=pages,
        said=presenters.range_said(total.count, page, PAGE),
        widened=_widened(view),
    )


def _number(text: str) -> int:
    """The number of a page as an address gives it, the first one for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 and int(text) > 0 else 1


def _widened(view: View) -> bool:
    """Whether the person asked for the whole house rather than for the services of the role."""
    return view.query("tout") == "1"


async def _narrowed(view: View) -> tuple[str, ...]:
    """The services for which the person works, none when the whole house is asked for."""
    if _widened(view) or not view.actor.role_id:
        return ()
    return (await directory.get_role(view.tx, view.actor.role_id)).service_ids


async def _totals(view: View, services: tuple[str, ...]) -> dict[str, referrals.Total]:
    found = await referrals.worklist_totals(view.tx, services=services)
    return {**found, "follow-ups": await referrals.follow_up_total(view.tx, services=services)}


async def _lists(view: View, names: tuple[str, ...], services: tuple[str, ...]) -> list[presenters.Worklist]:
    """The first lines of each list; one that holds nothing is not asked for."""
    totals = await _totals(view, services)
    held = [name for name in names if totals[name].count and name != "follow-ups"]
    rows = await referrals.worklists(view.tx, held, services=services, limit=presenters.SHOWN) if held else {}
    lines = {name: [line(row, view.actor) for row in found] for name, found in rows.items()}
    if "follow-ups" in names and totals["follow-ups"].count:
        lines["follow-ups"] = await _lines(view, "follow-ups", services, presenters.SHOWN, 0)
    return [presenters.worklist(name, lines.get(name, []), totals[name]) for name in names]


async def _lines(view: View, name: str, services: tuple[str, ...], limit: int, offset: int) -> list[Any]:
    if name == "follow-ups":
        rows = await referrals.follow_ups(view.tx, services=services, limit=limit, offset=offset)
        return [presenters.follow_up(row, whole=policy.sees_whole(view.actor, "Task")) for row in rows]
    rows = await referrals.worklist(view.tx, name, services=services, limit=limit, offset=offset)
    return [line(row, view.actor) for row in rows]


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
}
"""Where what a notification is about is shown."""


async def show_inbox(view: View) -> Response:
    """Everything that awaits, page by page."""
    page = _number(view.query("page"))
    found = presenters.inbox(await messaging.inbox(view.tx, limit=PAGE, offset=(page - 1) * PAGE))
    if page > 1 and not found.notices:
        return view.go("/notifications")
    pages = max(-(-found.total // PAGE), 1)
    said = presenters.range_said(found.total, page, PAGE)
    return view.page("home/templates/inbox.html", "Notifications", inbox=found, page=page, pages=pages, said=said)


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
