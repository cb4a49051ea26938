"""Scopes as sentences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from maillage.access.scopes import LETTERS, Scope, read_scope
from maillage.doors.web.catalogue import listed, say
from maillage.doors.web.language import spoken

ACTS = {"c": "créer", "r": "lire", "u": "modifier", "d": "supprimer", "s": "chercher"}
WORDS = {
    "openid": "Savoir qui vous êtes",
    "fhirUser": "Savoir quelle est votre fiche dans l’annuaire",
    "launch": "Savoir de quel patient vous avez ouvert la page",
    "launch/patient": "Savoir de quel patient il s’agit",
    "online_access": "Continuer tant que vous êtes connecté, dix heures au plus",
}
TYPES = {
    "*": "toutes les données",
    "Appointment": "les rendez-vous",
    "CommunicationRequest": "les événements déclarés",
    "Composition": "les documents structurés",
    "Condition": "les problèmes de santé",
    "DiagnosticReport": "les comptes rendus",
    "DocumentReference": "les documents",
    "Encounter": "les venues",
    "HealthcareService": "les services",
    "Location": "les lieux",
    "Observation": "les observations et résultats",
    "Organization": "les structures",
    "Patient": "l’identité des patients",
    "Practitioner": "les professionnels",
    "PractitionerRole": "les activités des professionnels",
    "QuestionnaireResponse": "les formulaires remplis",
    "ServiceRequest": "les demandes",
    "Slot": "les créneaux",
    "Subscription": "les abonnements",
    "Task": "le suivi des demandes",
}


@dataclass(frozen=True, slots=True)
class Allowed:
    """A consent that lives, as its giver reads it."""

    id: str
    name: str
    lines: tuple[str, ...]
    since: datetime
    until: datetime


def sentences(scopes: Iterable[str]) -> tuple[str, ...]:
    """What each scope lets the app do, in the order in which it was asked for."""
    return tuple(_sentence(text) for text in scopes)


def _sentence(text: str) -> str:
    scope = read_scope(text)
    if scope is None:
        return spoken(WORDS.get(text, text))
    whose = say("scope.of-patient") if scope.context == "patient" else say("scope.that-you-see")
    return scope_words(scope, f" {whose}")


def scope_words(scope: Scope, whose: str = "") -> str:
    """`Lire et chercher les demandes`, in the language of the page; `whose` follows what it is about."""
    acts = listed(spoken(ACTS[letter]) for letter in LETTERS if letter in scope.letters)
    only = f" {say('scope.only', criteria=' ; '.join(f'{name} = {value}' for name, value in scope.criteria))}" if scope.criteria else ""
    return f"{acts.capitalize()} {spoken(TYPES.get(scope.type, scope.type))}{whose}{only}"


def host_of(address: str) -> str:
    """The site to which the person goes back."""
    return urlsplit(address).netloc


def allowed(row: Any) -> Allowed:
    """A row of `grants_of`."""
    return Allowed(row["id"], row["display"] or row["client"], sentences(row["scopes"]), row["created_at"], row["expires_at"])
