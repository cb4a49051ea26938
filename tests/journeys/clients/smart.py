"""What a partner writes with the SMART on FHIR client of the SMART project. Standard input: one JSON object, then the address of return."""

from __future__ import annotations

import json
import sys
from typing import Any

from fhirclient.client import FHIRClient
from fhirclient.models.organization import Organization
from fhirclient.models.patient import Patient


def told(**values: Any) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


asked = json.loads(sys.stdin.readline())
smart = FHIRClient(settings=asked["settings"], save_func=lambda state: None)
if asked["kind"] == "backend":
    smart.wants_patient = False
    smart.prepare()
    smart.authorize()
    found = Patient.where({"_count": "5"}).perform_resources(smart.server)
    told(ready=smart.ready, patients=[one.id for one in found], scope=asked["settings"]["scope"])
else:
    smart.prepare()
    told(authorize=smart.authorize_url)
    smart.handle_callback(sys.stdin.readline().strip())
    found = Patient.where({"_total": "accurate"}).perform(smart.server)
    places = Organization.where({"_count": "1"}).perform_resources(smart.server)
    told(
        patient=smart.patient_id,
        seen=[entry.resource.id for entry in found.entry],
        total=found.total,
        places=len(places),
        family=smart.patient.name[0].family,
    )
