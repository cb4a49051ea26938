"""Find a patient, record a new one, show one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from maillage import access, booking, directory, journeys, record, referrals
from maillage.access import emergency, policy
from maillage.access.clients.queries import apps_of
from maillage.codes import systems
from maillage.directory import Patient
from maillage.doors.edge import Limit
from maillage.doors.web import places
from maillage.doors.web.booking.giving import allowed_services
from maillage.doors.web.booking.presenters import visit
from maillage.doors.web.forms import Reader, redisplay, summary
from maillage.doors.web.pages import get, post
from maillage.doors.web.patients import forms, presenters
from maillage.doors.web.referrals.presenters import line
from maillage.doors.web.view import View
from maillage.kernel.answers import Allowed
from maillage.kernel.errors import Invalid
from maillage.kernel.period import day_in_paris


async def show_search(view: View) -> Response:
    """The search form; names never travel in the address, hence a form that posts."""
    return _search_page(view, None)


async def search(view: View) -> Response:
    """The patients that fit, none chosen beforehand; each one shown is written in the audit trail."""
    reader = Reader(view.values)
    asked = {field.name: reader.read(field) for field in forms.SEARCH}
    reader.done()
    found = await _find(view, asked)
    query = urlencode({name: str(value) for name, value in asked.items() if value})
    await record.audit_many(view.tx, "R", [("Patient", patient.id, patient.id) for patient in found], verb="search", query=query)
    return _search_page(view, found, "" if found else await _hidden(view, asked))


async def _hidden(view: View, asked: dict[str, Any]) -> str:
    """Somebody is there whom only an emergency opens: told to the roles that may, to nobody else."""
    ins = "".join((asked["ins"] or "").split())
    names = {name: asked[name] or "" for name in ("family", "given")}
    return await emergency.hidden_patient(view.tx, ins=ins, birth_date=asked["birth_date"], **names) or ""


async def _find(view: View, asked: dict[str, Any]) -> list[Patient]:
    visible = access.visible_to(view.actor, "Patient")
    ins = "".join((asked["ins"] or "").split())
    names = {"family": asked["family"] or "", "given": asked["given"] or ""}
    return list(
        await directory.find_patients(
            view.tx, visible, ins=ins, birth_date=asked["birth_date"], family=names["family"], given=names["given"]
        )
    )


def _search_page(view: View, found: list[Patient] | None, hidden: str = "") -> Response:
    fields = redisplay(forms.SEARCH, view.rejected) if view.rejected else [field.filled(view.values) for field in forms.SEARCH]
    return view.page(
        "patients/templates/search.html",
        "Patients",
        fields=fields,
        errors=summary(view.rejected, fields),
        found=found,
        hidden=hidden,
        service=view.query("service") or view.given("service"),
        may_merge=directory.merging.may_merge(view.actor),
        may_review=emergency.may_review(view.actor),
        status_of=presenters.status_of,
        ins_of=lambda patient: presenters.spaced_ins(patient.ins),
    )


async def show_creation(view: View) -> Response:
    """The form of a new patient."""
    communes = await directory.communes(view.tx)
    namesakes = await _namesakes(view) if view.rejected and any(issue.reason == "namesakes" for issue in view.rejected.issues) else []
    fields = redisplay(forms.creation(communes, namesakes=bool(namesakes)), view.rejected)
    return view.page(
        "patients/templates/create.html", "Nouveau patient", fields=fields, errors=summary(view.rejected, fields), namesakes=namesakes
    )


async def create(view: View) -> Response:
    """Record the patient in this organisation, which from now on has a reason to see the record."""
    communes, today = await directory.communes(view.tx), day_in_paris(view.tx.now)
    answers = forms.read_creation(view.values, forms.creation(communes, namesakes=False), communes, today)
    await _refuse_known_ins(view, answers["ins"] or "")
    if view.given("other_person") != "true" and await _namesakes(view):
        raise Invalid.one("namesakes", "other_person")
    system = systems.INS_TEST if view.door.site.demo else systems.INS_NIR
    resource = forms.patient_resource(answers, view.actor.organization, today, system)
    try:
        id = await journeys.register_patient(view.tx, resource, mode="test" if view.door.site.demo else "production")
    except Invalid as error:
        raise Invalid.one(error.reason, "ins" if "identifier" in error.issues[0].expression else "") from error
    await record.audit(view.tx, "C", "Patient", id, patient=id, verb="create")
    return view.go(f"/patients/{id}", "created")


async def _refuse_known_ins(view: View, ins: str) -> None:
    """One file per INS in an organisation: said beside the number, before anything is written."""
    found = await directory.find_patients(view.tx, access.visible_to(view.actor, "Patient"), ins=ins) if ins else []
    if any(patient.owner_org == view.actor.organization for patient in found):
        raise Invalid.one("patient-exists", "ins")


async def _namesakes(view: View) -> list[Patient]:
    """Patients whom the actor may see with the same name and birth date, or the same name and sex."""
    reader = Reader(view.values)
    birth_date = reader.read(forms.SEARCH[3])
    given = (view.given("given").split() or [""])[0]
    visible, found = access.visible_to(view.actor, "Patient"), {}
    for more in ({"birth_date": birth_date}, {"gender": view.given("sex")}):
        if all(more.values()) and given and view.given("family"):
            for patient in await directory.find_patients(view.tx, visible, family=view.given("family"), given=given, **more):
                found[patient.id] = patient
    return list(found.values())


async def show(view: View) -> Response:
    """One patient: identity, requests, appointments, documents."""
    identity = await presenters.load_identity(view.tx, view.path("id"))
    await record.audit(view.tx, "R", "Patient", identity.id, patient=identity.id, verb="read")
    requests = await referrals.patient_requests(view.tx, identity.id, access.visible_to(view.actor, "Task"))
    services, sites = await places.services(view.tx), await places.sites(view.tx)
    visits = await booking.appointments(view.tx, patient=identity.id)
    people = await places.roles(view.tx, (row["practitioner_role_id"] for row in visits))
    return view.page(
        "patients/templates/show.html",
        "Dossier du patient",
        patient=identity,
        referrals=[line(row, view.actor) for row in requests],
        appointments=[visit(row, identity.name, services, people, sites, ()) for row in visits if row["status"] != "cancelled"],
        may_choose=policy.view(view.actor, "Consent") != policy.NOTHING,
        may_restrict=policy.may(view.actor, "verb", "Patient") == Allowed(),
        may_give=bool(await allowed_services(view)),
        apps=await apps_of(view.tx, view.actor.organization),
        documents=[line(row, view.actor) for row in requests if row["document_id"] or row["recommendation"]],
    )


PAGES = (
    get("/patients", show_search, on="Patient", to="read"),
    post("/patients", search, again=show_search, once=False, limit=Limit.SEARCH, on="Patient", to="read"),
    get("/patients/nouveau", show_creation, on="Patient", to="write"),
    post("/patients/nouveau", create, again=show_creation, on="Patient", to="write"),
    get("/patients/{id:id}", show, on="Patient"),
)
