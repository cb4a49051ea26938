"""Giving a patient a slot by hand, or a line of the waiting list: chosen service, free slots over every site, book, hold, or wait."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from maillage import access, booking, record, referrals
from maillage.directory import Service
from maillage.doors.web import places, verbs
from maillage.doors.web.booking.forms import slot_choices
from maillage.doors.web.catalogue import say, word
from maillage.doors.web.forms import Choice, Field, Reader, day_of_address, redisplay, summary
from maillage.doors.web.pages import get, post
from maillage.doors.web.patients.presenters import load_identity
from maillage.doors.web.referrals.presenters import line
from maillage.doors.web.verbs import Asked
from maillage.doors.web.view import View
from maillage.kernel.errors import Malformed, NotAllowed

PRIORITIES = ("routine", "urgent", "asap")
_SHOWN = 24
_WAIT_ASKED = ("priority", "site", "target", "notice-hours")


async def allowed_services(view: View) -> list[Service]:
    """The services whose slots this actor may give: those of the hospital for its office, the bookable ones for the town."""
    services, organizations = await places.services(view.tx), await places.organizations(view.tx)
    mine = view.actor.organization
    if organizations[mine].kind == "hospital":
        return [
            service for service in services.values() if service.active and service.organization_id == mine and _may(view, service, "book")
        ]
    return [service for service in services.values() if service.active and service.intake == "bookable" and _may(view, service, "book")]


def _may(view: View, service: Service, verb: str) -> bool:
    whose = {"status": "none", "owner_org": service.organization_id, "host_org": None, "practitioner_id": None}
    return verb in booking.legal_verbs(view.tx, {**whose, "requester_org": view.actor.organization, "patient_id": None})


async def show(view: View) -> Response:
    """For a patient: the service, then its free slots and the waiting list."""
    patient = await load_identity(view.tx, view.path("id"))
    await record.audit(view.tx, "R", "Patient", patient.id, patient=patient.id, verb="give-slot")
    services = {service.id: service for service in await allowed_services(view)}
    if not services:
        raise NotAllowed("not-for-this-party")
    chosen = services.get(view.query("service") or view.given("service"))
    priority = next((p for p in (view.query("priorite"), view.given("priority")) if p in PRIORITIES), "")
    slot = await _slot_field(view, chosen, priority) if chosen and priority else None
    waits = await _wait_fields(view, chosen, priority) if chosen else []
    joins = view.request.url.path.endswith("/attente")
    shown = redisplay(waits, view.rejected if joins else None)
    slot = redisplay([slot], view.rejected if not joins else None)[0] if slot else None
    open_here = await _open_requests(view, patient.id, chosen.id) if chosen else []
    return view.page(
        "booking/templates/give.html",
        "Donner un rendez-vous",
        patient=patient,
        service=chosen,
        priority=priority,
        search=_search(view, services, chosen, priority),
        slot=slot,
        more=slot is not None and len(slot.choices) >= _SHOWN,
        waits=shown,
        joins=joins and view.rejected is not None,
        requests=open_here,
        errors=summary(view.rejected, shown if joins else [slot] if slot else []),
    )


def _search(view: View, services: dict[str, Service], chosen: Service | None, priority: str) -> list[Field]:
    words = tuple(Choice(code, word("priority", code)) for code in PRIORITIES)
    named = tuple(Choice(service.id, service.name) for service in services.values())
    return [
        Field("service", "Service", "select", choices=named, chosen=(chosen.id,) if chosen else (), marked=False),
        Field("priorite", "Priorité", "select", choices=words, chosen=(priority,) if priority else (), marked=False),
        Field("des", "À partir du", "date", value=view.query("des"), marked=False),
    ]


async def _slot_field(view: View, service: Service, priority: str) -> Field:
    choices = await slot_choices(view, [service.id], priority, limit=_SHOWN, start=day_of_address(view.query("des")))
    return Field("slot", "Places libres", "radio", required=True, choices=tuple(choices))


async def _wait_fields(view: View, service: Service, priority: str) -> list[Field]:
    sites = await places.sites(view.tx)
    choices = [Choice(id, sites[id].name) for id in service.site_ids if id in sites]
    words = {"priority": say("label.priority"), "site": say("label.wished-site"), "target": say("label.seen-before")}
    ranks = [Choice(code, word("priority", code)) for code in PRIORITIES]
    asked = Asked({"priority": ranks, "site": choices}, {"priority": priority}, required=frozenset({"priority"}), labels=words)
    operation = view.door.operations["Appointment", "join-waitlist"]
    found = {field.name: field for field in verbs.fields(operation, asked, scope="attente-")}
    return [found[name] for name in _WAIT_ASKED if name in found and (name != "site" or choices)]


async def _open_requests(view: View, patient: str, service: str) -> list[Any]:
    rows = await referrals.patient_requests(view.tx, patient, access.visible_to(view.actor, "Task"))
    return [line(row, view.actor) for row in rows if row["service_id"] == service and row["turn"] and row["state"] != "to-complete"]


async def give(view: View) -> Response:
    """Book the slot, or hold it: ten minutes at the desk, two days as an offer to the patient."""
    chosen = {service.id: service for service in await allowed_services(view)}.get(view.given("service"))
    if chosen is None:
        raise NotAllowed("not-for-this-party")
    reader = Reader(view.values)
    slot = reader.read(Field("slot", "Places libres", "radio", required=True))
    priority = reader.read(Field("priority", "Priorité", required=True))
    reader.done()
    asked = {"patient": view.path("id"), "priority": priority}
    how = view.given("how")
    if how == "book":
        id = await verbs.find(view, "Slot", "book").call(view.tx, slot, **asked)
    elif how in ("screen", "offer"):
        id = await verbs.find(view, "Slot", "hold").call(view.tx, slot, kind=how, **asked)
    else:
        raise Malformed.one("not-a-form")
    return view.go(f"/rendez-vous/{id}", "book" if how == "book" else f"hold-{how}")


async def join(view: View) -> Response:
    """Put the patient on the waiting list of the service."""
    chosen = {service.id: service for service in await allowed_services(view)}.get(view.given("service"))
    if chosen is None:
        raise NotAllowed("not-for-this-party")
    reader = Reader(view.values)
    asked = {field.name.replace("-", "_"): reader.read(field) for field in await _wait_fields(view, chosen, "")}
    reader.done()
    given = {name: value for name, value in asked.items() if value not in (None, "")}
    operation = view.door.operations["Appointment", "join-waitlist"]
    await operation.call(view.tx, None, service=chosen.id, patient=view.path("id"), **given)
    return view.go(f"/attente?service={chosen.id}", "join-waitlist")


PAGES = (
    get("/patients/{id:id}/rendez-vous", show, on="Appointment", to="verb"),
    post("/patients/{id:id}/rendez-vous", give, again=show, on="Appointment", to="verb"),
    post("/patients/{id:id}/attente", join, again=show, on="Appointment", to="verb"),
)
