"""Notifications, and the outbox messages that other channels carry."""

from maillage.messaging.actions import (
    AGENDA,
    HANDLERS,
    NO_AGENDA,
    NO_CHANNEL,
    PATIENT,
    TOPIC,
    deliver,
    inbox,
    mark_all_read,
    mark_read,
    notify,
    put_on_agenda,
    tell_patient,
)

__all__ = [
    "AGENDA",
    "HANDLERS",
    "NO_AGENDA",
    "NO_CHANNEL",
    "PATIENT",
    "TOPIC",
    "deliver",
    "inbox",
    "mark_all_read",
    "mark_read",
    "notify",
    "put_on_agenda",
    "tell_patient",
]
