"""The emergency department of 35,000 visits and 392 days against SimPy running the same rows, in one run on one machine.

`python -m bench.simulation --json` prints one object as its last line. Times are the processor's, not the wall's, but for the thousand replications:
a machine that does something else meanwhile does not change the ratio.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT)] if str(ROOT) not in sys.path else []

from tests.simulation.oracle import MARKS, Department, stamps  # noqa: E402  # found by the line above when this file is run by its path

from maillage.simulation import parameters, sweep, world  # noqa: E402  # the same
from maillage.simulation.play import play  # noqa: E402  # the same
from maillage.simulation.study import study  # noqa: E402  # the same
from maillage.simulation.sweep import Unit  # noqa: E402  # the same

SCENARIOS = ("percy-20000", "percy-35000", "percy-35000-rebuilt", "percy-35000-overflow", "confluence-190000")
REFERENCE = "percy-35000-overflow"
DAYS = world.WARM_UP + world.YEAR_DAYS
FLOOR = 50.0
"""Below this ratio to SimPy the bench fails."""
FIRST = (
    "from maillage.simulation import sweep, parameters; sweep.work(sweep.Unit(parameters.shipped('percy-35000-overflow'), (1,), 392, 28))"
)
FORTY = """
from maillage.simulation import parameters, study
study.study(parameters.shipped("percy-35000-overflow"), replications=40)
print(next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def best(act: Callable[[], object], rounds: int) -> float:
    """Processor seconds of one act: the least disturbed of several."""
    times = []
    for _ in range(rounds):
        begun = time.process_time()
        act()
        times.append(time.process_time() - begun)
    return min(times)


def against_simpy() -> tuple[float, float, bool]:
    """Seconds of the engine, seconds of SimPy, and whether every stamp is equal."""
    ready = world.prepare(parameters.shipped(REFERENCE))
    rows = world.people(ready, 1)
    engine = best(lambda: play(ready.program, ready.place, rows, DAYS * 1440.0), 7)
    played = play(ready.program, ready.place, rows, DAYS * 1440.0)
    begun = time.process_time()
    oracle = Department(ready, rows).run()
    simpy = time.process_time() - begun
    same = all(np.array_equal(played.mark(name), stamps(oracle, name), equal_nan=True) for name in MARKS)
    return engine, simpy, same


def replication(name: str, rounds: int = 5) -> float:
    """Milliseconds of one year on one core, everything included: people, run, figures and curves."""
    scenario = parameters.shipped(name)
    sweep.work(Unit(scenario, (1,), DAYS, world.WARM_UP))
    seeds = iter(range(2, 100))
    return best(lambda: sweep.work(Unit(scenario, (next(seeds),), DAYS, world.WARM_UP)), rounds) * 1e3


def cold_start() -> float:
    """Processor seconds of a process that plays one year, machine code and bytecode on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        times = []
        for _ in range(4):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, "-c", FIRST], check=True, cwd=ROOT, env=env)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times[1:])


def first_answer() -> tuple[float, float]:
    """Wall seconds to a first answer, twenty years of each of two scenarios: of a cold process, then of the warm one when one number was changed."""
    base, other = (parameters.shipped(name) for name in ("percy-35000-rebuilt", REFERENCE))
    found = []
    with subprocess.Popen(
        [sys.executable, "-m", "maillage.simulation.process"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as child:
        if child.stdin is None or child.stdout is None:
            raise RuntimeError("a process without pipes")
        begun = time.perf_counter()
        for changed in (other, other.changing({"box.base": 27})):
            job = {key: {"name": one.name, "text": parameters.text_of(one)} for key, one in (("scenario", base), ("against", changed))}
            child.stdin.write(json.dumps({"kind": "figures", "seed": 1, "replications": None, "most": 40, **job}) + "\n")
            child.stdin.flush()
            answered = 0.0
            while not (said := json.loads(child.stdout.readline())).get("final"):
                answered = answered or (time.perf_counter() if "answer" in said else 0.0)
            found.append((answered or time.perf_counter()) - begun)
            begun = time.perf_counter()
        child.stdin.close()
    return found[0], found[1]


def measure(replications: int) -> dict[str, object]:
    """Everything that the last line says."""
    engine, simpy, same = against_simpy()
    print(
        f"one year of the engine {engine * 1e3:.1f} ms, of SimPy {simpy:.2f} s: {simpy / engine:.0f} times; equal stamps: {same}",
        flush=True,
    )
    years = {name: replication(name) for name in SCENARIOS}
    for name, spent in years.items():
        print(f"{name}: one replication, everything included, {spent:.1f} ms", flush=True)
    begun = time.perf_counter()
    study(parameters.shipped(REFERENCE), replications=replications)
    thousand = (time.perf_counter() - begun) * 1000 / replications
    print(f"1,000 replications on every core: {thousand:.1f} s (measured on {replications})", flush=True)
    memory = int(subprocess.run([sys.executable, "-c", FORTY], check=True, capture_output=True, text=True, cwd=ROOT).stdout)
    cold = cold_start()
    print(f"cold start to a first year: {cold:.2f} s of processor; memory {memory} MB", flush=True)
    first, warm = first_answer()
    print(f"first answer of a page, two scenarios: {warm:.2f} s from a warm process, {first:.2f} s from a cold one", flush=True)
    return {
        "ratio_to_simpy": round(simpy / engine, 1),
        "replication_ms": round(years[REFERENCE], 1),
        "thousand_replications_s": round(thousand, 1),
        "identical_to_simpy": same,
        "memory_mb": memory,
        "cold_start_s": round(cold, 2),
        "first_answer_s": round(warm, 2),
        "scenarios_ms": {name: round(spent, 1) for name, spent in years.items()},
    }


def main() -> int:
    """Print the measures; 1 when stamps differ or the ratio is under the floor."""
    options = argparse.ArgumentParser()
    options.add_argument("--json", action="store_true", help="end with one JSON object")
    options.add_argument("--replications", type=int, default=1000, help="how many to time for the thousand")
    asked = options.parse_args()
    found = measure(asked.replications)
    if asked.json:
        print(json.dumps(found))
    return int(not found["identical_to_simpy"] or float(str(found["ratio_to_simpy"])) < FLOOR)


if __name__ == "__main__":
    sys.exit(main())
