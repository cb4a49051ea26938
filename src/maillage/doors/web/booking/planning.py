"""The planner's pages: the vacations of the hospital, one of them with its sessions to come, and the form that makes or changes one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.responses import Response

from maillage import booking, directory
from maillage.doors.web import places, verbs
from maillage.doors.web.booking import desk, presenters, vacation_form
from maillage.doors.web.forms import Choice, Field, Reader, redisplay, redisplay_at, summary
from maillage.doors.web.pages import get, post
from maillage.doors.web.view import View
from maillage.kernel.errors import Invalid, NotFound
from maillage.kernel.period import day_in_paris

AHEAD = timedelta(days=60)
"""Sessions are published sixty days before."""
SHOWN = timedelta(days=180)
_TICKS = Field("session", "Vacations à venir", "checks")
_OF_SEVERAL = ("publish", "confirm-room")


async def show_planning(view: View) -> Response:
    """What awaits the planner or the host site, then the vacations of the house."""
    sites, services, organizations = await places.sites(view.tx), await places.services(view.tx), await places.organizations(view.tx)
    rows = [row for row in await booking.vacations(view.tx) if view.actor.organization in (row["owner_org"], row["host_org"])]
    people = await places.roles(view.tx, (row["practitioner_role_id"] for row in rows))
    return view.page(
        "booking/templates/planning.html",
        "Planification",
        lists=await desk.lists(view, view.query("liste")),
        vacations=[presenters.vacation(row, services, people, sites, organizations) for row in rows],
        may_plan=vacation_form.may_plan(view, view.actor.organization) and organizations[view.actor.organization].kind == "hospital",
    )


async def show_new(view: View) -> Response:
    """First the service and the place; then everything else, with the people and the rooms of that place."""
    service, site = view.query("service") or view.given("service"), view.query("lieu") or view.given("site")
    if not (service and site):
        return await _choose_frame(view, service, site)
    found = await vacation_form.frame(view.tx, service, site)
    return await _form(view, found, "Nouvelle vacation", "/planification/nouvelle", None)


async def _choose_frame(view: View, service: str, site: str) -> Response:
    services = await directory.services(view.tx, organization_id=view.actor.organization)
    used = await places.sites(view.tx)
    asked = [
        Field("service", "Service de l’hôpital", "select", True, choices=tuple(Choice(s.id, s.name) for s in services), chosen=(service,)),
        Field("lieu", "Lieu", "select", True, choices=tuple(Choice(s.id, s.name) for s in used.values()), chosen=(site,)),
    ]
    return view.page("booking/templates/vacation_frame.html", "Nouvelle vacation", fields=asked)


async def _form(view: View, found: Any, title: str, action: str, row: Any | None, back: str = "/planification") -> Response:
    partners = await vacation_form.partners(view)
    asked = vacation_form.fields(found, partners, row, await booking.quotas_of(view.tx, row["id"]) if row is not None else ())
    shown = redisplay(asked, view.rejected)
    return view.page(
        "booking/templates/vacation_form.html",
        title,
        frame=found,
        rows=verbs.by_row(shown),
        errors=summary(view.rejected, shown),
        action=action,
        back=back,
        version=row["version"] if row is not None else None,
        nobody=row is None and not found.people,
    )


async def create(view: View) -> Response:
    """Open a vacation; its sessions are planned next, from its page."""
    found = await vacation_form.frame(view.tx, view.given("service"), view.given("site"))
    asked = vacation_form.fields(found, await vacation_form.partners(view))
    facts, shares = vacation_form.read(view.values, asked), vacation_form.shares(view.values, asked)
    made = await booking.create_vacation(view.tx, service=found.service.id, site=found.site.id, quotas=shares, **facts)
    return view.go(f"/planification/{made['id']}", "create-vacation")


async def show_vacation(view: View) -> Response:
    """One vacation: what it is, its dated exceptions, its sessions to come, and what may be done."""
    row = await booking.get_vacation(view.tx, view.path("id"))
    sites, services, organizations = await places.sites(view.tx), await places.services(view.tx), await places.organizations(view.tx)
    people = await places.roles(view.tx, (row["practitioner_role_id"],))
    sessions = await _coming(view, row["id"])
    verb = view.request.url.path.rpartition("/")[2] if view.rejected else ""
    here = f"/planification/{row['id']}"
    forms = {name: redisplay_at(view, f"{here}/{name}", asked) for name, asked in _forms(view, row, await _rooms(view, row))}
    [ticks] = redisplay([_TICKS], view.rejected if verb in _OF_SEVERAL else None)
    return view.page(
        "booking/templates/vacation.html",
        "Vacation",
        row=row,
        vacation=presenters.vacation(row, services, people, sites, organizations),
        room=await directory.place(view.tx, row["room_id"]),
        shares=[(organizations[share.organization].label, share) for share in await booking.quotas_of(view.tx, row["id"])],
        exceptions=await booking.vacation_exceptions(view.tx, row["id"]),
        sessions=[presenters.coming(session, booking.legal_verbs(view.tx, session)) for session in sessions],
        may_plan=vacation_form.may_plan(view, row["owner_org"]),
        forms=forms,
        ticks=ticks,
        wrong=verb,
        errors=summary(view.rejected, [*forms.get(verb, []), ticks]),
    )


async def _coming(view: View, vacation: str) -> list[Any]:
    found = await booking.sessions(view.tx, start=view.tx.now, end=view.tx.now + SHOWN)
    return [row for row in found if row["vacation_id"] == vacation and not row["superseded"]]


async def _rooms(view: View, row: Any) -> list[Choice]:
    return [Choice(room.id, room.name) for room in await directory.rooms(view.tx, row["location_id"])]


def _forms(view: View, row: Any, rooms: list[Choice]) -> list[tuple[str, list[Field]]]:
    """The two forms that stand on the page of a vacation: plan a period, add an exception."""
    first = max(day_in_paris(view.tx.now), row["valid_from"])
    period = {"start": first, "end": max(first, day_in_paris(view.tx.now)) + AHEAD}
    labels = {"start": "Du", "end": "Au (compris)"}
    plan = [Field(name, label, "date", True, scope="plan-").started(period[name]) for name, label in labels.items()]
    operation = verbs.find(view, "Schedule", "add-exception")
    asked = verbs.fields(operation, verbs.Asked({"room": rooms}), scope="add-exception-")
    return [("planifier", plan), ("exceptions", asked)]


async def show_edit(view: View) -> Response:
    """The form of a vacation with its present answers."""
    row = await booking.get_vacation(view.tx, view.path("id"))
    found = await vacation_form.frame(view.tx, row["healthcare_service_id"], row["location_id"])
    return await _form(view, found, "Modifier la vacation", f"/planification/{row['id']}/modifier", row, f"/planification/{row['id']}")


async def update(view: View) -> Response:
    """Change a vacation: sessions that are published stay, planned ones fall and are planned again."""
    row = await booking.get_vacation(view.tx, view.path("id"))
    verbs.require_version(view, row["version"])
    found = await vacation_form.frame(view.tx, row["healthcare_service_id"], row["location_id"])
    asked = vacation_form.fields(found, await vacation_form.partners(view), row)
    facts, shares = vacation_form.read(view.values, asked), vacation_form.shares(view.values, asked)
    facts["room_id"] = facts.pop("room")
    await booking.update_vacation(view.tx, row["id"], quotas=shares, **facts)
    return view.go(f"/planification/{row['id']}", "update-vacation")


async def end(view: View) -> Response:
    """Stop a vacation, or take it up again: what is published stays."""
    row = await booking.get_vacation(view.tx, view.path("id"))
    verbs.require_version(view, row["version"])
    await booking.update_vacation(view.tx, row["id"], active=not row["active"])
    return view.go(f"/planification/{row['id']}", "update-vacation")


async def plan(view: View) -> Response:
    """Make the dated sessions of a period."""
    row = await booking.get_vacation(view.tx, view.path("id"))
    reader = Reader(view.values)
    period = {field.name: reader.read(field) for field in _forms(view, row, [])[0][1]}
    reader.done()
    await verbs.find(view, "Schedule", "plan").call(view.tx, row["id"], **period)
    return view.go(f"/planification/{row['id']}", "plan")


async def add_exception(view: View) -> Response:
    """Close, move or add one day."""
    row = await booking.get_vacation(view.tx, view.path("id"))
    verbs.require_version(view, row["version"])
    await verbs.run(view, "Schedule", row["id"], "add-exception", verbs.Asked({"room": await _rooms(view, row)}))
    return view.go(f"/planification/{row['id']}", "add-exception")


async def act_on_several(view: View) -> Response:
    """Publish, or confirm the room of, every session that was ticked: all of them or none."""
    row, verb = await booking.get_vacation(view.tx, view.path("id")), view.path("verb")
    if verb not in _OF_SEVERAL:
        raise NotFound("verb", verb)
    chosen, known = view.values.getlist("session"), {session["id"]: session for session in await _coming(view, row["id"])}
    if not chosen or not set(chosen) <= known.keys():
        raise Invalid.one("no-session-chosen", "session")
    operation = verbs.find(view, "Schedule", verb)
    for id in sorted(chosen, key=lambda id: known[id]["starts_at"]):
        await operation.call(view.tx, id)
    return view.go(f"/planification/{row['id']}", verb if len(chosen) == 1 else f"{verb}-several")


PAGES = (
    get("/planification", show_planning, on="Schedule"),
    get("/planification/nouvelle", show_new, on="Schedule"),
    post("/planification/nouvelle", create, again=show_new, on="Schedule"),
    get("/planification/{id:id}", show_vacation, on="Schedule"),
    get("/planification/{id:id}/modifier", show_edit, on="Schedule"),
    post("/planification/{id:id}/modifier", update, again=show_edit, on="Schedule"),
    post("/planification/{id:id}/arret", end, on="Schedule"),
    post("/planification/{id:id}/planifier", plan, again=show_vacation, on="Schedule"),
    post("/planification/{id:id}/exceptions", add_exception, again=show_vacation, on="Schedule"),
    post("/planification/{id:id}/vacations/{verb:id}", act_on_several, again=show_vacation, on="Schedule"),
)
