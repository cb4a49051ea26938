"""Notifications on their way out to partners' receivers: which addresses are never reached, one request, who is next (ADR 0017)."""

from maillage.doors.connectors.webhooks.courier import Courier
from maillage.doors.connectors.webhooks.sender import Sender

__all__ = ["Courier", "Sender"]
