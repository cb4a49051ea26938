"""A Subscription and an event of the French guide (NDE 3.0.0), about an invented person of the test domain."""

from __future__ import annotations

from typing import Any

from maillage.messaging.subscriptions.nde import EXTENSION

INS = {
    "use": "official",
    "type": {"coding": [{"system": "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203", "code": "INS-NIR"}]},
    "system": "urn:oid:1.2.250.1.213.1.4.10",
    "value": "279035121518989",
}
ENTRY = {
    "coding": [{"system": "https://mos.esante.gouv.fr/NOS/TRE_R254-TypeEvenement/FHIR/TRE-R254-TypeEvenement", "code": "DOC_CREATION"}]
}


def person(identifier: dict[str, Any] = INS) -> dict[str, Any]:
    names = [{"use": "official", "family": "PAT-TROIS", "given": ["DOMINIQUE"]}]
    return {
        "resourceType": "Patient",
        "id": "patient",
        "identifier": [identifier],
        "name": names,
        "gender": "female",
        "birthDate": "1979-03-01",
    }


def structure(id: str, finess: str) -> dict[str, Any]:
    identifier = {"system": "https://finess.esante.gouv.fr", "value": finess}
    return {"resourceType": "Organization", "id": id, "identifier": [identifier], "name": id}


def subscription(endpoint: str, **more: Any) -> dict[str, Any]:
    told = {
        "start": {"valueDateTime": "2026-11-01"},
        "subject": {"valueReference": {"reference": "#patient"}},
        "declarant": {"valueReference": {"reference": "#declarant"}},
        "event-type": {"valueCodeableConcept": ENTRY},
        "subscriber": {"valueReference": {"reference": "#subscriber"}},
    }
    return {
        "resourceType": "Subscription",
        "meta": {"profile": [EXTENSION + "nde-subscription"]},
        "contained": [person(), structure("declarant", "920150018"), structure("subscriber", "940110018")],
        "extension": [{"url": EXTENSION + name, **value} for name, value in told.items()],
        "status": "requested",
        "reason": "Suivi du parcours",
        "criteria": "CommunicationRequest?",
        "channel": {"type": "rest-hook", "endpoint": endpoint, "payload": "application/fhir+json"},
        **more,
    }


def event(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "CommunicationRequest",
        "contained": [person(), structure("declarant", "920150018")],
        "extension": [
            {"url": EXTENSION + "event-type", "valueCodeableConcept": ENTRY},
            {"url": EXTENSION + "event-time", "valueDateTime": "2026-11-16T08:00:00Z"},
        ],
        "status": "active",
        "subject": {"reference": "#patient"},
        "payload": [{"contentString": "Un document est disponible."}],
        "requester": {"reference": "#declarant"},
        **more,
    }
