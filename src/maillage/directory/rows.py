"""From a received resource to the rows that our rules read: pure, tolerant of what is absent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from maillage.codes import folding, systems
from maillage.codes.aliases import canonical
from maillage.codes.r4 import interval
from maillage.directory.identifiers import ins_key_ok, normalise
from maillage.directory.types import INTAKES
from maillage.kernel.period import wall_to_utc

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class IdentifierRow:
    """One identifier: the value as received beside the value as compared, with where it stands in the resource."""

    system: str
    type_code: str
    value: str
    normalised: str
    use: str
    expression: str = ""

    @property
    def sure(self) -> bool:
        """An INS in use with a true key: no two active files of one organisation may share it. Only `old` says that it is not in use."""
        return self.system in systems.INS_SYSTEMS and self.use != "old" and ins_key_ok(self.normalised)


@dataclass(frozen=True, slots=True)
class OrganizationRow:
    """What rules read of an Organization."""

    id: str
    name: str
    short_name: str
    kind: str
    category: str
    part_of: str | None
    active: bool


@dataclass(frozen=True, slots=True)
class PractitionerRow:
    """What rules read of a Practitioner."""

    id: str
    family: str
    given: str
    display: str
    active: bool


@dataclass(frozen=True, slots=True)
class RoleRow:
    """What rules read of a PractitionerRole."""

    id: str
    practitioner_id: str
    organization_id: str
    codes: tuple[str, ...]
    specialties: tuple[str, ...]
    service_ids: tuple[str, ...]
    location_ids: tuple[str, ...]
    starts: datetime | None
    ends: datetime | None
    active: bool


@dataclass(frozen=True, slots=True)
class LocationRow:
    """What rules read of a Location."""

    id: str
    name: str
    organization_id: str
    part_of: str | None
    type: str
    insee: str
    active: bool


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A HealthcareService that takes requests here, with its named senior and its triagers."""

    id: str
    name: str
    organization_id: str
    department_id: str | None
    specialties: tuple[str, ...]
    intake: str
    criteria: tuple[str, ...]
    questionnaire_url: str
    questionnaire_version: str
    plan_definition_url: str
    lead_role_id: str
    triager_role_ids: tuple[str, ...]
    site_ids: tuple[str, ...]
    deadlines: str
    minutes: int
    phone: str
    active: bool


def fold(text: str) -> str:
    """Letters only, without accents, lower case: how names are compared."""
    return "".join(char for char in folding.fold(text) if char.isalnum())


