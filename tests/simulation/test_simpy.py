"""Rung 12: a SimPy model written by hand, the same rows, every stamp equal (difference 0.0)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.simulation.oracle import MARKS, Department, stamps

from maillage.simulation import parameters
from maillage.simulation.play import play
from maillage.simulation.world import people, prepare

OPTIONS: list[tuple[int, int, dict[str, Any]]] = [
    (1, 392, {}),
    (2, 90, {"zones.on": 0, "discharge.on": 0, "box.reserve": 0, "cleaning.minutes": 0, "direct.wait": float("inf")}),
    (3, 90, {"box.base": 18, "remote.watch": [10, 14], "near.places": 3}),
    (4, 60, {"doctor.extra": 0, "bed.base": 80}),
    (5, 60, {"og.base": 0, "og.extra": 2, "og.hours": [9, 21], "patience.mean": [60, 60, 90, 90, 60, 60]}),
]


@pytest.mark.parametrize(("seed", "days", "changed"), OPTIONS)
def test_every_stamp_is_that_of_simpy(seed: int, days: int, changed: dict[str, Any]) -> None:
    world = prepare(parameters.shipped("percy-35000-overflow").changing(changed), days)
    rows = people(world, seed)
    played = play(world.program, world.place, rows, days * 1440.0)
    oracle = Department(world, rows).run()
    different = [name for name in MARKS if not np.array_equal(played.mark(name), stamps(oracle, name), equal_nan=True)]
    assert different == []
    exits = [played.program.exits[code] if code >= 0 else "" for code in played.trace.exits]
    assert exits == oracle.exits
