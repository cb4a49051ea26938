"""Half-days of practitioners proposed to sites and weeks: how far the best plan lies from what no plan can beat, in a minute on every core.

Two territories of each size: one where more come than can be seen (`scarce`, the figures of simulation.md section 7: half of what doing nothing costs is
left), and one where supply is about as large as demand (`ample`: travel and openings decide). `python -m bench.allocation --json` prints one object as its
last line. The solver stops by the clock: on a machine that does something else meanwhile the gaps are larger, which `share_of_a_core` (processor time by
second) tells.
"""

from __future__ import annotations

import argparse
import json
import sys
import time

import numpy as np

from maillage.simulation import allocation
from maillage.simulation.allocation.model import Programme

SIZES = {"30x20": 0.005, "60x40": 0.02}
"""Practitioners and sites (twelve weeks, ten specialties), and the gap asked for."""
KINDS = {"scarce": True, "ample": False}


def measure(size: str, seconds: float, *, scarce: bool) -> dict[str, float]:
    """The gap of one size, what doing nothing and the first plan cost, the plan and the bound, and how much of the machine there was."""
    practitioners, sites = (int(number) for number in size.split("x"))
    problem = allocation.example(practitioners, sites, sites, scarce=scarce)
    begun, before = time.monotonic(), time.process_time()
    solved = allocation.solve(problem, seconds)
    wall, spent = time.monotonic() - begun, time.process_time() - before
    nothing = Programme(problem).judged(np.zeros_like(solved.plan))[0]
    return {
        "gap": round(solved.gap, 5),
        "cost": round(solved.cost, 1),
        "bound": round(solved.bound, 1),
        "first_plan_cost": round(solved.greedy_cost, 1),
        "doing_nothing_cost": round(nothing, 1),
        "seconds": round(wall, 1),
        "share_of_a_core": round(spent / wall, 2),
    }


def main() -> int:
    """Print the measures; 1 when a plan lies under its bound, which would mean that the bound is none."""
    options = argparse.ArgumentParser()
    options.add_argument("--json", action="store_true", help="end with one JSON object")
    options.add_argument("--seconds", type=float, default=60.0, help="for each size and kind")
    asked = options.parse_args()
    found = {}
    for name, wanted, kind in ((f"{size} {kind}", wanted, kind) for size, wanted in SIZES.items() for kind in KINDS):
        said = found[name] = measure(name.partition(" ")[0], asked.seconds, scarce=KINDS[kind])
        print(
            f"{name}: gap {100 * said['gap']:.2f} % ({100 * wanted:g} % asked), cost {said['cost']:.0f}, bound {said['bound']:.0f}, "
            f"first plan {said['first_plan_cost']:.0f}, doing nothing {said['doing_nothing_cost']:.0f}, "
            f"{said['seconds']} s with {said['share_of_a_core']} of a core",
            flush=True,
        )
    if asked.json:
        print(json.dumps(found))
    return int(any(said["cost"] < said["bound"] * (1 - 1e-6) for said in found.values()))


if __name__ == "__main__":
    sys.exit(main())
