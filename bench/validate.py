"""Validation and search values of one ServiceRequest of 2 kB, against decoding the same JSON in the same run.

The floor is `maillage.codes.json.decode`: whatever is done with a resource, it has to be read first.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from maillage.codes.json import decode, encode
from maillage.codes.r4 import resource_types, search_parameters, search_values, structure, validate

CEILING = 15.0
"""Validation may cost this many times the decoding before the bench fails; 8 is what was measured."""

REQUEST = {
    "resourceType": "ServiceRequest",
    "id": "019a2b3c-7d00-7abc-8def-0123456789ab",
    "meta": {
        "versionId": "3",
        "lastUpdated": "2026-11-22T09:30:00.123Z",
        "profile": ["https://maillage.invalid/fhir/StructureDefinition/referral"],
    },
    "extension": [{"url": "https://maillage.invalid/fhir/StructureDefinition/channel", "valueCode": "written"}],
    "identifier": [
        {
            "use": "official",
            "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "PLAC"}]},
            "system": "https://maillage.invalid/fhir/NamingSystem/referral",
            "value": "ADR-2026-000123",
        }
    ],
    "basedOn": [{"reference": "CarePlan/42"}],
    "requisition": {"system": "https://maillage.invalid/fhir/NamingSystem/requisition", "value": "R-1"},
    "status": "active",
    "intent": "order",
    "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "3457005", "display": "Patient referral"}]}],
    "priority": "urgent",
    "code": {
        "coding": [
            {
                "system": "https://mos.esante.gouv.fr/NOS/TRE_R38-SpecialiteOrdinale/FHIR/TRE-R38-SpecialiteOrdinale",
                "code": "SM15",
                "display": "Dermatologie et Vénéréologie",
            }
        ],
        "text": "Avis dermatologique",
    },
    "quantityQuantity": {"value": 4, "unit": "mm", "system": "http://unitsofmeasure.org", "code": "mm"},
    "subject": {"reference": "Patient/019a2b3c-7d00-7abc-8def-0123456789ac", "display": "Durand Pierre"},
    "occurrencePeriod": {"start": "2026-11-22", "end": "2026-12-06"},
    "authoredOn": "2026-11-22T09:30:00+01:00",
    "requester": {"reference": "PractitionerRole/019a2b3c-7d00-7abc-8def-0123456789ad", "display": "Dr Leclerc"},
    "performerType": {"coding": [{"system": "http://snomed.info/sct", "code": "18803008"}]},
    "performer": [{"reference": "HealthcareService/dermato-chic", "display": "Dermatologie, CHIC"}],
    "reasonCode": [
        {
            "coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "D48.5"}],
            "text": "Lésion pigmentée suspecte, évolution en trois mois",
        }
    ],
    "supportingInfo": [{"reference": "DocumentReference/1"}, {"reference": "QuestionnaireResponse/2"}],
    "bodySite": [{"coding": [{"system": "http://snomed.info/sct", "code": "77568009", "display": "Back"}]}],
    "note": [{"authorReference": {"reference": "Practitioner/3"}, "time": "2026-11-22T09:31:00+01:00", "text": "Joignable le matin."}],
}


def best(act: Callable[[], object], rounds: int = 9, times: int = 1000) -> float:
    """Microseconds of one act: the best of several rounds, the least disturbed by the rest of the machine."""
    shortest = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(times):
            act()
        shortest = min(shortest, (time.perf_counter() - start) / times)
    return shortest * 1e6


def main() -> int:
    """Print the measures; 1 when validation costs more than its ceiling."""
    start = time.perf_counter()
    structure("ServiceRequest")
    first = time.perf_counter()
    for name in resource_types():
        structure(name)
        search_parameters(name)
    loaded = time.perf_counter()
    text = encode(REQUEST)
    resource = decode(text)
    if validate(resource):
        print("the ServiceRequest of the bench is not valid", file=sys.stderr)
        return 1
    floor = best(lambda: decode(text))
    print(
        f"tables: first type {(first - start) * 1e3:.1f} ms, all {len(resource_types())} types with their parameters {(loaded - start) * 1e3:.0f} ms"
    )
    print(f"decode      {floor:7.1f} us  (the floor, {len(text)} bytes)")
    checked = best(lambda: validate(resource))
    parameters = search_parameters("ServiceRequest")
    for name, cost in (
        ("validate", checked),
        (f"{len(parameters)} params", best(lambda: [p.values(resource) for p in parameters])),
        ("all values", best(lambda: search_values(resource))),
        ("encode", best(lambda: encode(resource))),
    ):
        print(f"{name:11} {cost:7.1f} us  {cost / floor:5.1f} times decode")
    return 1 if checked / floor > CEILING else 0


if __name__ == "__main__":
    sys.exit(main())
