"""Clients, their keys, their subscriptions and what did not arrive, in words. Nothing here says what an event was about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from maillage.access.clients.published.rules import serving, were_away
from maillage.access.clients.rules import Fingerprint, fingerprints
from maillage.access.clients.types import Client
from maillage.access.scopes import read_scope
from maillage.doors.web.apps.presenters import TYPES, scope_words
from maillage.doors.web.catalogue import explain, say, sentences, word
from maillage.doors.web.language import spoken
from maillage.messaging import incoming

SOON = timedelta(days=30)
"""Before the end of a certificate: the time that a renewal takes."""

KINDS = {
    "token": "Jeton remis par l’exploitant",  # nosec B105  # a label, not a secret
    "backend": "Logiciel",
    "app": "Application d’une personne",
    "public-app": "Application d’une personne",
}
STATES = {
    "requested": ("Prise de contact", "wait"),
    "active": ("Actif", "good"),
    "error": ("Arrêté par une erreur", "bad"),
    "off": ("Terminé", "off"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A client in the list."""

    name: str
    label: str
    kind: str
    badge: tuple[str, str]
    certificate: tuple[str, str] | None
    token_at: datetime | None
    answered_at: datetime | None
    dead: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Followed:
    """A subscription."""

    id: str
    about: str
    badge: tuple[str, str]
    why: str
    endpoint: str
    events: int
    waiting: int
    dead: int
    answered_at: datetime | None
    failed_at: datetime | None
    may_restart: bool


@dataclass(frozen=True, slots=True)
class Exchange:
    """One event on its way."""

    id: str
    number: int
    about: str
    at: datetime
    tried_at: datetime | None
    badge: tuple[str, str]
    why: str
    tries: int
    destination: str


@dataclass(frozen=True, slots=True)
class Peer:
    """Another installation of maillage, as far as one organisation shares requests with it."""

    name: str
    address: str
    why: str
    shared: int
    waiting: int
    refused: int
    since: datetime | None
    answered_at: datetime | None


def peers(rows: Sequence[Any]) -> list[Peer]:
    """The installations with which an organisation shares requests."""
    return [_peer(row) for row in rows]


def _peer(row: Any) -> Peer:
    why = say("peers.away") if row["error"] else ""
    return Peer(row["client"], row["address"], why, row["shared"], row["waiting"], row["refused"], row["since"], row["answered_at"])


def lines(clients: Sequence[Client], followed: Sequence[Any], now: datetime) -> list[Line]:
    """The clients of an organisation."""
    return [_line(client, [row for row in followed if row["client"] == client.name], now) for client in clients]


def _line(client: Client, rows: Sequence[Any], now: datetime) -> Line:
    dead, waiting = (sum(row[name] for row in rows) for name in ("dead", "waiting"))
    answered = max((row["answered_at"] for row in rows if row["answered_at"]), default=None)
    badge = ("Fermé", "off") if client.disabled else ("Envois en échec", "bad") if dead else ("Ouvert", "good")
    return Line(
        client.name,
        client.display,
        spoken(KINDS[client.kind]),
        badge,
        certificate_badge(client, now),
        client.token_at,
        answered,
        dead,
        waiting,
    )


def certificate_badge(client: Client, now: datetime) -> tuple[str, str] | None:
    """How long the certificate of a client is still good; None without one, or without its dates."""
    ends = client.certificate_until
    if ends is None:
        return None
    if ends <= now:
        return ("Certificat expiré", "bad")
    return ("Certificat bientôt expiré", "alert") if ends - now < SOON else ("Certificat valable", "good")


def keys(client: Client) -> tuple[Fingerprint, ...]:
    """Its public keys, by name and fingerprint."""
    return fingerprints(client.jwks)


def published(client: Client, now: datetime) -> tuple[str, str] | None:
    """How the address where it publishes its keys answers; None where there is none, or nobody asked yet."""
    if client.keys_asked_at is None:
        return None
    if not were_away(client):
        return ("Clés publiées reçues", "good")
    return ("Serveur de clés injoignable", "alert" if serving(client, now) else "bad")


def scopes(client: Client) -> list[tuple[str, str]]:
    """Each scope in words, and as it is written."""
    return [(_sentence(text), text) for text in client.scopes]


def _sentence(text: str) -> str:
    scope = read_scope(text)
    return text if scope is None else scope_words(scope)


def followed(rows: Sequence[Any]) -> list[Followed]:
    """The subscriptions of a client."""
    return [
        Followed(
            row["id"],
            spoken(TYPES.get(row["focus_type"], row["focus_type"])).capitalize(),
            STATES[row["status"]],
            why(row["error"]),
            row["endpoint"],
            row["events"],
            row["waiting"],
            row["dead"],
            row["answered_at"],
            row["failed_at"],
            row["status"] == "error",
        )
        for row in rows
    ]


def exchanges(rows: Sequence[Any]) -> list[Exchange]:
    """The last events that were sent, tried or set aside."""
    return [_exchange(row, row["tried_at"], _state(row)) for row in rows]


def letters(rows: Sequence[Any]) -> list[Exchange]:
    """What was set aside until somebody decides."""
    return [_exchange(row, row["dead_at"], ("Non distribué", "bad")) for row in rows]


def _exchange(row: Any, tried: datetime | None, badge: tuple[str, str]) -> Exchange:
    about = spoken(TYPES.get(row["res_type"], row["res_type"]))
    return Exchange(row["id"], row["number"], about, row["at"], tried, badge, why(row["error"]), row["tries"], row["destination"])


def _state(row: Any) -> tuple[str, str]:
    if row["sent_at"]:
        return ("Reçu", "good")
    return ("Non distribué", "bad") if row["dead_at"] else ("Nouvel essai prévu", "wait")


def why(code: str) -> str:
    """Why something was not delivered, in a sentence; nothing for no error."""
    if not code:
        return ""
    if code.startswith("http-"):
        return say("partner.http", status=code.removeprefix("http-"))
    return say(f"partner.{code}") if f"partner.{code}" in sentences() else say("partner.other", code=code)


def told_event(event: str) -> str:
    """What a message tells of, in words with its code; the code alone where nobody wrote words for it."""
    code = event.rpartition("|")[2].rpartition("/")[2]
    return f"{say(f'partner.event.{code}')} ({code})" if f"partner.event.{code}" in sentences() else code


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A message that the partner sent: when, what became of it, and why it waits for somebody."""

    number: str
    event: str
    at: datetime
    badge: tuple[str, str]
    why: str


def messages(told: Sequence[incoming.Told]) -> list[ReceivedMessage]:
    """The last messages of a partner, without what they say."""
    return [
        ReceivedMessage(
            one.message_id,
            told_event(one.event),
            one.received_at,
            (word("verdict", one.verdict), "good" if one.verdict == incoming.DONE else "alert"),
            ", ".join(explain(outcome.reason) for outcome in one.outcomes if outcome.reason),
        )
        for one in told
    ]
