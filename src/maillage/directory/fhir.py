"""FR Core 2.2.0 resources rendered from the data files; `meta.profile` is written without version."""

from __future__ import annotations

from typing import Any

from maillage.codes import systems
from maillage.codes.specialties import coding as specialty_coding
from maillage.directory.territory import (
    PersonEntry,
    PlaceEntry,
    RoleEntry,
    ServiceEntry,
    StructureEntry,
    communes,
    people,
    role_entries,
    structures,
)
from maillage.directory.types import Commune, Membership

Resource = dict[str, Any]

_TYPE_3307 = {
    "ght": "GHT",
    "hospital": "GEOGRAPHICAL-ENTITY",
    "town": "LEGAL-ENTITY",
    "centre": "GEOGRAPHICAL-ENTITY",
    "department": "SERVICE",
}
_FUNCTIONS = {"referent": ("FON-35", "Chef de service"), "biologiste": ("FON-41", "Biologiste médical")}
_TITLES = {"10": "DR", "40": "DR"}
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri"]


def reference(kind: str, id: str, display: str = "") -> dict[str, str]:
    """A literal reference."""
    return {"reference": f"{kind}/{id}", **({"display": display} if display else {})}


def coding(system: str, code: str, display: str = "") -> dict[str, str]:
    """One Coding."""
    return {"system": system, "code": code, **({"display": display} if display else {})}


def concept(system: str, code: str, display: str = "") -> dict[str, Any]:
    """One CodeableConcept with one Coding."""
    return {"coding": [coding(system, code, display)]}


def identifier(
    system: str, value: str, type_code: str = "", type_system: str = systems.FR_IDENTIFIER_TYPE, use: str = "official"
) -> dict[str, Any]:
    """One Identifier, typed when `type_code` is given."""
    kind = {"type": concept(type_system, type_code)} if type_code else {}
    return {"use": use, **kind, "system": system, "value": value}


def phone(value: str, use: str = "work") -> dict[str, Any]:
    """A telephone as FR Core wants it."""
    return {"system": "phone", "value": value, "use": use}


def mssante(value: str) -> dict[str, Any]:
    """A mail box of the MSSanté space."""
    kind = {"url": systems.EXT_EMAIL_TYPE, "valueCoding": coding(systems.TYPE_MESSAGERIE, "MSSANTE", "MSSANTE")}
    return {"extension": [kind], "system": "email", "value": value, "use": "work"}


def _commune(insee: str) -> Commune:
    return next(commune for commune in communes() if commune.insee == insee)


def address(insee: str, postal_code: str = "", line: str = "", use: str = "work") -> dict[str, Any]:
    """An address with its official commune code."""
    commune = _commune(insee)
    return {
        "extension": [{"url": systems.EXT_ADDRESS_INSEE_CODE, "valueCoding": coding(systems.COMMUNE, insee, commune.name)}],
        "use": use,
        "type": "both",
        **({"line": [line]} if line else {}),
        "city": commune.name,
        "postalCode": postal_code or commune.postal_codes[0],
        "country": "FR",
    }


def render_organization(entry: StructureEntry) -> Resource:
    """A structure as an Organization; hospitals, centres and towns as establishments."""
    establishment = entry.kind in ("hospital", "town", "centre")
    types = [concept(systems.own_code_system("organization-kind"), entry.kind)]
    if entry.kind in _TYPE_3307:
        types.append(concept(systems.FR_ORGANIZATION_TYPE, _TYPE_3307[entry.kind]))
    if entry.category:
        types.append(concept(systems.CATEGORIE_ETABLISSEMENT, entry.category))
    telecom = ([phone(entry.phone)] if entry.phone else []) + ([mssante(entry.mssante)] if entry.mssante else [])
    resource: Resource = {
        "resourceType": "Organization",
        "id": entry.id,
        "meta": {"profile": [systems.PROFILE_ORGANIZATION_ETABLISSEMENT if establishment else systems.PROFILE_ORGANIZATION]},
        "language": "fr",
        "extension": _organization_extensions(entry),
        "identifier": _organization_identifiers(entry),
        "active": True,
        "type": types,
        "name": entry.name,
        "alias": [entry.short_name] if entry.short_name else [],
        "telecom": telecom,
        "address": [address(entry.commune, entry.postal_code, entry.line)] if entry.commune else [],
        "partOf": reference("Organization", entry.part_of) if entry.part_of else None,
    }
    return _without_empty(resource)


