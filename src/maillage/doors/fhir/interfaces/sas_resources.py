"""From our resources to those of SAS 1.2.0 (FrSlotAgregateur and its companions): pure, and harmless on what a partner already wrote that way."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from maillage.codes import systems
from maillage.kernel.period import PARIS

Resource = dict[str, Any]
SAS: Final = "http://sas.fr/fhir/StructureDefinition/"
CPTS: Final = "https://interop.esante.gouv.fr/ig/fhir/sas/StructureDefinition/sas-cpts-"
PLACE_TYPES: Final = f"{systems.FR_IDENTIFIER_TYPE.rpartition('/')[0]}/fr-core-cs-location-identifier-type"
_PHONE: Final = re.compile(r"0[1-9][0-9]{8}")
_STRUCTURE: Final = (
    (systems.IDNST, "", re.compile(r"1\d{9}|3\d{14}|4\d{14}")),
    (systems.FINESS, "1", re.compile(r"[0-9AB]{9}")),
    (systems.SIRENE, "3", re.compile(r"\d{14}")),
    (systems.RPPS_RANG, "4", re.compile(r"\d{14}")),
)
"""How a structure is told: the national identifier as it is, or the register number behind its prefix."""


def slot(found: Resource, booking_url: str) -> Resource:
    """A free slot: hours with milliseconds and offset, to whom it is shown, where it is booked."""
    types = [one for one in found.get("serviceType", ()) if one != {}]
    made: Resource = {
        "resourceType": "Slot",
        "id": found["id"],
        "meta": _meta(found, f"{CPTS}slot-aggregator" if _is_of_cpts(types) else f"{SAS}FrSlotAgregateur"),
        "identifier": found.get("identifier"),
        "serviceType": types or [{"coding": [{"system": systems.ACT_CODE, "code": "AMB"}]}],
        "specialty": found.get("specialty"),
        "appointmentType": found.get("appointmentType") or {"coding": [{"system": systems.APPOINTMENT_TYPE, "code": "ROUTINE"}]},
        "schedule": found["schedule"],
        "status": found["status"],
        "start": moment(found["start"]),
        "end": moment(found["end"]),
        "comment": found.get("comment") or (booking_url if _is_ours(found) else None),
    }
    return {key: value for key, value in made.items() if value is not None}


def _is_ours(found: Resource) -> bool:
    """Whether the slot is one of a session of ours: a partner's tells its own booking address, or none."""
    return any(one.get("url") == systems.EXT_SLOT_SERVICE_TYPE for one in found.get("extension", ()))


def _is_of_cpts(types: list[Resource]) -> bool:
    return any(coding.get("code") == "604" for one in types for coding in one.get("coding", ()))


def moment(text: str) -> str:
    """An instant as the guide writes it: `2026-12-01T14:00:00.000+01:00`."""
    return datetime.fromisoformat(text).astimezone(PARIS).isoformat(timespec="milliseconds")


def _meta(found: Resource, *profiles: str) -> Resource:
    meta = {key: value for key, value in found.get("meta", {}).items() if key in ("versionId", "lastUpdated", "security", "source")}
    said = [one for one in found.get("meta", {}).get("profile", ()) if one.startswith((SAS, CPTS[:-5]))]
    return {**meta, "profile": said or list(profiles)}


def schedule(found: Resource, place: str) -> Resource:
    """A schedule and whose it is; `place` is where the role of its actor is exercised. A SOS centre's schedule has its place for actor."""
    actors = [one for one in found.get("actor", ()) if _kind(one) in ("Practitioner", "PractitionerRole")]
    kept: Resource = {key: found[key] for key in ("identifier", "active") if key in found}
    return {
        "resourceType": "Schedule",
        "id": found["id"],
        "meta": _meta(found, f"{SAS}FrScheduleAgregateur"),
        **kept,
        "actor": [_exercised(one, place) for one in actors] or found.get("actor", []),
    }


def _kind(item: Resource) -> str:
    return str(item.get("reference", "")).partition("/")[0]


def _exercised(item: Resource, place: str) -> Resource:
    if _kind(item) != "PractitionerRole":
        return {"reference": item["reference"]} if "reference" in item else item
    return {"reference": f"PractitionerRole/{role_id(item['reference'].rpartition('/')[2], place)}"}


def role_id(id: str, place: str) -> str:
    """One role for each place (SAS 1.2.0): a role exercised in several has an id for each of them."""
    if not place:
        return id
    whole = f"{id}.{place}"
    return whole if len(whole) <= 64 else f"{id[:31]}.{hashlib.sha256(whole.encode()).hexdigest()[:32]}"


