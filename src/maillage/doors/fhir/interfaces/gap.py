"""GAP 3.0.0: shared agendas. Schedules are told to us, slots asked of us, appointments asked for (proposed, pending) or declared (booked).

https://interop.esante.gouv.fr/ig/fhir/gap
"""

from __future__ import annotations

from typing import Final

from maillage.doors.fhir.interactions.create import create
from maillage.doors.fhir.interactions.delete import delete
from maillage.doors.fhir.interactions.patch import patch
from maillage.doors.fhir.interactions.read import read
from maillage.doors.fhir.interactions.search import search
from maillage.doors.fhir.interactions.update import update
from maillage.doors.fhir.interfaces.appointments import update_by_identifier
from maillage.doors.fhir.interfaces.served import Interface, Served

GAP: Final = Interface(
    name="gap",
    guides=("https://interop.esante.gouv.fr/ig/fhir/gap/CapabilityStatement/GAP-GestionnaireAgenda",),
    dialect="core",
    types={
        "Schedule": Served(type={"POST": create}, one={"GET": read, "PUT": update, "PATCH": patch, "DELETE": delete}),
        "Slot": Served(type={"GET": search}, one={"GET": read}, parameters=("start", "schedule", "identifier", "status")),
        "Appointment": Served(
            type={"GET": search, "POST": create},
            where={"PUT": update_by_identifier},
            one={"GET": read, "PUT": update},
            parameters=(
                "priority",
                "description",
                "created",
                "actor",
                "start",
                "date",
                "identifier",
                "service-type",
                "status",
                "supporting-info",
            ),
        ),
    },
)
