"""Figures for people: one named .sql and one function each. No room is imported, no name is shown; nothing is written but what was counted."""

from maillage.indicators.board import Board, LedgerLine, Pair, Standing, Whole, board
from maillage.indicators.counting import LASTS, VERSION, keep
from maillage.indicators.references import Reference, references
from maillage.indicators.shares import RATE_FLOOR, Share, share_told, total_told, wilson
from maillage.indicators.waits import (
    CELL_FLOOR,
    MEDIAN_FLOOR,
    P90_FLOOR,
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
    "LASTS",
    "MEDIAN_FLOOR",
    "P90_FLOOR",
    "RATE_FLOOR",
    "VERSION",
    "Board",
    "LedgerLine",
    "OpenRequests",
    "Pair",
    "Reference",
    "ServiceWaits",
    "Share",
    "Standing",
    "Wait",
    "Whole",
    "board",
    "in_care_team",
    "keep",
    "outside",
    "references",
    "share_told",
    "time_by_turn",
    "total_told",
    "waits",
    "wilson",
]
