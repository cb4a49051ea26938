"""The states of an experiment, and who may move it: a person cancels what is not over, the worker does the rest."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from maillage.kernel.answers import Allowed, Answer, Refused

KINDS: Final = ("figures", "sensitivity", "staffing", "forecast")
LIVE: Final = frozenset({"requested", "in-progress"})
OVER: Final = frozenset({"completed", "cancelled", "failed"})
MOVES: Final = {
    ("requested", "begin"): "in-progress",
    ("in-progress", "begin"): "in-progress",
    ("in-progress", "answer"): "in-progress",
    ("in-progress", "complete"): "completed",
    ("in-progress", "fail"): "failed",
    ("requested", "cancel"): "cancelled",
    ("in-progress", "cancel"): "cancelled",
}
"""From a state by a move to a state; what is not here is refused. What is in progress is begun again when whoever played it is gone."""
MOST_WAITING: Final = 5
"""Experiments of one organisation that are asked and not over: the worker plays one at a time."""
LOST_AFTER: Final = timedelta(seconds=60)
"""An experiment of which nothing is heard for so long is played again from its beginning."""

MOST_TRIES: Final = 3
"""How often an experiment is begun at most."""


def may_move(status: str, move: str) -> Answer:
    """Whether an experiment in this state takes this move."""
    return Allowed() if (status, move) in MOVES else Refused("experiment-over")


def may_ask(waiting: int) -> Answer:
    """Whether an organisation with so many experiments under way may ask one more."""
    return Allowed() if waiting < MOST_WAITING else Refused("too-many-experiments")
