"""CDS 2.0.1: the care circle. A CareTeam with its patient, made by a transaction or alone, read with its history.

https://interop.esante.gouv.fr/ig/fhir/cds. A care circle told by a partner opens no record: who may see a patient is decided by care links.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from maillage.doors.fhir.bodies import read_json, read_resource
from maillage.doors.fhir.context import Context
from maillage.doors.fhir.http import Request, Response
from maillage.doors.fhir.interactions.bundle import bundle
from maillage.doors.fhir.interactions.create import create
from maillage.doors.fhir.interactions.history import history
from maillage.doors.fhir.interactions.read import read
from maillage.doors.fhir.interactions.search import search
from maillage.doors.fhir.interactions.update import update, update_where
from maillage.doors.fhir.interactions.vread import vread
from maillage.doors.fhir.interfaces import mending
from maillage.doors.fhir.interfaces.served import Interface, Served
from maillage.kernel.errors import Issue, Malformed

Interaction = Callable[[Context, Request], Awaitable[Response]]


def _mended(interaction: Interaction) -> Interaction:
    """The same, its empty translations dropped with a warning."""

    async def answer(context: Context, request: Request) -> Response:
        value, dropped = mending.without_empty_translations(read_json(request))
        if dropped:
            context.findings.append(Issue("warning", "value", "empty-translation", "", f"{dropped} dropped"))
        return await interaction(context, replace(request, resource=value))

    return answer


def _team(interaction: Interaction) -> Interaction:
    """The same for a CareTeam, whose profile is checked first."""

    async def answer(context: Context, request: Request) -> Response:
        missing = list(_missing(read_resource(request, "CareTeam")))
        if missing:
            raise Malformed(*(Issue("error", "required", "required", f"CareTeam.{path}") for path in missing))
        return await interaction(context, request)

    return _mended(answer)


def _missing(resource: dict[str, Any]) -> Iterator[str]:
    """What the profile of the care circle wants and is not there."""
    identifiers = resource.get("identifier", ())
    if len(identifiers) != 1 or not identifiers[0].get("value"):
        yield "identifier"
    yield from (name for name in ("status", "name", "subject") if not resource.get(name))
    if not resource.get("period", {}).get("start"):
        yield "period.start"
    for place, one in enumerate(resource.get("participant", ())):
        yield from (f"participant[{place}].{name}" for name in ("member",) if not one.get(name))
        if not one.get("period", {}).get("start"):
            yield f"participant[{place}].period.start"


_KEPT: Final = {
    kind: Served(
        type={"GET": search, "POST": _mended(create)},
        where={"PUT": _mended(update_where)},
        one={"GET": read, "PUT": _mended(update)},
        parameters=parameters,
    )
    for kind, parameters in {
        "Patient": ("identifier", "family", "given", "name", "address", "birthdate", "gender", "birthplace"),
        "RelatedPerson": ("_id", "name", "relationship"),
        "Practitioner": ("identifier", "name"),
        "PractitionerRole": ("_id", "practitioner", "role"),
        "Organization": ("_id", "identifier", "name"),
    }.items()
}

CDS: Final = Interface(
    name="cds",
    guides=("https://interop.esante.gouv.fr/ig/fhir/cds/CapabilityStatement/CDSGestionnaire",),
    dialect="core",
    root={"POST": _mended(bundle)},
    types={
        **_KEPT,
        "CareTeam": Served(
            type={"GET": search, "POST": _team(create)},
            where={"PUT": _team(update_where)},
            one={"GET": read, "PUT": _team(update)},
            history={"GET": history},
            version={"GET": vread},
            parameters=(
                "identifier",
                "start",
                "end",
                "status",
                "_lastUpdated",
                "category",
                "participant-start",
                "participant-end",
                "date",
                "participant",
                "patient",
                "subject",
                "managingOrganization",
            ),
        ),
    },
)
