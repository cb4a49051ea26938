"""Services as the list and their page show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from maillage.codes.folding import fold
from maillage.codes.specialties import specialties
from maillage.directory import Covered, Organization, Place, Service
from maillage.doors.web.presenters import count, days, plain_date
from maillage.doors.web.typography import french
from maillage.indicators import CELL_FLOOR, MEDIAN_FLOOR, OpenRequests, ServiceWaits, Wait

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


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a service, with what is needed to read it."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class Waits:
    """The waits of a service as its page shows them: gross and net together, those still open beside."""

    figures: tuple[Figure, ...]
    caption: str


def waits_shown(waits: ServiceWaits) -> Waits:
    """The figures of a service, with window and definition."""
    figures = (
        *_wait("Rendez-vous", waits.appointment, "visite"),
        _open("Attendent une visite", waits.open),
        *_wait("Réponse", waits.decision, "réponse"),
        _open("Attendent une réponse", waits.undecided),
    )
    window = f"Du {plain_date(waits.window_start)} au {plain_date(waits.at)}. "
    meaning = (
        "Brut : du premier envoi à la visite, de l'envoi à la réponse. Net : sans les jours du patient pour la visite, sans ceux du "
        f"demandeur pour la réponse. Médiane à partir de {MEDIAN_FLOOR} cas. Définition {waits.version}."
    )
    return Waits(figures, french(window + meaning))


def _wait(label: str, wait: Wait, unit: str) -> tuple[Figure, Figure]:
    cases = _cases(wait.n, unit)
    net = f"{cases}, plus d'un quart du délai retiré" if wait.flagged else cases
    return (
        Figure(f"{label}, délai net", _value(wait.net_p50), french(_note(net, wait.net_p50, wait.net_p90))),
        Figure(f"{label}, délai brut", _value(wait.gross_p50), french(_note(cases, wait.gross_p50, wait.gross_p90))),
    )


def _cases(number: int | None, unit: str) -> str:
    """A count; under the floor of what is told outside the care team, only that it is under."""
    return f"moins de {count(CELL_FLOOR, unit)}" if number is None else count(number, unit)


def _value(median: float | None) -> str:
    if median is None:
        return "Trop peu de cas"
    return french("Moins d'un jour") if median < 1 else days(median)


def _note(cases: str, median: float | None, p90: float | None) -> str:
    if median is None:
        return cases
    return f"médiane, {cases}" if p90 is None else f"médiane, {cases} ; neuf sur dix en moins {_of(p90)}"


def _of(value: float) -> str:
    """`de 3 jours`; what is shorter than a day is never told as none."""
    return "d'un jour" if value < 1 else f"de {days(value)}"


def _open(label: str, waiting: OpenRequests) -> Figure:
    cases = _cases(waiting.n, "demande")
    number = cases[:1].upper() + cases[1:]
    if waiting.age_p50 is None:
        return Figure(label, number, "")
    age = f"moins {_of(waiting.age_p50)}" if waiting.age_p50 < 1 else days(waiting.age_p50)
    most = "" if waiting.age_p90 is None else f" ; neuf sur dix depuis moins {_of(waiting.age_p90)}"
    return Figure(label, number, french(f"depuis {age}, médiane{most}"))


@dataclass(frozen=True, slots=True)
class TerritoryLine:
    """One commune, with who covers it and its inhabitants."""

    insee: str
    name: str
    cpts: tuple[str, ...]
    hospitals: tuple[str, ...]
    population: str


def territory_line(found: Covered) -> TerritoryLine:
    """A commune as a line of the territory."""
    people = count(found.population, "habitant") if found.population is not None else "inconnu"
    return TerritoryLine(
        found.commune.insee, f"{found.commune.name} ({found.commune.departement})", _groups(found.cpts), _groups(found.hospitals), people
    )


def _groups(found: tuple[tuple[Organization, bool], ...]) -> tuple[str, ...]:
    return tuple(f"{organization.label} (en partie)" if part else organization.label for organization, part in found)


def population_sources(found: list[Covered]) -> str:
    """Where the populations come from, with their year."""
    told = sorted({f"{one.source}, {one.vintage}" for one in found if one.population is not None})
    return french(f"Habitants : {' ; '.join(told)}.") if told else ""
