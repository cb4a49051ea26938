"""The resources of the bench: invented, of believable sizes."""

from __future__ import annotations

from typing import Any

NUMBERS = "urn:oid:1.2.3"
"""The identifier system of the copied patients."""


def patient(id: str, number: str, family: str) -> dict[str, Any]:
    """A patient of the centre."""
    return {
        "resourceType": "Patient",
        "id": id,
        "identifier": [{"system": NUMBERS, "value": f"N{number}"}],
        "name": [{"use": "official", "family": f"Nom{family}", "given": ["Élodie", "Marie"]}],
        "telecom": [{"system": "phone", "value": "06 39 98 00 01"}],
        "gender": "female",
        "birthDate": "1974-12-25",
        "address": [{"line": ["1 rue de l'Essai"], "city": "Clamart", "postalCode": "92140", "country": "FRA"}],
    }


def task(id: str, person: str, owner: str) -> dict[str, Any]:
    """A Task addressed to no service of ours: kept whole."""
    return {
        "resourceType": "Task",
        "id": id,
        "status": "requested",
        "intent": "order",
        "priority": "routine",
        "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]},
        "description": "x" * 300,
        "for": {"reference": f"Patient/{person}"},
        "authoredOn": "2026-11-16T08:00:00+01:00",
        "owner": {"reference": f"Organization/{owner}"},
    }


def organization(id: str) -> dict[str, Any]:
    """An owner of tasks."""
    return {"resourceType": "Organization", "id": id, "active": True, "name": f"Essai {id}"}


def request(person: str) -> dict[str, Any]:
    """A ServiceRequest of 2 kB addressed to no service of ours."""
    return {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "priority": "routine",
        "code": {"coding": [{"system": "http://loinc.org", "code": "11488-4", "display": "Consult note"}], "text": "Consultation"},
        "subject": {"reference": f"Patient/{person}"},
        "authoredOn": "2026-11-16T08:00:00+01:00",
        "reasonCode": [{"text": "Douleurs abdominales depuis trois mois"}],
        "note": [{"text": "n" * 1500}],
    }


def letter(person: str) -> dict[str, Any]:
    """The letter that comes with a referral: kept whole."""
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": "57133-1", "display": "Referral note"}]},
        "subject": {"reference": person},
        "date": "2026-11-16T08:00:00+01:00",
        "content": [{"attachment": {"contentType": "text/plain", "data": "TWVyY2kgZGUgdm90cmUgYXZpcy4=", "title": "Lettre"}}],
    }
