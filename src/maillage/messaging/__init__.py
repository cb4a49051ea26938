"""Notifications, and the outbox messages that other channels carry."""

from maillage.messaging.actions import TOPIC, deliver, inbox, mark_read, notify

__all__ = ["TOPIC", "deliver", "inbox", "mark_read", "notify"]