def dicts(value: Any) -> Iterator[Resource]:
    """The objects of a list that came from outside; anything else is skipped."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def extension(resource: Any, url: str) -> Resource:
    """The first extension of that URL, `{}` when absent."""
    found = resource.get("extension") if isinstance(resource, dict) else None
    return next((item for item in dicts(found) if canonical(str(item.get("url", ""))) == url), {})


def ref_id(value: Any, kind: str) -> str:
    """The id of a literal reference to `kind`, empty otherwise."""
    text = value.get("reference") if isinstance(value, dict) else None
    prefix, _, id = str(text or "").rpartition("/")
    return id if prefix == kind or prefix.endswith(f"/{kind}") else ""


def codes_of(concepts: Any, system: str) -> tuple[str, ...]:
    """The codes of one system in a list of CodeableConcepts."""
    pairs = (item for concept in dicts(concepts) for item in dicts(concept.get("coding")))
    return tuple(str(item["code"]) for item in pairs if canonical(str(item.get("system", ""))) == system and item.get("code"))


def identifiers(resource: Resource) -> tuple[IdentifierRow, ...]:
    """The identifiers of a resource that have a system and a value."""
    kind = resource["resourceType"]
    found = []
    for rank, item in enumerate(dicts(resource.get("identifier"))):
        system, value = item.get("system"), item.get("value")
        if isinstance(system, str) and isinstance(value, str) and value:
            types = item.get("type")
            type_code = next((str(code.get("code", "")) for code in dicts((types if isinstance(types, dict) else {}).get("coding"))), "")
            normal = normalise(system, value)
            found.append(IdentifierRow(system, type_code, value, normal, str(item.get("use", "")), f"{kind}.identifier[{rank}].value"))
    return tuple(found)


def official_name(resource: Resource) -> Resource:
    """The name that counts: official, else usual, else the first."""
    names = list(dicts(resource.get("name")))
    ranked = sorted(names, key=lambda name: ("official", "usual").index(name["use"]) if name.get("use") in ("official", "usual") else 2)
    return ranked[0] if ranked else {}


def insee(address: Any) -> str:
    """The official commune code of an address, empty when unsaid."""
    value = extension(address, systems.EXT_ADDRESS_INSEE_CODE).get("valueCoding")
    return str(value.get("code", "")) if isinstance(value, dict) else ""


def rows_from_organization(resource: Resource) -> OrganizationRow:
    """The row beside an Organization; a structure that is not of our kinds is `other`."""
    short = extension(resource, systems.EXT_ORGANIZATION_SHORT_NAME).get("valueString", "")
    return OrganizationRow(
        id=resource["id"],
        name=str(resource.get("name", "")),
        short_name=str(short),
        kind=next(iter(codes_of(resource.get("type"), systems.own_code_system("organization-kind"))), "other"),
        category=next(iter(codes_of(resource.get("type"), systems.CATEGORIE_ETABLISSEMENT)), ""),
        part_of=ref_id(resource.get("partOf"), "Organization") or None,
        active=resource.get("active") is not False,
    )


def rows_from_practitioner(resource: Resource) -> PractitionerRow:
    """The row beside a Practitioner."""
    name = official_name(resource)
    family, given = str(name.get("family", "")), " ".join(str(part) for part in name.get("given") or [])
    display = str(name.get("text") or f"{given} {family}".strip())
    return PractitionerRow(resource["id"], family, given, display, resource.get("active") is not False)


def rows_from_role(resource: Resource) -> RoleRow:
    """The row beside a PractitionerRole."""
    return RoleRow(
        id=resource["id"],
        practitioner_id=ref_id(resource.get("practitioner"), "Practitioner"),
        organization_id=ref_id(resource.get("organization"), "Organization"),
        codes=codes_of(resource.get("code"), systems.OWN_ROLE),
        specialties=codes_of(resource.get("specialty"), systems.SPECIALITE_ORDINALE),
        service_ids=_ids(resource.get("healthcareService"), "HealthcareService"),
        location_ids=_ids(resource.get("location"), "Location"),
        starts=_bound(resource.get("period"), "start"),
        ends=_bound(resource.get("period"), "end"),
        active=resource.get("active") is not False,
    )


def _bound(period: Any, name: str) -> datetime | None:
    """One end of a period as an instant: a bare day is a day in Paris, and the last one counts whole."""
    text = str(period.get(name) or "") if isinstance(period, dict) else ""
    span = interval(text)
    if span is None:
        return None
    if len(text) == len("2026-12-24") and "1900" <= text < "9999":
        day = date.fromisoformat(text)
        return wall_to_utc(day + timedelta(days=1) if name == "end" else day, time(0))
    return span[1] if name == "end" and len(text) < len("2026-12-24") else span[0]


def rows_from_location(resource: Resource) -> LocationRow | None:
    """The row beside a Location; None for a territory, where nobody is received."""
    kind = resource.get("physicalType")
    if systems.JURISDICTION in codes_of([kind] if isinstance(kind, dict) else [], systems.LOCATION_PHYSICAL_TYPE):
        return None
    return LocationRow(
        id=resource["id"],
        name=str(resource.get("name", "")),
        organization_id=ref_id(resource.get("managingOrganization"), "Organization"),
        part_of=ref_id(resource.get("partOf"), "Location") or None,
        type=next(iter(codes_of(resource.get("type"), systems.FR_LOCATION_TYPE)), ""),
        insee=insee(resource.get("address")),
        active=resource.get("status", "active") == "active",
    )


def _ids(references: Any, kind: str) -> tuple[str, ...]:
    return tuple(id for item in dicts(references) if (id := ref_id(item, kind)))


def rows_from_service(resource: Resource) -> ServiceRow | None:
    """The row beside a HealthcareService; None when it takes no requests here (no intake that we know)."""
    intake = extension(resource, systems.own_extension("intake")).get("valueCode")
    if intake not in INTAKES:
        return None
    url, _, version = _canonical(resource, "questionnaire").partition("|")
    duration = extension(extension(resource, systems.EXT_SERVICE_TYPE_DURATION), "duration").get("valueDuration", {})
    phones = (str(item.get("value", "")) for item in dicts(resource.get("telecom")) if item.get("system") == "phone")
    return ServiceRow(
        id=resource["id"],
        name=str(resource.get("name", "")),
        organization_id=ref_id(resource.get("providedBy"), "Organization"),
        department_id=ref_id(extension(resource, systems.own_extension("department")).get("valueReference"), "Organization") or None,
        specialties=codes_of(resource.get("specialty"), systems.SPECIALITE_ORDINALE),
        intake=str(intake),
        criteria=tuple(str(item["comment"]) for item in dicts(resource.get("eligibility")) if item.get("comment")),
        questionnaire_url=url,
        questionnaire_version=version,
        plan_definition_url=_canonical(resource, "plan-definition"),
        lead_role_id=next(iter(_role_ids(resource, "lead")), ""),
        triager_role_ids=_role_ids(resource, "triager"),
        site_ids=_ids(resource.get("location"), "Location"),
        deadlines=str(extension(resource, systems.own_extension("deadlines")).get("valueCode", "standard")),
        minutes=int(duration.get("value", 0)) or 20,
        phone=next(phones, ""),
        active=resource.get("active") is not False,
    )


def _canonical(resource: Resource, name: str) -> str:
    return str(extension(resource, systems.own_extension(name)).get("valueCanonical", ""))


def _role_ids(resource: Resource, name: str) -> tuple[str, ...]:
    url = systems.own_extension(name)
    found = (ref_id(item.get("valueReference"), "PractitionerRole") for item in dicts(resource.get("extension")) if item.get("url") == url)
    return tuple(dict.fromkeys(id for id in found if id))
