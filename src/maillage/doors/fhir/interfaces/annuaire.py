"""AS 1.2.0: the national directory of health professionals and structures, as a client of it reads ours. Read only.

https://interop.esante.gouv.fr/ig/fhir/annuaire
"""

from __future__ import annotations

from typing import Any, Final

from maillage.codes.json import decode, encode
from maillage.doors.fhir.context import Context
from maillage.doors.fhir.http import Request, Response
from maillage.doors.fhir.interactions.read import read
from maillage.doors.fhir.interactions.search import search
from maillage.doors.fhir.interfaces.served import Interaction, Interface, Served

COMMON: Final = ("_id", "_lastUpdated", "active", "identifier", "data-information-system", "data-registration-authority")
OWN: Final = {
    "Organization": (
        "address",
        "address-city",
        "address-insee",
        "address-line",
        "address-postalcode",
        "mailbox-mss",
        "mailbox-mss-type",
        "name",
        "partof",
        "pharmacy-licence",
        "type",
    ),
    "Practitioner": ("family", "given", "mailbox-mss", "mailbox-mss-type", "name", "qualification-code"),
    "PractitionerRole": (
        "mailbox-mss",
        "mailbox-mss-type",
        "number-smartcard",
        "organization",
        "practitioner",
        "role",
        "type-smartcard",
    ),
    "HealthcareService": ("characteristic", "organization", "service-category", "service-type"),
}

MAILBOX: Final = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-mailbox-mss-metadata"


def _public(interaction: Interaction) -> Interaction:
    """The same, as the public directory shows it."""

    async def answer(context: Context, request: Request) -> Response:
        response = await interaction(context, request)
        if response.body and "content-type" not in response.headers:
            found = decode(response.body)
            for entry in found.get("entry", ()):
                entry["resource"] = public(entry["resource"])
            response.body = encode(found if "entry" in found else public(found))
        return response

    return answer


def public(resource: dict[str, Any]) -> dict[str, Any]:
    """Without the specialty of a role, which is a qualification of the person there (as-dp-practitionerrole), and without what is ex-directory."""
    hidden = {"specialty"} if resource.get("resourceType") == "PractitionerRole" else set()
    shown = {key: value for key, value in resource.items() if key not in hidden}
    told = [one for one in resource.get("telecom", ()) if not _is_ex_directory(one)]
    return {**shown, "telecom": told} if told else {key: value for key, value in shown.items() if key != "telecom"}


def _is_ex_directory(contact: dict[str, Any]) -> bool:
    """Whether a mailbox is on the red list."""
    parts = [part for one in contact.get("extension", ()) if one.get("url") == MAILBOX for part in one.get("extension", ())]
    return any(part.get("url") == "listeRouge" and part.get("valueBoolean") is True for part in parts)


ANNUAIRE: Final = Interface(
    name="annuaire",
    guides=("https://interop.esante.gouv.fr/ig/fhir/annuaire/CapabilityStatement/AsServerDPCapabilityStatement",),
    dialect="core",
    types={
        kind: Served(type={"GET": _public(search)}, one={"GET": _public(read)}, parameters=(*COMMON, *parameters))
        for kind, parameters in OWN.items()
    },
)
