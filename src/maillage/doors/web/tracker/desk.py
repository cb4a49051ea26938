"""For the office: give a patient a link and a code by hand, on paper or aloud; take them back when the number was somebody else's."""

from __future__ import annotations

import segno
from starlette.responses import Response

from maillage import journeys
from maillage.access import patient_binding, patient_link
from maillage.doors.web.pages import get, post
from maillage.doors.web.patients.presenters import load_identity
from maillage.doors.web.view import View
from maillage.kernel.errors import NotFound

_KINDS = {"demandes": "Task", "rendez-vous": "Appointment"}


def _about(view: View) -> tuple[str, str, str]:
    """The type, the id and the address of what the link is about."""
    word = view.request.url.path.split("/")[1]
    if word not in _KINDS:
        raise NotFound("page")
    return _KINDS[word], view.path("id"), f"/{word}/{view.path('id')}"


async def show_form(view: View) -> Response:
    """What will be given, before it is made: a link is made by a gesture, never by a look."""
    kind, id, address = _about(view)
    patient = await load_identity(view.tx, await journeys.patient_of(view.tx, kind, id))
    coded, bound = await patient_link.has_code(view.tx, patient.id), await patient_binding.binding_of_patient(view.tx, patient.id)
    return view.page("tracker/templates/give.html", "Accès du patient", patient=patient, address=address, coded=coded, bound=bound)


async def give(view: View) -> Response:
    """The link, its picture, and the code, shown once, to be printed or told."""
    kind, id, address = _about(view)
    made = await journeys.give_access(view.tx, kind, id, new_code=view.given("code") == "nouveau")
    link = f"{view.door.settings.address}/p/{made.token}"
    return view.page(
        "tracker/templates/given.html",
        "Accès du patient",
        patient=await load_identity(view.tx, made.patient),
        address=address,
        link=link,
        code=patient_link.spelt(made.code) if made.code else "",
        picture=_dots(link),
    )


def _dots(text: str) -> tuple[int, str]:
    """The size of a QR code (ISO/IEC 18004) and the path that draws its dark modules."""
    code = segno.make(text, error="m")
    rows = list(code.matrix_iter(scale=1, border=4))
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    return len(rows), path


async def take_back(view: View) -> Response:
    """Every link, the code, the sign-in by FranceConnect and every open page of this patient end now."""
    kind, id, address = _about(view)
    await journeys.take_access_back(view.tx, kind, id)
    return view.go(address, "access-revoked")


PAGES = tuple(
    page
    for word, kind in _KINDS.items()
    for page in (
        get(f"/{word}/{{id:id}}/lien", show_form, on=kind, to="verb"),
        post(f"/{word}/{{id:id}}/lien", give, on=kind, once=False),
        post(f"/{word}/{{id:id}}/lien/retrait", take_back, on=kind),
    )
)
