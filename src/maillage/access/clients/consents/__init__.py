"""Consents that persons give to apps."""

from maillage.access.clients.consents.actions import purge

__all__ = ["purge"]
