"""The model under the arrivals that really came: the same days, its own people."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maillage.simulation import world
from maillage.simulation.calibration.extract import DAY, EXITS, Extract
from maillage.simulation.parameters import Scenario
from maillage.simulation.play import Played, play
from maillage.simulation.world import World


def replayed(scenario: Scenario, arrive: NDArray[np.float64], days: int, seed: int) -> Extract:
    """What the model would have recorded of those who came."""
    ready = world.prepare(scenario, days)
    here = world.covered(ready, seed)
    return observed(here, play(here.program, here.place, world.people(here, seed, arrive), days * DAY))


def observed(ready: World, played: Played) -> Extract:
    """What a department would have recorded of a run: those who came by its door; a stay that is not over is not known."""
    by_door = played.rows.at == ready.program.starts["ed"]
    uhcd, left, gone, came = (played.mark(name)[by_door] for name in ("uhcd", "left_ed", "exit", "arrive"))
    left_at = np.fmin(np.fmin(uhcd, left), gone)
    code = np.full(len(came), EXITS.index("home"))
    code[~np.isnan(left)] = EXITS.index("ward")
    code[~np.isnan(uhcd)] = EXITS.index("uhcd")
    code[played.left_by("unseen")[by_door]] = EXITS.index("unseen")
    code[np.isnan(left_at)] = -1
    kept = ~np.isnan(came)
    return Extract(came[kept], (left_at - came)[kept], code[kept])
