"""From a received Patient to the row that our rules read: pure, tolerant of what is absent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from maillage.codes import systems
from maillage.directory.identifiers import Mode, ins_may_qualify
from maillage.directory.rows import IdentifierRow, dicts, extension, fold, identifiers, insee, official_name, ref_id

Resource = dict[str, Any]

VALIDATION_MODES_INS = frozenset({"PA", "CN", "AN", "LE"})


@dataclass(frozen=True, slots=True)
class PatientRow:
    """What rules read of a Patient; names also folded, for look-ups."""

    id: str
    family: str
    given: str
    families_folded: tuple[str, ...]
    given_folded: str
    birth_date: date | None
    gender: str
    birth_insee: str
    identity_status: str
    validation_mode: str
    method_collection: str
    qualified: bool
    ins: str
    phone: str
    residence_insee: str
    general_practitioner: str
    deceased: bool
    active: bool


def _families(resource: Resource) -> tuple[str, ...]:
    """Every family name, birth name and name of use, as look-ups compare them."""
    return tuple(sorted({fold(str(name["family"])) for name in dicts(resource.get("name")) if name.get("family")}))


def _first_phone(resource: Resource) -> str:
    phones = [item for item in dicts(resource.get("telecom")) if item.get("system") == "phone" and item.get("value")]
    mobiles = [item for item in phones if item.get("use") == "mobile"]
    return str((mobiles or phones)[0]["value"]) if phones else ""


def _birth_date(resource: Resource) -> date | None:
    text = str(resource.get("birthDate", ""))
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None  # a year or a month alone is a legal FHIR date and no strict trait


@dataclass(frozen=True, slots=True)
class Reliability:
    """The identity reliability extension of FR Core."""

    status: str = ""
    validation_mode: str = ""
    method_collection: str = ""


def reliability(resource: Resource) -> Reliability:
    """Status, validation mode and collection method of an identity, empty when unsaid."""
    whole = extension(resource, systems.EXT_IDENTITY_RELIABILITY)

    def code(name: str) -> str:
        value = extension(whole, name).get("valueCoding")
        return str(value.get("code", "")) if isinstance(value, dict) else ""

    return Reliability(code("identityStatus"), code("validationMode"), code("methodCollection"))


def official_ins(resource: Resource) -> IdentifierRow | None:
    """The INS in use; none when there is no official one."""
    return next((item for item in identifiers(resource) if item.system in systems.INS_SYSTEMS and item.use == "official"), None)


def is_qualified(resource: Resource, mode: Mode) -> bool:
    """VALI, collected from INSi, official INS with a true key, validated on a strong document: only then may the INS leave."""
    proof, ins = reliability(resource), official_ins(resource)
    if ins is None or not ins_may_qualify(ins.system, ins.value, mode):
        return False
    return proof.status == "VALI" and proof.method_collection == "INSI" and proof.validation_mode in VALIDATION_MODES_INS


def rows_from_patient(resource: Resource, mode: Mode = "production") -> PatientRow:
    """The row beside a Patient kept whole."""
    name, proof, ins = official_name(resource), reliability(resource), official_ins(resource)
    givens = name.get("given")
    family, given = str(name.get("family", "")), str(givens[0]) if isinstance(givens, list) and givens else ""
    birth_place = extension(resource, systems.EXT_BIRTH_PLACE).get("valueAddress")
    doctor = next(dicts(resource.get("generalPractitioner")), {})
    return PatientRow(
        id=str(resource.get("id", "")),
        family=family,
        given=given,
        families_folded=_families(resource),
        given_folded=fold(given),
        birth_date=_birth_date(resource),
        gender=str(resource.get("gender", "unknown")),
        birth_insee=insee(birth_place),
        identity_status=proof.status,
        validation_mode=proof.validation_mode,
        method_collection=proof.method_collection,
        qualified=is_qualified(resource, mode),
        ins=ins.normalised if ins else "",
        phone=_first_phone(resource),
        residence_insee=insee(next(dicts(resource.get("address")), {})),
        general_practitioner=ref_id(doctor, "PractitionerRole") or ref_id(doctor, "Practitioner") or ref_id(doctor, "Organization"),
        deceased=bool(resource.get("deceasedBoolean")) or "deceasedDateTime" in resource,
        active=resource.get("active") is not False,
    )
