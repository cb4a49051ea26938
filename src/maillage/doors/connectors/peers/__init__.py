"""What ours did to shared requests on its way to the other installations of maillage (ADR 0025)."""

from maillage.doors.connectors.peers.messenger import Messenger

__all__ = ["Messenger"]
