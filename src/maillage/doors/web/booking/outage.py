"""The paper for an outage (hazard H14): who is expected at a site in the next days, with what a desk needs when screens are dark."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import Any

from starlette.responses import Response

from maillage import booking
from maillage.doors.web import places
from maillage.doors.web.booking import forms, presenters
from maillage.doors.web.booking.desk import load_patients
from maillage.doors.web.catalogue import say
from maillage.doors.web.forms import Choice, Field
from maillage.doors.web.pages import get
from maillage.doors.web.patients.presenters import spaced_ins, status_of
from maillage.doors.web.view import View
from maillage.kernel.period import day_in_paris

DAYS = 3


async def show_outage(view: View) -> Response:
    """The appointments of three days by site and day, each with its patient's identity, telephone and room; each look is written in the trail."""
    first = forms.day(view.query("jour"), day_in_paris(view.tx.now))
    start, end = presenters.bounds(first, DAYS)
    sites, services = await places.sites(view.tx), await places.services(view.tx)
    chosen = view.query("lieu")
    found = await booking.appointments(view.tx, start=start, end=end, sites=[chosen] if chosen in sites else None)
    rows = [row for row in found if row["status"] in ("booked", "arrived", "checked-in")]
    people = await places.roles(view.tx, (row["practitioner_role_id"] for row in rows))
    patients = await load_patients(view, rows, "print")
    lines = [(row, patients.get(row["patient_id"])) for row in rows]
    return view.page(
        "booking/templates/outage.html",
        say("outage.title"),
        first=first,
        last=first + timedelta(days=DAYS - 1),
        sheets=_sheets(lines, sites),
        services=services,
        people=people,
        ins_of=lambda patient: spaced_ins(patient.ins),
        status_of=status_of,
        site=Field(
            "lieu",
            say("feed.site"),
            "select",
            choices=tuple(Choice(id, place.name) for id, place in sites.items()),
            chosen=(chosen,),
            empty=say("feed.every-site"),
            marked=False,
        ),
    )


def _sheets(lines: list[tuple[Any, Any]], sites: dict[str, Any]) -> list[tuple[str, Any, list[tuple[Any, Any]]]]:
    """One sheet for each site and day, in the order of the clock."""

    def key(line: tuple[Any, Any]) -> tuple[str, Any]:
        site = sites.get(line[0]["location_id"] or "")
        return site.name if site else "", day_in_paris(line[0]["starts_at"])

    ordered = sorted(lines, key=lambda line: (*key(line), line[0]["starts_at"], line[0]["id"]))
    return [(site, day, list(group)) for (site, day), group in groupby(ordered, key=key)]


PAGES = (get("/accueil/secours", show_outage, on="Appointment"),)
