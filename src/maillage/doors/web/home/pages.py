"""What awaits the signed-in person: worklists by role, and notifications."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from maillage import directory, messaging, record, referrals
from maillage.doors.web.home import presenters
from maillage.doors.web.pages import get, post
from maillage.doors.web.referrals.presenters import line
from maillage.doors.web.view import View
from maillage.kernel.errors import NotFound

MOST = 200
PAGE = 50


async def show_home(view: View) -> Response:
    """Every list of the role, then what happened since."""
    organization = await directory.organization(view.tx, view.actor.organization)
    mine, everything = await _services(view), view.query("tout") == "1"
    lists = []
    for name in presenters.names_for(view.actor, organization.kind):
        lines = await _lines(view, name, () if everything else mine)
        lists.append(presenters.worklist(name, lines, view.tx.now))
    await _audit(view, [item for found in lists for item in found.lines])
    inbox = presenters.notices(await messaging.inbox(view.tx))
    return view.page(
        "home/templates/home.html",
        "Mes listes",
        lists=lists,
        inbox=inbox,
        town=organization.kind != "hospital",
        narrowed=bool(mine) and not everything and organization.kind == "hospital",
        widened=everything,
    )


async def show_list(view: View) -> Response:
    """One list whole, page by page: it never ends silently."""
    name = view.path("name")
    if name not in (*presenters.REQUESTER, *presenters.CLINICIAN, *presenters.OFFICE):
        raise NotFound("list", name)
    text = view.query("page")
    page = int(text) if text.isascii() and text.isdigit() and len(text) < 4 and int(text) > 0 else 1
    lines = await _lines(view, name, ())
    shown = lines[(page - 1) * PAGE : page * PAGE]
    await _audit(view, shown)
    found = presenters.worklist(name, shown, view.tx.now, shown=PAGE)
    last = page * PAGE >= len(lines)
    said = f"{len(shown)} sur {len(lines)}{' ou plus' if len(lines) >= MOST else ''}"
    return view.page("home/templates/list.html", found.title, list=found, page=page, last=last, said=said)


async def _services(view: View) -> tuple[str, ...]:
    """The services for which the person works."""
    return (await directory.get_role(view.tx, view.actor.role_id)).service_ids if view.actor.role_id else ()


async def _lines(view: View, name: str, services: tuple[str, ...]) -> list[Any]:
    if name == "follow-ups":
        return [presenters.follow_up(row) for row in await referrals.follow_ups(view.tx, limit=MOST)]
    rows = await referrals.worklist(view.tx, name, limit=MOST)
    town = name in presenters.REQUESTER
    return [line(row, view.actor) for row in rows if town or not services or row["service_id"] in services]


async def _audit(view: View, lines: list[Any]) -> None:
    """One row for each patient whose name is about to be shown."""
    shown = {item.patient_id: item for item in lines if hasattr(item, "patient_id")}
    if shown:
        await record.audit_many(view.tx, "R", [("Task", item.id, patient) for patient, item in shown.items()], verb="worklist")


async def read_notification(view: View) -> Response:
    """Mark what awaits as looked at, and go there."""
    kind, id = view.path("kind"), view.path("id")
    await messaging.mark_read(view.tx, (kind, id))
    places = {"Task": f"/demandes/{id}", "ServiceRequest": f"/demandes/{id}", "Patient": f"/patients/{id}", "Schedule": f"/vacations/{id}"}
    return view.go(places.get(kind, "/"))


async def read_all(view: View) -> Response:
    """Mark every notification of the inbox as read."""
    for notice in presenters.notices(await messaging.inbox(view.tx)):
        await messaging.mark_read(view.tx, (notice.kind, notice.id))
    return view.go("/", "read")


PAGES = (
    get("/", show_home),
    get("/listes/{name:id}", show_list),
    post("/notifications/lues", read_all),
    post("/notifications/{kind:id}/{id:id}", read_notification),
)
