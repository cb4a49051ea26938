"""Logins, places and sessions as the pages of an account show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from maillage.access import WebSession
from maillage.access.identity import Exercise
from maillage.doors.web.catalogue import role_words, say, word
from maillage.doors.web.language import spoken

_GROUPS = (
    ("Médecins et soignants de ville", "Ils adressent, répondent, lisent les comptes rendus."),
    ("Secrétariats de ville", "Ils accueillent les vacations et suivent les demandes du centre."),
    ("Médecins hospitaliers", "Ils trient, voient les patients, écrivent en retour."),
    ("Bureaux des rendez-vous de l’hôpital", "Ils programment, publient les vacations, relancent."),
    ("Coordination et direction", "Ils regardent l’ensemble."),
)
_CLINICAL = {"medecin", "infirmier", "sage-femme", "biologiste", "dentiste", "chirurgien-dentiste"}
_OFFICE = {"secretaire", "planificateur"}


@dataclass(frozen=True, slots=True)
class Login:
    """One button: who, as what, where."""

    login: str
    name: str
    role: str
    place: str


@dataclass(frozen=True, slots=True)
class Group:
    """Logins that do the same kind of work."""

    title: str
    lead: str
    logins: tuple[Login, ...]


def groups(accounts: Sequence[Any], places: dict[str, tuple[str, str]], services: dict[str, str]) -> list[Group]:
    """The logins by kind of work; `places` gives the name and the kind of each organisation, `services` the one service of a login."""
    sorted_logins: list[list[Login]] = [[] for _ in _GROUPS]
    for row in accounts:
        name, kind = places.get(row["organization_id"], (row["organization_id"], ""))
        rank = _group(frozenset(row["roles"]), kind)
        sorted_logins[rank].append(Login(row["login"], row["display"], _role(row, services), name))
    return [Group(*text, tuple(found)) for text, found in zip(_GROUPS, sorted_logins, strict=True) if found]


def _group(roles: frozenset[str], kind: str) -> int:
    hospital = kind == "hospital"
    if roles & _OFFICE and not roles & _CLINICAL:
        return 3 if hospital else 1
    if roles & _CLINICAL:
        return 2 if hospital or "referent" in roles else 0
    return 4


def _role(row: Any, services: dict[str, str]) -> str:
    """What somebody is, and in which service when there is one."""
    service = services.get(row["login"], "")
    return f"{role_words(row['roles'])}, {service}" if service else role_words(row["roles"])


@dataclass(frozen=True, slots=True)
class Place:
    """One place where somebody may work: the present one is marked."""

    role_id: str
    name: str
    role: str
    current: bool


def exercises(found: Sequence[Exercise], labels: dict[str, str], current: str) -> list[Place]:
    """The places of somebody, by the names of the organisations."""
    return [
        Place(one.role_id, labels.get(one.organization_id, one.organization_id), role_words(one.roles), one.role_id == current)
        for one in found
    ]


@dataclass(frozen=True, slots=True)
class Shown:
    """How and when the present session began."""

    method: str
    began_at: datetime
    authenticated_at: datetime


def session_words(session: WebSession) -> Shown:
    """The present session in words."""
    return Shown(word("sign-in", session.method), session.began_at, session.authenticated_at)


_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Mac OS", "macOS"), ("Linux", "Linux"))


def browser_of(agent: str) -> str:
    """`Firefox/Windows`, as a session keeps it: enough to recognise one's own browser in a list, and nothing that tells it apart from others."""
    return "/".join(next((name for mark, name in names if mark in agent), "") for names in (_BROWSERS, _SYSTEMS))


def browser_words(kept: str) -> str:
    """`Firefox sur Windows`, in the language of the page."""
    browser, _, system = kept.partition("/")
    named = browser or spoken("Navigateur")
    return say("browser.on", browser=named, system=system) if system else named
