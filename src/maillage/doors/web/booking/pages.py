"""Vacations: the week by site, one session, the arrivals of the day, one appointment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.responses import Response

from maillage import booking, directory, record
from maillage.doors.web import places, verbs
from maillage.doors.web.booking import forms, presenters
from maillage.doors.web.booking.desk import patient_names
from maillage.doors.web.catalogue import word
from maillage.doors.web.forms import Choice, Field, redisplay, summary
from maillage.doors.web.pages import get, post
from maillage.doors.web.patients.presenters import load_identity
from maillage.doors.web.view import View
from maillage.kernel.period import day_in_paris

WEEK = 6
QUICK = ("call-in", "fulfil", "confirm")
_ANSWERS, _HOLDS = frozenset({"accept-refill", "refuse-refill"}), frozenset({"book"})
"""An offer of the waiting list is answered, a hold is booked: both are `pending`."""


async def show_week(view: View) -> Response:
    """The sessions of a week in a table: sites down, days across."""
    today = day_in_paris(view.tx.now)
    first = presenters.monday(view.query("semaine"), today)
    start, end = presenters.bounds(first, 7)
    sites, services = await places.sites(view.tx), await places.services(view.tx)
    chosen = view.query("lieu")
    found = await booking.sessions(view.tx, start=start, end=end, sites=[chosen] if chosen in sites else None)
    people = await places.roles(view.tx, (row["practitioner_role_id"] for row in found))
    days = [
        first + timedelta(days=number)
        for number in range(7 if any(day_in_paris(r["starts_at"]).weekday() == WEEK for r in found) else WEEK)
    ]
    return view.page(
        "booking/templates/week.html",
        "Vacations",
        days=days,
        today=today,
        rows=presenters.week_rows(found, days, sites, services, people),
        before=first - timedelta(days=7),
        after=first + timedelta(days=7),
        chosen=chosen,
        site=Field(
            "lieu",
            "Lieu",
            "select",
            choices=tuple(Choice(p.id, p.name) for p in sites.values()),
            chosen=(chosen,),
            empty="Tous les lieux",
            marked=False,
        ),
    )


async def show_session(view: View) -> Response:
    """One session: its state, its room, its slots, and what may be done."""
    row = await booking.get_session(view.tx, view.path("id"))
    sites, services, organizations = await places.sites(view.tx), await places.services(view.tx), await places.organizations(view.tx)
    people = await places.roles(view.tx, (row["practitioner_role_id"],))
    visits = {visit["slot_id"]: visit for visit in await booking.appointments(view.tx, session=row["id"]) if visit["status"] != "cancelled"}
    names = await patient_names(view, list(visits.values()), "session")
    labels = {id: found.label for id, found in organizations.items()}
    slots = [
        presenters.slot_line(slot, visits.get(slot["id"]), names.get(_patient_of(visits.get(slot["id"])), ""), view.tx.now, labels)
        for slot in await booking.session_slots(view.tx, row["id"])
    ]
    room = await directory.place(view.tx, row["room_id"])
    return view.page(
        "booking/templates/session.html",
        "Vacation",
        vacation=row,
        label=presenters.session_word(row["status"]),
        tone=presenters.SESSION_TONES[row["status"]],
        service=services[row["healthcare_service_id"]],
        site=sites.get(row["location_id"]),
        room=room,
        role=people.get(row["practitioner_role_id"]),
        owner=labels.get(row["owner_org"], ""),
        host=labels.get(row["host_org"], ""),
        slots=slots,
        acts=await _acts(view, "Schedule", row["id"], row),
    )


def _patient_of(visit: Any | None) -> str:
    return str(visit["patient_id"]) if visit is not None else ""


async def _acts(view: View, kind: str, id: str, row: Any) -> list[tuple[str, list[Field]]]:
    """Each verb legal now with its questions."""
    found = []
    beside = _ANSWERS if kind == "Schedule" or not row["offered_slot_id"] else _HOLDS
    for verb in await verbs.available(view, kind, id):
        if verb in beside:
            continue
        asked = await forms.asked(view, verb, row)
        found.append((verb, verbs.fields(verbs.find(view, kind, verb), asked, scope=f"{verb}-")))
    return sorted(found, key=lambda act: verbs.rank(act[0]))


async def act_on_session(view: View) -> Response:
    """Play a verb on a session."""
    id, verb = view.path("id"), view.path("verb")
    row = await booking.get_session(view.tx, id)
    verbs.require_version(view, row["version"])
    await verbs.run(view, "Schedule", id, verb, await forms.asked(view, verb, row))
    return view.go(f"/vacations/{id}", verb)


async def show_session_act(view: View) -> Response:
    """The form of a verb again, with what is wrong."""
    id, verb = view.path("id"), view.path("verb")
    row = await booking.get_session(view.tx, id)
    fields = redisplay(verbs.fields(verbs.find(view, "Schedule", verb), await forms.asked(view, verb, row)), view.rejected)
    return view.page(
        "booking/templates/act.html",
        word("verb", verb),
        verb=verb,
        patient=None,
        fields=fields,
        errors=summary(view.rejected, fields),
        action=f"/vacations/{id}/actes/{verb}",
        back=f"/vacations/{id}",
        version=row["version"],
    )


async def show_day(view: View) -> Response:
    """Who comes today: the list of the host centre or of the hospital, with the gestures of the desk."""
    day = forms.day(view.query("jour"), day_in_paris(view.tx.now))
    start, end = presenters.bounds(day, 1)
    sites, services = await places.sites(view.tx), await places.services(view.tx)
    chosen = view.query("lieu")
    found = await booking.appointments(view.tx, start=start, end=end, sites=[chosen] if chosen in sites else None)
    rows = [row for row in found if row["status"] not in ("cancelled", "waitlist", "pending")]
    people = await places.roles(view.tx, (row["practitioner_role_id"] for row in rows))
    names = await patient_names(view, rows, "day")
    visits = [
        presenters.visit(
            row,
            names.get(row["patient_id"], ""),
            services,
            people,
            sites,
            [v for v in booking.legal_verbs(view.tx, row) if v in (*QUICK, "arrive")],
        )
        for row in rows
    ]
    used = {row["location_id"] for row in rows} | ({chosen} if chosen else set())
    choices = tuple(Choice(id, place.name) for id, place in sites.items() if id in used)
    return view.page(
        "booking/templates/day.html",
        "Arrivées du jour",
        day=day,
        before=day - timedelta(days=1),
        after=day + timedelta(days=1),
        visits=visits,
        chosen=chosen,
        site=Field("lieu", "Lieu", "select", choices=choices, chosen=(chosen,), empty="Tous les lieux", marked=False),
    )


async def show_appointment(view: View) -> Response:
    """One appointment: who, when, where, and the gestures of the desk."""
    row = await booking.get_appointment(view.tx, view.path("id"))
    patient = await load_identity(view.tx, row["patient_id"])
    await record.audit(view.tx, "R", "Appointment", row["id"], patient=row["patient_id"], verb="read")
    sites, services = await places.sites(view.tx), await places.services(view.tx)
    people = await places.roles(view.tx, (row["practitioner_role_id"],))
    acts = await _acts(view, "Appointment", row["id"], row)
    first = forms.slots_from(view)
    wrong = view.path("verb") if view.rejected else "move" if first else ""
    moves = next((fields for verb, fields in acts if verb == "move"), [])
    return view.page(
        "booking/templates/appointment.html",
        "Rendez-vous",
        patient=patient,
        visit=presenters.visit(row, patient.name, services, people, sites, ()),
        ends_at=row["ends_at"],
        acts=[(verb, redisplay(fields, view.rejected) if verb == wrong else fields) for verb, fields in acts],
        errors=summary(view.rejected, next((fields for verb, fields in acts if verb == wrong), [])),
        wrong=wrong,
        later=forms.later_slots(view, moves),
        asked=f"?des={first}" if first else "",
        waits=row if row["status"] == "waitlist" else None,
        history=[(presenters.step_word(line), line["at"]) for line in await booking.appointment_history(view.tx, row["id"])],
    )


async def act_on_appointment(view: View) -> Response:
    """Play a verb on an appointment, then go back to where the gesture was made."""
    id, verb = view.path("id"), view.path("verb")
    row = await booking.get_appointment(view.tx, id)
    verbs.require_version(view, row["version"])
    await verbs.run(view, "Appointment", id, verb, await forms.asked(view, verb, row))
    if view.given("retour") in ("attente", "planification"):
        return view.go(f"/{view.given('retour')}", verb)
    if view.given("retour") == "jour" and row["starts_at"]:
        return view.go(f"/accueil?jour={day_in_paris(row['starts_at'])}", verb)
    return view.go(f"/rendez-vous/{id}", verb)


PAGES = (
    get("/vacations", show_week, on="Schedule"),
    get("/vacations/{id:id}", show_session, on="Schedule"),
    get("/vacations/{id:id}/actes/{verb:id}", show_session_act, on="Schedule", to="verb"),
    post("/vacations/{id:id}/actes/{verb:id}", act_on_session, again=show_session_act, on="Schedule", to="verb"),
    get("/accueil", show_day, on="Appointment"),
    get("/rendez-vous/{id:id}", show_appointment, on="Appointment"),
    post("/rendez-vous/{id:id}/actes/{verb:id}", act_on_appointment, again=show_appointment, on="Appointment", to="verb"),
)