def _organization_extensions(entry: StructureEntry) -> list[dict[str, Any]]:
    members = [{"url": systems.EXT_ORGANIZATION_MEMBER, "valueReference": reference("Organization", id)} for id in entry.members]
    short = [{"url": systems.EXT_ORGANIZATION_SHORT_NAME, "valueString": entry.short_name}] if entry.short_name else []
    return short + members


def _organization_identifiers(entry: StructureEntry) -> list[dict[str, Any]]:
    own = identifier(systems.own_naming_system("organization"), entry.id, "INTRN", use="secondary")
    if not entry.finess:
        return [own]
    national = identifier(systems.IDNST, "1" + entry.finess, "IDNST")
    return [identifier(systems.FINESS, entry.finess, "FINEG"), national, own]


def render_location(entry: PlaceEntry) -> Resource:
    """A site or a room as a Location."""
    site = _commune(entry.commune) if entry.commune else None
    structure = next(item for item in structures() if item.id == entry.organization)
    resource: Resource = {
        "resourceType": "Location",
        "id": entry.id,
        "meta": {"profile": [systems.PROFILE_LOCATION]},
        "language": "fr",
        "identifier": [identifier(systems.own_naming_system("location"), entry.id, use="secondary")],
        "status": "active",
        "name": entry.name,
        "mode": "instance",
        "type": [concept(systems.FR_LOCATION_TYPE, entry.type)] if entry.type else [],
        "address": address(entry.commune, structure.postal_code, structure.line) if site else None,
        "position": {"longitude": site.longitude, "latitude": site.latitude} if site else None,
        "managingOrganization": reference("Organization", entry.organization),
        "partOf": reference("Location", entry.part_of) if entry.part_of else None,
    }
    return _without_empty(resource)


def commune_id(insee: str) -> str:
    """The id of the Location of a commune."""
    return f"commune-{insee}"


def render_commune(entry: Commune) -> Resource:
    """A commune as a Location: a jurisdiction, no place where somebody is seen. Its official code is in its address, as FR Core writes it."""
    return {
        "resourceType": "Location",
        "id": commune_id(entry.insee),
        "meta": {"profile": [systems.PROFILE_LOCATION]},
        "language": "fr",
        "identifier": [identifier(systems.own_naming_system("commune"), entry.insee, use="secondary")],
        "status": "active",
        "name": entry.name,
        "mode": "instance",
        "physicalType": concept(systems.LOCATION_PHYSICAL_TYPE, systems.JURISDICTION, "Jurisdiction"),
        "address": address(entry.insee),
        "position": {"longitude": entry.longitude, "latitude": entry.latitude},
    }


def render_membership(entry: Membership) -> Resource:
    """A dated link of the territory as an OrganizationAffiliation, for which FR Core 2.2.0 has no profile: a community or a hospital's basin
    on the one side, a commune or a community on the other, and whether it is covered in part only."""
    link = "coverage" if entry.kind == "cpts-commune" else "basin"
    whole: Resource = {
        "resourceType": "OrganizationAffiliation",
        "id": f"{link}-{entry.group}-{entry.member}",
        "language": "fr",
        "extension": [
            {"url": systems.own_extension("part"), "valueBoolean": entry.part},
            {"url": systems.own_extension("source"), "valueString": entry.source},
        ],
        "active": True,
        "period": {"start": entry.since.isoformat()},
        "organization": reference("Organization", entry.group),
        "code": [concept(systems.OWN_TERRITORY_LINK, link)],
    }
    if entry.kind == "basin-cpts":
        return {**whole, "participatingOrganization": reference("Organization", entry.member)}
    return {**whole, "location": [reference("Location", commune_id(entry.member), _commune(entry.member).name)]}


def render_practitioner(entry: PersonEntry) -> Resource:
    """An invented professional as a Practitioner."""
    civility = "MME" if entry.gender == "female" else "M"
    title = [_TITLES[entry.profession]] if entry.profession in _TITLES else []
    resource: Resource = {
        "resourceType": "Practitioner",
        "id": entry.id,
        "meta": {"profile": [systems.PROFILE_PRACTITIONER]},
        "language": "fr",
        "identifier": _person_identifiers(entry),
        "active": True,
        "name": [{"text": entry.display, "family": entry.family, "given": [entry.given], "prefix": [civility], "suffix": title}],
        "telecom": [mssante(f"{entry.id.replace('-', '.')}@pro.mssante.example")],
        "gender": entry.gender,
        "qualification": _qualifications(entry),
    }
    resource["name"] = [_without_empty(resource["name"][0])]
    return _without_empty(resource)


