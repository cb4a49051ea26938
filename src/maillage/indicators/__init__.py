"""Figures for people: read-only, one named .sql and one function each. No room is imported, no name is shown."""

from maillage.indicators.waits import (
    CELL_FLOOR,
    MEDIAN_FLOOR,
    P90_FLOOR,
    VERSION,
    OpenRequests,
    ServiceWaits,
    Wait,
    in_care_team,
    outside,
    time_by_turn,
    waits,
)

__all__ = [
    "CELL_FLOOR",
    "MEDIAN_FLOOR",
    "P90_FLOOR",
    "VERSION",
    "OpenRequests",
    "ServiceWaits",
    "Wait",
    "in_care_team",
    "outside",
    "time_by_turn",
    "waits",
]
