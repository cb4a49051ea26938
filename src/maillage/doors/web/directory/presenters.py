"""Services as the list and their page show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from maillage.codes.folding import fold
from maillage.codes.specialties import specialties
from maillage.directory import Covered, Organization, Place, Service
from maillage.doors.web.catalogue import say
from maillage.doors.web.presenters import count, days, plain_date
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
    return [text for link_id, text in _texts(form.get("item", [])) if link_id in required and link_id not in common]


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
        *_wait("visit", waits.appointment, "visite"),
        _open("visit", waits.open),
        *_wait("answer", waits.decision, "réponse"),
        _open("answer", waits.undecided),
    )
    window = say("waits.window", start=plain_date(waits.window_start), end=plain_date(waits.at))
    return Waits(figures, f"{window} {say('waits.meaning', floor=MEDIAN_FLOOR, version=waits.version)}")


def _wait(what: str, wait: Wait, unit: str) -> tuple[Figure, Figure]:
    cases = _cases(wait.n, unit)
    net = say("waits.flagged", cases=cases) if wait.flagged else cases
    return (
        Figure(say(f"waits.{what}.net"), _value(wait.net_p50), _note(net, wait.net_p50, wait.net_p90)),
        Figure(say(f"waits.{what}.gross"), _value(wait.gross_p50), _note(cases, wait.gross_p50, wait.gross_p90)),
    )


def _cases(number: int | None, unit: str) -> str:
    """A count; under the floor of what is told outside the care team, only that it is under."""
    return say("waits.under", count=count(CELL_FLOOR, unit)) if number is None else count(number, unit)


def _value(median: float | None) -> str:
    if median is None:
        return say("waits.too-few")
    return say("waits.under-a-day") if median < 1 else days(median)


def _note(cases: str, median: float | None, p90: float | None) -> str:
    if median is None:
        return cases
    return say("waits.median", cases=cases) if p90 is None else say("waits.median-and-most", cases=cases, most=_of(p90))


def _of(value: float) -> str:
    """`de 3 jours`; what is shorter than a day is never told as none."""
    return say("waits.of-a-day") if value < 1 else say("waits.of", days=days(value))


def _open(what: str, waiting: OpenRequests) -> Figure:
    label, cases = say(f"waits.{what}.open"), _cases(waiting.n, "demande")
    number = cases[:1].upper() + cases[1:]
    if waiting.age_p50 is None:
        return Figure(label, number, "")
    age = say("waits.less", of=_of(waiting.age_p50)) if waiting.age_p50 < 1 else days(waiting.age_p50)
    if waiting.age_p90 is None:
        return Figure(label, number, say("waits.since", age=age))
    return Figure(label, number, say("waits.since-and-most", age=age, most=_of(waiting.age_p90)))


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
    people = count(found.population, "habitant") if found.population is not None else say("map.unknown-population")
    return TerritoryLine(
        found.commune.insee, f"{found.commune.name} ({found.commune.departement})", _groups(found.cpts), _groups(found.hospitals), people
    )


def _groups(found: tuple[tuple[Organization, bool], ...]) -> tuple[str, ...]:
    return tuple(f"{organization.label} ({say('map.part')})" if part else organization.label for organization, part in found)


def population_sources(found: list[Covered]) -> str:
    """Where the populations come from, with their year."""
    told = sorted({f"{one.source}, {one.vintage}" for one in found if one.population is not None})
    return say("territory.sources", sources=" ; ".join(told)) if told else ""
