"""Who covers a service: on call, at home, or instead of somebody absent. The establishment of the service names and ends covers."""

from __future__ import annotations

from starlette.responses import Response

from maillage import directory
from maillage.access import policy
from maillage.directory import Role, Service
from maillage.doors.web.catalogue import say
from maillage.doors.web.forms import Choice, Field, Reader, redisplay, summary
from maillage.doors.web.pages import get, post
from maillage.doors.web.view import View
from maillage.kernel.errors import NotFound

ON = "PractitionerRole"
_KINDS = ("duty", "standby", "replacement")
_REPLACEMENT = "replacement"


def may_name(view: View, service: Service) -> bool:
    """Whether this person names the covers of a service: somebody of its establishment who may write roles."""
    return service.organization_id in view.actor.organizations and policy.view(view.actor, ON) != policy.NOTHING


async def _service(view: View) -> Service:
    service = await directory.get_service(view.tx, view.path("id"))
    if not may_name(view, service):
        raise NotFound("HealthcareService", service.id)
    return service


async def _people(view: View, service: Service) -> tuple[list[Role], list[Role]]:
    """The clinicians of the establishment, and those who work for the service."""
    everybody = sorted(await directory.roles_in(view.tx, service.organization_id, code="medecin"), key=lambda role: role.display)
    own = {member.role_id for member in await directory.team(view.tx, service) if not member.cover}
    return everybody, [role for role in everybody if role.id in own]


def _fields(everybody: list[Role], own: list[Role]) -> list[Field]:
    kinds = tuple(Choice(kind, say(f"cover.{kind}")) for kind in _KINDS)
    return [
        Field("role", "Qui prend le relais", "select", True, choices=tuple(Choice(role.id, role.display) for role in everybody)),
        Field("kind", "Pourquoi", "radio", True, choices=kinds),
        Field(
            "absent",
            "Qui est absent",
            "select",
            hint="Pour un remplacement.",
            choices=tuple(Choice(role.id, role.display) for role in own),
            empty="Personne",
            marked=False,
        ),
        Field("starts", "Début", "datetime", True),
        Field("ends", "Fin", "datetime", True),
    ]


async def show(view: View) -> Response:
    """The covers of now and later, and the form of another one."""
    service = await _service(view)
    fields = redisplay(_fields(*await _people(view, service)), view.rejected)
    return view.page(
        "directory/templates/covers.html",
        "Relais du service",
        service=service,
        covers=await directory.covers(view.tx, service.id),
        fields=fields,
        errors=summary(view.rejected, fields),
    )


async def name(view: View) -> Response:
    """Name a cover."""
    service = await _service(view)
    everybody, own = await _people(view, service)
    reader = Reader(view.values)
    found = {field.name: reader.read(field) for field in _fields(everybody, own)}
    if found["kind"] == _REPLACEMENT and not found["absent"]:
        reader.fail("absent", "absent-missing")
    reader.done()
    absent = next((role.display for role in own if role.id == found["absent"]), "")
    why = say("cover.instead", "fr", who=absent) if found["kind"] == _REPLACEMENT else say(f"cover.{found['kind']}", "fr")
    await directory.name_cover(view.tx, service.id, role=found["role"], starts=found["starts"], ends=found["ends"], why=why)
    return view.go(f"/services/{service.id}/relais", "name-cover")


async def end(view: View) -> Response:
    """End a cover, or take it back."""
    service = await _service(view)
    await directory.end_cover(view.tx, service.id, view.path("cover"))
    return view.go(f"/services/{service.id}/relais", "end-cover")


PAGES = (
    get("/services/{id:id}/relais", show, on=ON, to="write"),
    post("/services/{id:id}/relais", name, again=show, on=ON, to="write"),
    post("/services/{id:id}/relais/{cover:id}/fin", end, on=ON, to="write"),
)
