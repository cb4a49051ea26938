"""The services of the territory, and the page of one of them."""

from __future__ import annotations

from starlette.responses import Response

from maillage import booking, directory, indicators
from maillage.doors.web import places
from maillage.doors.web.directory import covers, presenters
from maillage.doors.web.forms import Choice, Field
from maillage.doors.web.pages import get
from maillage.doors.web.view import View
from maillage.kernel.period import day_in_paris


async def show_services(view: View) -> Response:
    """The open services, by need and by place."""
    organizations, sites = await places.organizations(view.tx), await places.sites(view.tx)
    need, site = view.query("besoin"), view.query("lieu")
    patient = view.query("patient")
    everything = await directory.services(view.tx)
    found = [service for service in everything if presenters.matches(service, need) and (not site or site in service.site_ids)]
    used = {id for service in everything for id in service.site_ids}
    choices = tuple(Choice(place.id, place.name) for place in sites.values() if place.id in used)
    return view.page(
        "directory/templates/services.html",
        "Services",
        cards=[presenters.card(service, organizations, sites) for service in found],
        total=len(everything),
        need=Field("besoin", "Besoin", hint="Une spécialité, un symptôme, un examen.", value=need, marked=False),
        site=Field("lieu", "Lieu", "select", choices=choices, chosen=(site,), empty="Tous les lieux", marked=False),
        patient=patient,
    )


async def show_service(view: View) -> Response:
    """What the service takes, what it needs, who answers, how long it takes, and when the next places are."""
    service = await directory.get_service(view.tx, view.path("id"))
    organizations, sites = await places.organizations(view.tx), await places.sites(view.tx)
    form = await directory.get_questionnaire(view.tx, service.questionnaire)
    people = await places.roles(view.tx, (service.lead_role_id, *service.triager_role_ids))
    slots = await booking.next_free(view.tx, service.id)
    return view.page(
        "directory/templates/service.html",
        "Service",
        service=service,
        intake=presenters.INTAKE[service.intake],
        place=organizations[service.organization_id],
        sites=[sites[id] for id in service.site_ids if id in sites],
        required=presenters.required_labels(form, directory.required_items(form)),
        lead=people.get(service.lead_role_id),
        triagers=[people[id] for id in service.triager_role_ids if id in people],
        slots=[(slot, sites.get(slot["location_id"])) for slot in slots],
        patient=view.query("patient"),
        covers=[one for one in await directory.covers(view.tx, service.id) if one.starts <= view.tx.now],
        may_cover=covers.may_name(view, service),
        waits=presenters.waits_shown(await indicators.waits(view.tx, service.id)),
    )


async def show_territory(view: View) -> Response:
    """The communes, with the communities and the basins that hold them."""
    found = await directory.coverage(view.tx, day_in_paris(view.tx.now))
    lines = [presenters.territory_line(one) for one in found]
    sources = presenters.population_sources(found)
    return view.page("directory/templates/territory.html", "Territoire", lines=lines, sources=sources)


PAGES = (
    get("/services", show_services, on="HealthcareService"),
    get("/services/{id:id}", show_service, on="HealthcareService"),
    *covers.PAGES,
    get("/territoire", show_territory, on="HealthcareService"),
)
