"""Our own code systems as FHIR resources, made of the words of the house, and the product's own tables of public codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from maillage.codes import labels, systems
from maillage.codes.labels import Entry
from maillage.codes.specialties import specialties

VERSION = "1"
Chosen = Callable[[Entry], bool]


def _of(kind: str, room: str = "", shown_on: str = "") -> Chosen:
    return lambda entry: entry.kind == kind and room in ("", entry.room) and entry.fhir.startswith(shown_on)


SOURCES: tuple[tuple[str, str, Chosen], ...] = (
    (systems.OWN_REFERRAL_STATE, "États d’une demande", _of("state", "referrals")),
    (systems.OWN_APPOINTMENT_STATE, "États d’un rendez-vous", _of("state", "booking", "Appointment")),
    (systems.OWN_SESSION_STATE, "États d’une vacation", _of("state", "booking", "Schedule")),
    (systems.OWN_REASON, "Motifs", _of("reason")),
    (systems.OWN_VERB, "Actes", _of("verb")),
    (systems.OWN_ROLE, "Rôles", _of("role")),
    (systems.OWN_TURN, "À qui d’agir", _of("turn")),
    (systems.OWN_PRIORITY, "Priorités", _of("priority")),
    (systems.OWN_INTAKE, "Modes d’entrée", _of("intake")),
    (systems.OWN_TERRITORY_LINK, "Liens du territoire", _of("territory-link")),
    (systems.OWN_ISSUE, "Motifs de refus", _of("error")),
)
"""Each system with its French title and the words that it is made of."""


def own_systems() -> Iterator[dict[str, Any]]:
    """CodeSystem resources: French labels, English designations."""
    for url, title, chosen in SOURCES:
        entries = {entry.code: entry for entry in labels.entries() if chosen(entry)}
        yield _resource(url, title, "maillage", [_concept(entry) for entry in entries.values()])
    ordinal = [{"code": code, "display": label} for code, label in specialties().items()]
    yield _resource(systems.SPECIALITE_ORDINALE, "Spécialités ordinales (TRE_R38)", "ANS", ordinal)


def _concept(entry: Entry) -> dict[str, Any]:
    concept: dict[str, Any] = {"code": entry.code, "display": entry.screen_fr}
    if entry.definition:
        concept["definition"] = entry.definition
    return {**concept, "designation": [{"language": "en", "value": entry.screen_en}]} if entry.screen_en else concept


def _resource(url: str, title: str, publisher: str, concepts: list[dict[str, Any]]) -> dict[str, Any]:
    id = url.rpartition("/")[2]
    name = "".join(word.capitalize() for word in id.replace("_", "-").split("-"))
    return {
        "resourceType": "CodeSystem",
        "id": id,
        "url": url,
        "version": VERSION,
        "name": name,
        "title": title,
        "status": "active",
        "publisher": publisher,
        "language": "fr",
        "caseSensitive": True,
        "valueSet": f"{url}?fhir_vs",
        "content": "complete",
        "concept": concepts,
    }
