"""E-mail: messages given to a mail server of the house, which takes them further (RFC 5321, RFC 6409)."""

from maillage.doors.connectors.smtp.client import SmtpChannel

__all__ = ["SmtpChannel"]
