"""AS 1.2.0: the national directory of health professionals and structures, as a client of it reads ours. Read only.

https://interop.esante.gouv.fr/ig/fhir/annuaire
"""

from __future__ import annotations

from typing import Final

from maillage.doors.fhir.interactions.read import read
from maillage.doors.fhir.interactions.search import search
from maillage.doors.fhir.interfaces.served import Interface, Served

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

ANNUAIRE: Final = Interface(
    name="annuaire",
    guides=("https://interop.esante.gouv.fr/ig/fhir/annuaire/CapabilityStatement/AsServerDPCapabilityStatement",),
    dialect="core",
    types={kind: Served(type={"GET": search}, one={"GET": read}, parameters=(*COMMON, *parameters)) for kind, parameters in OWN.items()},
)
