"""Subscriptions of partners' software: told of events by the id alone, from the outbox, while it has the right (ADR 0017)."""

from maillage.messaging.subscriptions.actions.delivering import ended_well, failed, lease, prepare
from maillage.messaging.subscriptions.actions.fanning import HANDLERS, fan_out
from maillage.messaging.subscriptions.actions.housekeeping import forget
from maillage.messaging.subscriptions.actions.writing import CLAIM, drawn, restart, resume
from maillage.messaging.subscriptions.fhir import notification, status_of
from maillage.messaging.subscriptions.nde import is_nde
from maillage.messaging.subscriptions.queries import dead_letters, events_of, exchanges, live, many, partner_lines, undelivered
from maillage.messaging.subscriptions.rules import BACKPORT, is_sound
from maillage.messaging.subscriptions.signing import make_secret, signed_headers, written
from maillage.messaging.subscriptions.topics import TOPICS
from maillage.messaging.subscriptions.types import Notice, Subscription, Told

RENDERERS = {"Subscription": drawn}

__all__ = [
    "BACKPORT",
    "CLAIM",
    "HANDLERS",
    "RENDERERS",
    "TOPICS",
    "Notice",
    "Subscription",
    "Told",
    "dead_letters",
    "ended_well",
    "events_of",
    "exchanges",
    "failed",
    "fan_out",
    "forget",
    "is_nde",
    "is_sound",
    "lease",
    "live",
    "make_secret",
    "many",
    "notification",
    "partner_lines",
    "prepare",
    "restart",
    "resume",
    "signed_headers",
    "status_of",
    "undelivered",
    "written",
]
