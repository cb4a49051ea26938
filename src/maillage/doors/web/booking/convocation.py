"""The convocation of a patient: one page, plain words, a tagged PDF (PDF/UA-1, ISO 14289-1)."""

from __future__ import annotations

import asyncio
from importlib.resources import files

from starlette.responses import Response

from maillage import booking, record
from maillage.codes.json import encode_text
from maillage.doors.web import places
from maillage.doors.web.catalogue import say
from maillage.doors.web.language import speak
from maillage.doors.web.pages import get
from maillage.doors.web.patients.presenters import load_identity
from maillage.doors.web.presenters import moment, plain_date
from maillage.doors.web.view import View
from maillage.kernel.errors import Conflict

BRING = ("card", "letter", "results", "treatments")


async def give_convocation(view: View) -> Response:
    """The letter of an appointment that stands; a waiting line or a cancelled visit has none."""
    row = await booking.get_appointment(view.tx, view.path("id"))
    if row["status"] != "booked" or row["starts_at"] is None:
        raise Conflict("no-convocation")
    patient = await load_identity(view.tx, row["patient_id"])
    await record.audit(view.tx, "R", "Appointment", row["id"], patient=patient.id, verb="print")
    speak("fr")  # the letter is the patient's
    services, sites = await places.services(view.tx), await places.sites(view.tx)
    service, site = services[row["healthcare_service_id"]], sites.get(row["location_id"] or "")
    people = await places.roles(view.tx, (row["practitioner_role_id"],))
    role = people.get(row["practitioner_role_id"] or "")
    told = {
        "title": say("convocation.title"),
        "demo": say("convocation.demo") if view.door.site.demo else "",
        "sender": service.name,
        "sender_phone": service.phone,
        "patient": " ".join((patient.first_name, patient.used_name or patient.birth_name)),
        "birth": say("convocation.birth", day=plain_date(patient.birth_date)) if patient.birth_date else "",
        "moment": _begun(moment(row["starts_at"])),
        "place": site.name if site else "",
        "with": say("convocation.with", who=role.display) if role else "",
        "bring_title": say("convocation.bring"),
        "bring": [say(f"convocation.bring.{one}") for one in BRING],
        "cannot_title": say("convocation.cannot"),
        "cannot": say("convocation.cannot.text"),
        "foot": say("convocation.foot", at=plain_date(view.tx.now)),
    }
    made = await asyncio.to_thread(drawn, encode_text(told))
    headers = {"Content-Disposition": 'inline; filename="convocation.pdf"'}
    return Response(made, media_type="application/pdf", headers=headers)


def _begun(text: str) -> str:
    """The text as it stands at the beginning of a line."""
    return text[:1].upper() + text[1:]


def drawn(told: str) -> bytes:
    """The PDF of these texts. What stands in them is data: the typesetter never reads it as its language."""
    import typst  # noqa: PLC0415  # forty milliseconds that only a letter pays

    source = files(__package__).joinpath("convocation.typ").read_bytes()
    made: bytes = typst.compile(source, format="pdf", sys_inputs={"data": told}, pdf_standards=["ua-1"])
    return made


PAGES = (get("/rendez-vous/{id:id}/convocation.pdf", give_convocation, on="Appointment"),)
