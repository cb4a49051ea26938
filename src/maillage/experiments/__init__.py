"""What organisations ask of the simulation: scenarios kept, experiments played by the worker. The face of the room."""

from __future__ import annotations

from maillage.experiments.actions import ask, cancel, drop, keep, purge
from maillage.experiments.queries import experiment, experiments, paper, report, scenario, scenarios
from maillage.experiments.rules import KINDS, LIVE, MOST_WAITING
from maillage.experiments.runner import Runner
from maillage.experiments.types import Experiment, Kept, Report, Text

__all__ = [
    "KINDS",
    "LIVE",
    "MOST_WAITING",
    "Experiment",
    "Kept",
    "Report",
    "Runner",
    "Text",
    "ask",
    "cancel",
    "drop",
    "experiment",
    "experiments",
    "keep",
    "paper",
    "purge",
    "report",
    "scenario",
    "scenarios",
]
