"""Services as the list and their page show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from maillage.codes.folding import fold
from maillage.codes.specialties import specialties
from maillage.directory import Organization, Place, Service
from maillage.doors.web.typography import french

INTAKE = {
    "bookable": ("Rendez-vous direct", "Le centre choisit un créneau dès l’envoi.", "date"),
    "triage": ("Sur dossier", "Un médecin du service lit la demande avant tout rendez-vous.", "work"),
    "advice-first": ("Avis d’abord", "Le service répond par un avis, puis voit le patient si besoin.", "ask"),
}


@dataclass(frozen=True, slots=True)
class Card:
    """One service in the list."""

    id: str
    name: str
    place: str
    specialties: str
    intake: str
    tone: str
    sites: tuple[str, ...]
    first_criterion: str


def card(service: Service, organizations: dict[str, Organization], sites: dict[str, Place]) -> Card:
    """A service as a line of the list."""
    names = specialties()
    label, _, tone = INTAKE[service.intake]
    return Card(
        service.id,
        service.name,
        organizations[service.organization_id].label,
        ", ".join(names.get(code, code) for code in service.specialties),
        label,
        tone,
        tuple(sites[id].name for id in service.site_ids if id in sites),
        service.criteria[0] if service.criteria else "",
    )


def matches(service: Service, need: str) -> bool:
    """Whether every word of the need is in the name, the specialties or the criteria; accents and case ignored."""
    names = specialties()
    text = fold(" ".join((service.name, *service.criteria, *(names.get(code, "") for code in service.specialties))))
    return all(word in text for word in fold(need).split())


def required_labels(form: dict[str, Any], required: tuple[str, ...]) -> list[str]:
    """The labels of the items that must be answered, the common ones left out: what one must have at hand."""
    common = {"priority", "question", "problem", "treatments", "usual-doctor", "phone", "phone-verified", "channel", "act"}
    common |= {"may-redirect", "may-advise", "may-convert"}
    return [french(text) for link_id, text in _texts(form.get("item", [])) if link_id in required and link_id not in common]


def _texts(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for item in items:
        found += [(item["linkId"], item.get("text", "")), *_texts(item.get("item", []))]
    return found
