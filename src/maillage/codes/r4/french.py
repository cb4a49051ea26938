"""Search parameters of the French guides AS 1.2.0, GAP 3.0.0, CDS 2.0.1, PDSm 3.1.1 and SAS 1.2.0 on types of R4, in the form of the compiled tables.

A code that R4 itself has on the type (`Slot.start` of the GAP guide) is not here.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

_GUIDES: Final = "https://interop.esante.gouv.fr/ig/fhir"
_SLOT_SERVICE: Final = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Slot.serviceType"
_ARCHIVED: Final = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived"


_MHD: Final = "https://profiles.ihe.net/ITI/MHD/StructureDefinition"
_IHE: Final = "https://profiles.ihe.net/ITI/MHD/SearchParameter"


class Row(NamedTuple):
    """One parameter; a branch is the steps through the JSON, the type at their end, the implied code system."""

    code: str
    kind: str
    branches: list[tuple[list[Any], str, str]]
    url: str
    targets: tuple[str, ...] = ()
    repeats: bool = False


def _row(name: str, code: str, kind: str, *ways: tuple[list[Any], str], targets: tuple[str, ...] = (), repeats: bool = False) -> Row:
    return Row(code, kind, [(steps, leaf, "") for steps, leaf in ways], f"{_GUIDES}/{name}", targets, repeats)


_AS: Final = "annuaire/SearchParameter"
_AS_EXT: Final = f"{_GUIDES}/annuaire/StructureDefinition"
_INSEE: Final = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code"
_PERIOD: Final = "http://hl7.org/fhir/StructureDefinition/organization-period"
_BIRTHPLACE: Final = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
_CARDS: Final = ("as-ext-practitionerrole-smartcard", "as-ext-smartcard")
"""The search parameter names an extension that the guide itself calls otherwise: both are read."""


def _in(extension: str, *path: Any) -> list[Any]:
    """The steps into an extension of the directory's guide, and into a part of it."""
    return ["extension", ["where", "url", f"{_AS_EXT}/{extension}"], *path]


def _part(name: str, value: str) -> list[Any]:
    return ["extension", ["where", "url", name], value]


_TRACED: Final = (
    _row(
        f"{_AS}/as-sp-data-registration-authority",
        "data-registration-authority",
        "token",
        (_in("as-ext-data-trace", *_part("autorite-enregistrement", "valueCodeableConcept")), "CodeableConcept"),
        repeats=True,
    ),
    _row(
        f"{_AS}/as-sp-data-information-system",
        "data-information-system",
        "token",
        (_in("as-ext-data-trace", *_part("systeme-information", "valueCode")), "code"),
        repeats=True,
    ),
)
_MAILED: Final = (
    _row(f"{_AS}/as-sp-mailbox-mss", "mailbox-mss", "string", (["telecom", "value"], "string"), repeats=True),
    _row(
        f"{_AS}/as-sp-mailbox-mss-type",
        "mailbox-mss-type",
        "token",
        (["telecom", *_in("as-ext-mailbox-mss-metadata", *_part("type", "valueCodeableConcept"))], "CodeableConcept"),
        repeats=True,
    ),
)
_CARDED: Final = (
    _row(
        f"{_AS}/as-sp-number-smartcard",
        "number-smartcard",
        "string",
        *((_in(card, *_part("number", "valueString")), "string") for card in _CARDS),
        repeats=True,
    ),
    _row(
        f"{_AS}/as-sp-type-smartcard",
        "type-smartcard",
        "token",
        *((_in(card, *_part("type", "valueCodeableConcept")), "CodeableConcept") for card in _CARDS),
        repeats=True,
    ),
)

_GAP, _CDS, _PDSM, _SAS = (f"{guide}/SearchParameter" for guide in ("gap", "cds", "pdsm", "sas"))

