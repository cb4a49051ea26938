"""The questions of a choice: nothing chosen beforehand, a refusal as easy as an agreement (GDPR 7, interface rules)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

from maillage.access import choices
from maillage.directory import Organization, Role
from maillage.doors.web.catalogue import word
from maillage.doors.web.forms import Choice, Field, Reader
from maillage.doors.web.view import Values
from maillage.kernel.period import wall_to_utc

EVERYBODY = "tous"


def speaker() -> Field:
    """Who says it: the patient, or who speaks for the patient."""
    speakers = tuple(Choice(code, word("speaker", code)) for code in choices.SPEAKERS)
    return Field("said-by", "Qui exprime ce choix ?", "radio", True, choices=speakers)


def withdrawal() -> Field:
    """Who says that a choice ends."""
    return replace(speaker(), label="Qui exprime ce retrait ?")


def opposition(organizations: Sequence[Organization], people: Sequence[Role], documents: Sequence[tuple[str, str]]) -> list[Field]:
    """What is refused, to whom, said by whom."""
    targets = (
        Choice(EVERYBODY, "Tous, hors la structure qui tient chaque dossier"),
        *(Choice(f"organization:{one.id}", one.name, group="Une structure") for one in organizations),
        *(
            Choice(f"practitioner:{one.practitioner_id}", f"{one.display}, {one.organization_name}", group="Un professionnel")
            for one in people
        ),
        *(Choice(f"document:{reference}", label, group="Un document") for reference, label in documents),
    )
    return [
        Field("act", "Ce que le patient refuse", "radio", True, choices=tuple(Choice(act, word("choice", act)) for act in choices.ACTS)),
        Field(
            "target", "À qui, ou sur quoi", "select", True, choices=targets, hint="Les messages et l’accès d’urgence se refusent pour tous."
        ),
        speaker(),
    ]


def consent(organizations: Sequence[Organization]) -> list[Field]:
    """To whom, until when, said by whom; the form stands beside the one of oppositions."""
    asked = [
        Field("organization", "À quelle structure", "select", True, choices=tuple(Choice(one.id, one.name) for one in organizations)),
        Field("until", "Jusqu’au", "date", True, hint="Le patient peut retirer son consentement avant cette date."),
        speaker(),
    ]
    return [replace(field, scope="accord-") for field in asked]


def read_opposition(values: Values, fields: Sequence[Field]) -> dict[str, Any]:
    """The answers as the verb wants them. Raises `Invalid` with every error at its field."""
    reader = Reader(values)
    found = {field.name: reader.read(field) for field in fields}
    reader.done()
    kind, _, id = str(found["target"]).partition(":")
    target = {} if kind == EVERYBODY else {kind: id}
    return {"act": found["act"], "said_by": found["said-by"], **target}


def read_consent(values: Values, fields: Sequence[Field]) -> dict[str, Any]:
    """The same for a consent: its last day counts to its end."""
    reader = Reader(values)
    found = {field.name: reader.read(field) for field in fields}
    reader.done()
    return {"organization": found["organization"], "said_by": found["said-by"], "ends": end_of(found["until"])}


def end_of(day: date) -> datetime:
    """The last minute of a day in Paris."""
    return wall_to_utc(day, time(23, 59))
