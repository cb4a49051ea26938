"""Questions about a patient: the search and the five strict traits of a new record."""

from __future__ import annotations

from datetime import date
from typing import Any

from maillage.codes import systems
from maillage.directory import Commune, check_typed
from maillage.doors.web.forms import Choice, Field, Reader
from maillage.doors.web.view import Values

SEX = (Choice("female", "Féminin"), Choice("male", "Masculin"))
SEX_FIELD = Field("sex", "Sexe", "radio", True, choices=SEX, inline=True)
SEARCH = (
    Field(
        "ins",
        "Matricule INS",
        hint="Quinze chiffres, avec ou sans espaces. Il suffit à lui seul.",
        inputmode="numeric",
        maxlength=25,
        marked=False,
    ),
    Field("family", "Nom de naissance ou nom utilisé", maxlength=100, marked=False),
    Field("given", "Premier prénom de naissance", maxlength=100, marked=False),
    Field("birth_date", "Date de naissance", "date", marked=False),
)
HOMONYM = Field("other_person", "J’ai vérifié : ce n’est aucun de ces patients", "checkbox", required=True)


def creation(communes: list[Commune], *, namesakes: bool) -> list[Field]:
    """The five traits, nothing chosen beforehand; the confirmation appears when namesakes were found."""
    places = tuple(Choice(commune.insee, f"{commune.name} ({commune.departement})") for commune in communes)
    fields = [
        Field("family", "Nom de naissance", required=True, maxlength=100),
        Field(
            "given",
            "Prénoms de naissance",
            required=True,
            hint="Tous, dans l’ordre de la pièce d’identité, séparés par des espaces.",
            maxlength=200,
        ),
        Field("used_name", "Nom utilisé, s’il est différent", maxlength=100),
        SEX_FIELD,
        Field("birth_date", "Date de naissance", "date", required=True),
        Field(
            "birth_commune",
            "Lieu de naissance : commune du territoire",
            "select",
            hint="Pour un autre lieu, remplissez les deux lignes suivantes.",
            choices=places,
            marked=False,
        ),
        Field(
            "birth_insee",
            "Lieu de naissance ailleurs : code INSEE",
            hint="Code de la commune ou du pays, par exemple 75115. Inconnu : 99999.",
            maxlength=5,
            marked=False,
        ),
        Field("birth_city", "Lieu de naissance ailleurs : nom", maxlength=100, marked=False),
        Field("phone", "Téléphone", "tel", maxlength=30),
        Field("ins", "Matricule INS", hint="S’il est connu. Le téléservice INSi le confirmera.", inputmode="numeric", maxlength=25),
    ]
    return [*fields, HOMONYM] if namesakes else fields


def read_creation(values: Values, fields: list[Field], communes: list[Commune], today: date) -> dict[str, Any]:
    """The answers; raises `Invalid` with every error at its field."""
    reader = Reader(values)
    answers = {field.name: reader.read(field) for field in fields}
    names = {commune.insee: commune.name for commune in communes}
    if answers["birth_commune"]:
        answers["birth_insee"], answers["birth_city"] = answers["birth_commune"], names.get(answers["birth_commune"], "")
    elif not answers["birth_insee"]:
        reader.fail("birth_commune", "required")
    if answers["birth_date"] and answers["birth_date"] > today:
        reader.fail("birth_date", "date-in-future")
    typed = {name: answers[name] or "" for name in ("ins", "birth_insee", "phone")}
    for issue in check_typed(**typed):
        reader.fail(issue.expression, issue.reason)
    reader.done()
    return answers


def patient_resource(answers: dict[str, Any], organization: str, today: date, ins_system: str) -> dict[str, Any]:
    """The answers as a FHIR Patient with a provisional identity: nobody has asked the national service yet."""
    given = answers["given"].split()
    listed = {"url": systems.EXT_BIRTH_LIST_GIVEN_NAME, "valueString": " ".join(given)}
    names: list[dict[str, Any]] = [{"extension": [listed], "use": "official", "family": answers["family"], "given": [given[0]]}]
    if answers["used_name"]:
        names.append({"use": "usual", "family": answers["used_name"], "given": [given[0]]})
    resource: dict[str, Any] = {
        "resourceType": "Patient",
        "language": "fr",
        "extension": [_birth_place(answers), _provisional(today)],
        "active": True,
        "name": names,
        "gender": answers["sex"],
        "birthDate": answers["birth_date"].isoformat(),
        "managingOrganization": {"reference": f"Organization/{organization}"},
    }
    if answers["ins"]:
        number = "".join(answers["ins"].split()).upper()
        resource["identifier"] = [{"use": "official", "system": ins_system, "value": number}]
    if answers["phone"]:
        resource["telecom"] = [{"system": "phone", "value": answers["phone"], "use": "mobile", "rank": 1}]
    return resource


def _birth_place(answers: dict[str, Any]) -> dict[str, Any]:
    commune = {"url": systems.EXT_ADDRESS_INSEE_CODE, "valueCoding": {"system": systems.COMMUNE, "code": answers["birth_insee"]}}
    address: dict[str, Any] = {"extension": [commune]}
    if answers["birth_city"]:
        address["city"] = answers["birth_city"]
    return {"url": systems.EXT_BIRTH_PLACE, "valueAddress": address}


def _provisional(today: date) -> dict[str, Any]:
    status = {"url": "identityStatus", "valueCoding": {"system": systems.FR_IDENTITY_STATUS, "code": "PROV"}}
    method = {"url": "methodCollection", "valueCoding": {"system": systems.FR_IDENTITY_COLLECTION, "code": "SM"}}
    return {
        "url": systems.EXT_IDENTITY_RELIABILITY,
        "extension": [status, method, {"url": "dateCollection", "valueDate": today.isoformat()}],
    }
