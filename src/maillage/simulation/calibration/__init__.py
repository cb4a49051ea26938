"""A scenario fitted to what a department recorded: what is read off, what is fitted, how well it fits, and whether it foretells weeks held out."""

from __future__ import annotations

from maillage.simulation.calibration.extract import EXITS, Extract, summaries
from maillage.simulation.calibration.fit import FACTORS, Fit, fit
from maillage.simulation.calibration.held_out import held_out
from maillage.simulation.calibration.reading import read_off
from maillage.simulation.calibration.replay import observed, replayed
from maillage.simulation.fitted import Factor, Fitted, HeldOut, calibrated

__all__ = [
    "EXITS",
    "FACTORS",
    "Extract",
    "Factor",
    "Fit",
    "Fitted",
    "HeldOut",
    "calibrated",
    "fit",
    "held_out",
    "observed",
    "read_off",
    "replayed",
    "summaries",
]