FRENCH: Final[dict[str, tuple[Row, ...]]] = {
    "Appointment": (
        _row(f"{_GAP}/GAP-Appointment-created", "created", "date", (["created"], "dateTime")),
        _row(f"{_GAP}/GAP-Appointment-description", "description", "string", (["comment"], "string"), (["description"], "string")),
        _row(f"{_GAP}/GAP-Appointment-earliestStart", "start", "date", (["start"], "instant")),
    ),
    "CareTeam": (
        _row(f"{_CDS}/cds-careteam-start", "start", "date", (["period", "start"], "dateTime")),
        _row(f"{_CDS}/cds-careteam-end", "end", "date", (["period", "end"], "dateTime")),
        _row(
            f"{_CDS}/cds-careteam-managing-organization",
            "managingOrganization",
            "reference",
            (["managingOrganization"], "Reference"),
            targets=("Organization",),
            repeats=True,
        ),
        _row(
            f"{_CDS}/cds-careteam-participant-start",
            "participant-start",
            "date",
            (["participant", "period", "start"], "dateTime"),
            repeats=True,
        ),
        _row(
            f"{_CDS}/cds-careteam-participant-end", "participant-end", "date", (["participant", "period", "end"], "dateTime"), repeats=True
        ),
    ),
    "DocumentReference": (
        _row(f"{_PDSM}/PDSm-isArchived", "isArchived", "token", (["extension", ["where", "url", _ARCHIVED], "valueBoolean"], "boolean")),
        _row(f"{_PDSM}/PDSm-DocumentReference-period-start", "period-start", "date", (["context", "period", "start"], "dateTime")),
        _row(f"{_PDSM}/PDSm-DocumentReference-period-end", "period-end", "date", (["context", "period", "end"], "dateTime")),
    ),
    "HealthcareService": _TRACED,
    "List": (
        _row(f"{_PDSM}/PDSm-isArchived", "isArchived", "token", (["extension", ["where", "url", _ARCHIVED], "valueBoolean"], "boolean")),
        _row(
            f"{_PDSM}/PDSm-List-authorOrg",
            "authorOrg",
            "reference",
            (["extension", ["where", "url", f"{_MHD}/ihe-authorOrg"], "valueReference"], "Reference"),
            targets=("Organization",),
            repeats=True,
        ),
        Row(
            "designationType",
            "token",
            [(["extension", ["where", "url", f"{_MHD}/ihe-designationType"], "valueCodeableConcept"], "CodeableConcept", "")],
            f"{_IHE}/DesignationType",
            repeats=True,
        ),
        Row(
            "sourceId",
            "token",
            [(["extension", ["where", "url", f"{_MHD}/ihe-sourceId"], "valueIdentifier"], "Identifier", "")],
            f"{_IHE}/List-SourceId",
            repeats=True,
        ),
    ),
    "Organization": (
        *_TRACED,
        *_MAILED,
        _row(f"{_AS}/as-sp-address-line", "address-line", "string", (["address", "line"], "string"), repeats=True),
        _row(
            f"{_AS}/as-sp-insee-code",
            "address-insee",
            "token",
            (["address", "extension", ["where", "url", _INSEE], "valueCoding"], "Coding"),
            repeats=True,
        ),
        _row(
            f"{_AS}/as-sp-organization-period",
            "period",
            "date",
            (["address", "extension", ["where", "url", _PERIOD], "valuePeriod"], "Period"),
            repeats=True,
        ),
        _row(
            f"{_AS}/as-sp-pharmacy-licence",
            "pharmacy-licence",
            "string",
            (_in("as-ext-organization-pharmacy-licence", "valueString"), "string"),
        ),
    ),
    "Patient": (
        _row(
            f"{_CDS}/cds-patient-birthplace",
            "birthplace",
            "string",
            (["extension", ["where", "url", _BIRTHPLACE], "valueAddress"], "Address"),
        ),
    ),
    "Practitioner": (
        *_TRACED,
        *_MAILED,
        *_CARDED,
        _row(
            f"{_AS}/as-sp-qualification-code", "qualification-code", "token", (["qualification", "code"], "CodeableConcept"), repeats=True
        ),
    ),
    "PractitionerRole": (*_TRACED, *_MAILED, *_CARDED),
    "Slot": (
        _row(
            f"{_SAS}/cptsslot-sp-servicetype",
            "service-type-reference",
            "reference",
            (["serviceType", "extension", ["where", "url", _SLOT_SERVICE], "valueReference"], "Reference"),
            targets=("HealthcareService",),
            repeats=True,
        ),
    ),
}
