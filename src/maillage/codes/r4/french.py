"""Search parameters of the French guides GAP 3.0.0, CDS 2.0.1, PDSm 3.1.1 and SAS 1.2.0 on types of R4, in the form of the compiled tables.

A code that R4 itself has on the type (`Slot.start` of the GAP guide) is not here.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

_GUIDES: Final = "https://interop.esante.gouv.fr/ig/fhir"
_SLOT_SERVICE: Final = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Slot.serviceType"
_ARCHIVED: Final = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived"


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
