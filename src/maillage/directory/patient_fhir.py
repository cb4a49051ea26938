"""An invented patient as `fr-core-patient-ins`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from maillage.codes import systems
from maillage.directory.fhir import address, coding, concept, reference

RELIABILITY = {
    "qualified": ("VALI", "CN", "INSI"),
    "validated": ("VALI", "CN", "CV"),
    "retrieved": ("PROV", "", "INSI"),
    "provisional": ("PROV", "", "SM"),
}
"""The four statuses of the national identity rules: status, validation mode, collection method."""


@dataclass(frozen=True, slots=True)
class PatientEntry:
    """One invented patient."""

    id: str
    number: int
    family: str
    given: tuple[str, ...]
    birth_date: date
    gender: str
    birth_insee: str
    birth_city: str
    ins: str
    identity: str
    mobile: str
    line: str
    commune: str
    collected: date
    doctor_role: str
    organization: str


def render_patient(entry: PatientEntry) -> dict[str, Any]:
    """The patient as a FHIR resource: identity first, then how to reach, then who follows."""
    names = {"url": systems.EXT_BIRTH_LIST_GIVEN_NAME, "valueString": " ".join(entry.given)}
    return {
        "resourceType": "Patient",
        "id": entry.id,
        "meta": {"profile": [systems.PROFILE_PATIENT_INS]},
        "language": "fr",
        "extension": [_birth_place(entry), _reliability(entry)],
        "identifier": _identifiers(entry),
        "active": True,
        "name": [{"extension": [names], "use": "official", "family": entry.family, "given": [entry.given[0]]}],
        "telecom": [{"system": "phone", "value": entry.mobile, "use": "mobile", "rank": 1}],
        "gender": entry.gender,
        "birthDate": entry.birth_date.isoformat(),
        "address": [address(entry.commune, line=entry.line, use="home")],
        "generalPractitioner": [reference("PractitionerRole", entry.doctor_role)],
        "managingOrganization": reference("Organization", entry.organization),
    }


def _birth_place(entry: PatientEntry) -> dict[str, Any]:
    commune = {"url": systems.EXT_ADDRESS_INSEE_CODE, "valueCoding": coding(systems.COMMUNE, entry.birth_insee)}
    return {"url": systems.EXT_BIRTH_PLACE, "valueAddress": {"extension": [commune], "city": entry.birth_city}}


def _reliability(entry: PatientEntry) -> dict[str, Any]:
    status, mode, method = RELIABILITY[entry.identity]
    day = entry.collected.isoformat()
    parts: list[dict[str, Any]] = [{"url": "identityStatus", "valueCoding": coding(systems.FR_IDENTITY_STATUS, status)}]
    if mode:
        parts += [
            {"url": "validationDate", "valueDate": day},
            {"url": "validationMode", "valueCoding": coding(systems.FR_IDENTITY_VALIDATION_MODE, mode)},
        ]
    parts += [
        {"url": "methodCollection", "valueCoding": coding(systems.FR_IDENTITY_COLLECTION, method)},
        {"url": "dateCollection", "valueDate": day},
    ]
    return {"url": systems.EXT_IDENTITY_RELIABILITY, "extension": parts}


def _identifiers(entry: PatientEntry) -> list[dict[str, Any]]:
    local = {
        "use": "usual",
        "type": concept(systems.IDENTIFIER_TYPE, "PI", "Patient internal identifier"),
        "system": systems.OWN_PATIENT_NUMBER,
        "value": f"MA{entry.number:07d}",
    }
    if not entry.ins:
        return [local]
    kind = concept(systems.FR_IDENTIFIER_TYPE, systems.INS_TYPE_BY_SYSTEM[systems.INS_TEST])
    return [{"use": "official", "type": kind, "system": systems.INS_TEST, "value": entry.ins}, local]
