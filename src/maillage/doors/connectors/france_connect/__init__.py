"""FranceConnect, the national OpenID provider of citizens."""

from __future__ import annotations

from maillage.doors.connectors.france_connect.client import FranceConnect

__all__ = ["FranceConnect"]