def _person_identifiers(entry: PersonEntry) -> list[dict[str, Any]]:
    if not entry.rpps:
        return [identifier(systems.own_naming_system("practitioner"), entry.id, "EI", systems.IDENTIFIER_TYPE, "secondary")]
    return [identifier(systems.IDNPS, "8" + entry.rpps, "IDNPS"), identifier(systems.RPPS, entry.rpps, "RPPS")]


def _qualifications(entry: PersonEntry) -> list[dict[str, Any]]:
    if entry.profession == "none":
        return []
    category = coding(
        systems.nos("TRE_R09-CategorieProfessionnelle"), "M" if entry.military else "C", "Militaire" if entry.military else "Civil"
    )
    found = [{"code": {"coding": [category, coding(systems.PROFESSION, entry.profession)]}}]
    specialties = sorted({role.specialty for role in role_entries() if role.practitioner == entry.id and role.specialty})
    know_how = [{"code": {"coding": [coding(systems.nos("TRE_R04-TypeSavoirFaire"), "S"), specialty_coding(code)]}} for code in specialties]
    return found + know_how


def render_practitioner_role(entry: RoleEntry) -> Resource:
    """One person in one place as a PractitionerRole."""
    person = next(item for item in people() if item.id == entry.practitioner)
    structure = next(item for item in structures() if item.id == entry.organization)
    functions = [concept(systems.FONCTION, *_FUNCTIONS[code]) for code in entry.codes if code in _FUNCTIONS]
    resource: Resource = {
        "resourceType": "PractitionerRole",
        "id": entry.id,
        "meta": {"profile": [systems.PROFILE_PRACTITIONER_ROLE]},
        "language": "fr",
        "identifier": [identifier(systems.own_naming_system("practitioner-role"), entry.id, use="secondary")],
        "active": True,
        "practitioner": reference("Practitioner", person.id, person.display),
        "organization": reference("Organization", structure.id, structure.short_name or structure.name),
        "code": [concept(systems.OWN_ROLE, code) for code in entry.codes] + functions,
        "specialty": [{"coding": [specialty_coding(entry.specialty)]}] if entry.specialty else [],
        "location": [reference("Location", id) for id in entry.sites],
        "healthcareService": [reference("HealthcareService", id) for id in entry.services],
        "telecom": [phone(structure.phone)] if structure.phone else [],
    }
    return _without_empty(resource)


def render_healthcare_service(entry: ServiceEntry, questionnaire: str, plan_definition: str) -> Resource:
    """A service as a HealthcareService; what our rules read travels in our extensions."""
    specialties = [{"coding": [specialty_coding(code)]} for code in entry.specialties]
    duration = {"value": entry.minutes, "unit": "min", "system": systems.UCUM, "code": "min"}
    length = [{"url": "serviceType", "valueCodeableConcept": specialties[0]}, {"url": "duration", "valueDuration": duration}]
    roles = [("lead", entry.lead), *(("triager", id) for id in entry.triagers)]
    resource: Resource = {
        "resourceType": "HealthcareService",
        "id": entry.id,
        "meta": {"profile": [systems.PROFILE_HEALTHCARE_SERVICE]},
        "language": "fr",
        "extension": [
            {"url": systems.EXT_SERVICE_TYPE_DURATION, "extension": length},
            {"url": systems.own_extension("intake"), "valueCode": entry.intake},
            {"url": systems.own_extension("deadlines"), "valueCode": entry.deadlines},
            {"url": systems.own_extension("questionnaire"), "valueCanonical": questionnaire},
            {"url": systems.own_extension("plan-definition"), "valueCanonical": plan_definition},
            {"url": systems.own_extension("department"), "valueReference": reference("Organization", entry.department)},
            *({"url": systems.own_extension(name), "valueReference": reference("PractitionerRole", id)} for name, id in roles),
        ],
        "identifier": [identifier(systems.own_naming_system("healthcare-service"), entry.id, use="secondary")],
        "active": True,
        "providedBy": reference("Organization", entry.organization),
        "specialty": specialties,
        "location": [reference("Location", id) for id in entry.sites],
        "name": entry.name,
        "telecom": [phone(entry.phone)],
        "eligibility": [{"comment": criterion} for criterion in entry.criteria],
        "appointmentRequired": True,
        "availableTime": [{"daysOfWeek": WEEKDAYS, "availableStartTime": "08:00:00", "availableEndTime": "18:00:00"}],
    }
    return resource


def _without_empty(resource: Resource) -> Resource:
    """FHIR forbids empty lists and nulls."""
    return {key: value for key, value in resource.items() if value not in (None, [], {}, "")}
