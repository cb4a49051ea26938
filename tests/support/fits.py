"""How a department was fitted, as `maillage calibrate` would tell it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from maillage.simulation import read, text_of
from maillage.simulation.fitted import Factor, Fitted, HeldOut
from maillage.simulation.words import FACTORS, WAYS_OUT


def fit_of(loss: float = 30.0) -> Fitted:
    """Thirty-nine weeks, then thirteen foretold with this loss; memory lost 40."""
    factors = tuple(Factor(name, 1.25, 1.1, 1.4, 0.9 if name == "patience" else 0.3) for name in FACTORS)
    back_test = (HeldOut("median_stay", loss, 40.0, 0.81, 91), HeldOut("census", 1.5, 2.0, 0.78, 91))
    far = dict.fromkeys(WAYS_OUT, 0.05)
    return Fitted("percy-20000", 2026, "0123456789abcdef", date(2026, 1, 5), 39, 13, 0.92, factors, far, back_test)


def fitted_file(loss: float = 30.0, title: str = "Urgences Nord") -> str:
    """The file of a scenario that was fitted so."""
    made = read("base = 'percy-20000'\n[set]\n'box.base' = 17\n", "ours")
    return text_of(replace(made, title=title, calibration=fit_of(loss)))
