"""Half-days of practitioners proposed to sites and weeks: how far the best plan lies from what no plan can beat, in a minute on every core.

`python -m bench.allocation --json` prints one object as its last line. The solver stops by the clock: on a machine that does something else meanwhile
the gaps are larger, which `share_of_a_core` (processor time by second, children too) tells.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time

from maillage.simulation import allocation

SIZES = {"30x20": 0.005, "60x40": 0.02}
"""Practitioners and sites (twelve weeks, ten specialties), and the gap asked for."""


def measure(size: str, seconds: float) -> dict[str, float]:
    """The gap of one size, with the cost, the bound, the cost of the first plan, and how much of the machine there was."""
    practitioners, sites = (int(number) for number in size.split("x"))
    problem = allocation.example(practitioners, sites, sites)
    begun, before = time.monotonic(), os.times()
    solved = allocation.solve(problem, seconds)
    wall, after = time.monotonic() - begun, os.times()
    spent = sum(after[:4]) - sum(before[:4])
    return {
        "gap": round(solved.gap, 5),
        "cost": round(solved.cost, 1),
        "bound": round(solved.bound, 1),
        "first_plan_cost": round(solved.greedy_cost, 1),
        "seconds": round(wall, 1),
        "share_of_a_core": round(spent / wall, 2),
    }


def main() -> int:
    """Print the measures; 1 when a plan lies under its bound, which would mean that the bound is none."""
    options = argparse.ArgumentParser()
    options.add_argument("--json", action="store_true", help="end with one JSON object")
    options.add_argument("--seconds", type=float, default=60.0, help="for each size")
    asked = options.parse_args()
    found = {}
    for size, wanted in SIZES.items():
        found[size] = measure(size, asked.seconds)
        said = found[size]
        print(
            f"{size}: gap {100 * said['gap']:.2f} % ({100 * wanted:g} % asked), cost {said['cost']:.0f}, bound {said['bound']:.0f}, "
            f"{said['seconds']} s with {said['share_of_a_core']} of a core",
            flush=True,
        )
    if asked.json:
        print(json.dumps(found))
    return int(any(said["cost"] < said["bound"] * (1 - 1e-6) for said in found.values()))


if __name__ == "__main__":
    sys.exit(main())