def place_of(found: Resource) -> str:
    """The id of the place of a schedule: the first Location among its actors."""
    return next((one["reference"].rpartition("/")[2] for one in found.get("actor", ()) if _kind(one) == "Location"), "")


def role(found: Resource, place: str, known: Mapping[str, Resource]) -> Resource:
    """A role in one place: it contains its Location, tells its structure by identifier and where it is called. `known`: by `Type/id`."""
    made: Resource = {
        "resourceType": "PractitionerRole",
        "id": found["id"],
        "meta": _meta(found, f"{SAS}FrPractitionerRoleExerciceAgregateur"),
    }
    if found.get("contained"):
        own = ("contained", "practitioner", "organization", "location", "telecom")
        return made | {key: found[key] for key in own if key in found}
    structure = known.get(str(found.get("organization", {}).get("reference", "")), {})
    named: Resource = next(iter(found.get("location", ())), {})
    where = known.get(f"Location/{place}") or known.get(str(named.get("reference", "")), {})
    if where:
        made["contained"] = [_location(where, structure)]
        made["location"] = [{"reference": "#place"}]
    made["practitioner"] = {"reference": found["practitioner"]["reference"]}
    identifier = structure_identifier(structure, known)
    if identifier:
        made["organization"] = {"identifier": identifier}
    phones = [one["value"] for one in (*found.get("telecom", ()), *structure.get("telecom", ())) if one.get("system") == "phone"]
    made["telecom"] = [{"system": "phone", "value": number} for number in dict.fromkeys(_dialled(phone) for phone in phones) if number][:1]
    return {key: value for key, value in made.items() if value}


def _location(found: Resource, structure: Resource) -> Resource:
    own = found.get("address", {})
    other: Resource = next(iter(structure.get("address", ())), {})
    lines = own.get("line") or other.get("line") or [found.get("name", "")]
    address = {
        "line": [" ".join(lines)],
        "city": own.get("city") or other.get("city"),
        "postalCode": own.get("postalCode") or other.get("postalCode"),
    }
    number = {
        "type": {"coding": [{"system": PLACE_TYPES, "code": "INTRN"}]},
        "system": systems.own_naming_system("location"),
        "value": found["id"],
    }
    return {
        "resourceType": "Location",
        "id": "place",
        "meta": {"profile": [f"{SAS}FrLocationAgregateur"]},
        "identifier": [number],
        "name": found.get("name"),
        "address": {key: value for key, value in address.items() if value},
    }


def structure_identifier(found: Resource, known: Mapping[str, Resource]) -> Resource | None:
    """`1` and the FINESS, `3` and the SIRET, `4` and the RPPS-rang; a part without any is told by its whole."""
    for system, prefix, form in _STRUCTURE:
        for one in found.get("identifier", ()):
            if one.get("system") == system and form.fullmatch(one.get("value", "")):
                kind = {"coding": [{"system": systems.FR_IDENTIFIER_TYPE, "code": "IDNST"}]}
                return {"type": kind, "system": systems.IDNST, "value": prefix + one["value"]}
    whole = known.get(str(found.get("partOf", {}).get("reference", "")))
    return structure_identifier(whole, {}) if whole else None


def _dialled(phone: str) -> str:
    """`01 99 00 12 34` is `+33199001234`; a number that is no French one stays as it is when it says its country."""
    digits = re.sub(r"[\s.\-()]", "", phone)
    if digits.startswith("+"):
        return digits
    return f"+33{digits[1:]}" if _PHONE.fullmatch(digits) else ""


def practitioner(found: Resource) -> Resource:
    """A professional by the national identifier that was asked: `8` and the RPPS."""
    kind = {"coding": [{"system": systems.FR_IDENTIFIER_TYPE, "code": "IDNPS"}]}
    values = [one["value"] for one in found.get("identifier", ()) if one.get("system") == systems.IDNPS and one.get("value")]
    values += [f"8{one['value']}" for one in found.get("identifier", ()) if one.get("system") == systems.RPPS and one.get("value")]
    made = {
        "resourceType": "Practitioner",
        "id": found["id"],
        "meta": _meta(found, f"{SAS}FrPractitionerAgregateur"),
        "identifier": [{"type": kind, "system": systems.IDNPS, "value": value} for value in dict.fromkeys(values)],
        "active": found.get("active"),
        "name": found.get("name"),
        "telecom": found.get("telecom") if found.get("meta", {}).get("source") == systems.SAS_SOURCE else None,
    }
    return {key: value for key, value in made.items() if value not in (None, [])}
