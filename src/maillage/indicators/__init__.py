"""Figures for people: read-only, one named .sql and one function each. No room is imported, no name is shown."""

from maillage.indicators.waits import MEDIAN_FLOOR, P90_FLOOR, VERSION, OpenRequests, ServiceWaits, Wait, time_by_turn, waits

__all__ = ["MEDIAN_FLOOR", "P90_FLOOR", "VERSION", "OpenRequests", "ServiceWaits", "Wait", "time_by_turn", "waits"]
