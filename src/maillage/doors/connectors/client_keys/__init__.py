"""The keys that a partner's software publishes at an address of its own: one careful request (ADR 0012)."""

from maillage.doors.connectors.client_keys.fetching import KeyServers

__all__ = ["KeyServers"]
