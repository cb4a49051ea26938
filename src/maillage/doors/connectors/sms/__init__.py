"""SMS by a gateway over HTTP, as `README.md` describes it."""

from maillage.doors.connectors.sms.gateway import SmsChannel

__all__ = ["SmsChannel"]
