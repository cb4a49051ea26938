"""A process of its own that plays what it is asked: one line of JSON in for each job, lines of JSON out until its last one.

`python -m maillage.simulation.process`. Whoever started it hears how far it is (`told`), first results (`answer`, not final), and the end (`final`,
or `wrong`). A line `{"stop": true}` says that time is up: what is known by then is the answer. To be rid of a job, end the process.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from maillage.simulation import answers, outlook, parameters, printed, report
from maillage.simulation.compiled import version
from maillage.simulation.parameters import Scenario, Wrong
from maillage.simulation.sensitivity import tornado
from maillage.simulation.sentences import LANGUAGES
from maillage.simulation.staffing import COSTS, Team, frontier, grid_around
from maillage.simulation.study import MOST, Study, stages

Tell = Callable[[Mapping[str, Any]], None]
NICE: Final = 10
"""Requests of people come first."""


class Job:
    """One thing to play, and whom to tell."""

    def __init__(self, asked: Mapping[str, Any], tell: Tell, late: Callable[[], bool]) -> None:
        self.asked, self.tell, self.late = asked, tell, late
        forecast = asked["kind"] == "forecast"  # of a file of counts, which is no scenario
        self.scenarios = [] if forecast else [_read(asked[name]) for name in ("scenario", "against") if asked.get(name)]

    def told(self, done: int, expected: int) -> None:
        """How far it is."""
        self.tell({"told": [done, expected]})

    def figures(self) -> None:
        """Figures of one scenario, or of two on the same people: after the first twenty years, then better and better."""
        asked = self.asked
        last: tuple[Study, ...] = ()
        for found in stages(
            self.scenarios,
            seed=asked["seed"],
            replications=asked.get("replications"),
            most=asked.get("most") or MOST,
            told=self.told,
            late=self.late,
        ):
            last = found
            if not found[0].stopped:
                self.tell({"answer": _shown(found), "final": False})
        self.tell({"answer": _shown(last), "final": True, "reports": {lang: _reports(last, lang) for lang in LANGUAGES}})

    def sensitivity(self) -> None:
        """Every assumption moved by a fifth."""
        [scenario, *_] = self.scenarios
        bars = tornado(scenario, seed=self.asked["seed"], told=self.told)
        self.tell({"answer": {**_trace(scenario, self.asked), "sensitivity": answers.weights(bars)}, "final": True})

    def staffing(self) -> None:
        """The cheapest team that holds the limits, around what the offered load asks for."""
        [scenario, *_] = self.scenarios
        grid = grid_around(scenario, seed=self.asked["seed"])
        tried = frontier(scenario, grid, seed=self.asked["seed"], told=self.told)
        self.tell({"answer": {**_trace(scenario, self.asked), "staffing": teams(grid, tried)}, "final": True})

    def forecast(self) -> None:
        """What comes next, by the hourly counts of a department."""
        found = outlook.answer(self.asked["scenario"]["text"], self.asked["seed"], self.told)
        self.tell({"answer": found, "final": True})


def teams(grid: Mapping[str, list[int]], tried: list[Team]) -> dict[str, Any]:
    """What was searched, what was tried, and what holds."""
    return {
        "grid": dict(grid),
        "costs": dict(COSTS),
        "limits": dict(answers.HOLD),
        "tried": [
            {
                "values": each.values,
                "cost": each.cost,
                "holds": each.holds,
                "figures": {name: [answers.plain(value) for value in pair] for name, pair in each.figures.items()},
            }
            for each in tried
        ],
        "found": tried[-1].values if tried and tried[-1].holds else None,
    }


def _read(said: Mapping[str, str]) -> Scenario:
    return parameters.read(said["text"], said["name"])


def _shown(found: tuple[Study, ...]) -> dict[str, Any]:
    return {**answers.answer(*found), "curves": [answers.curves(each) for each in found]}


def _trace(scenario: Scenario, asked: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "scenario": scenario.name, "title": scenario.title, "scenario_hash": scenario.digest, "code_hash": version(), "seed": asked["seed"],
    }  # fmt: skip


def _reports(found: tuple[Study, ...], lang: str) -> dict[str, str]:
    """The report in this language, as a page and on paper."""
    study, other = found[0], found[1] if found[1:] else None
    return {"html": report.html(study, other, lang=lang), "pdf": _pdf(study, other, lang)}


def _pdf(study: Study, other: Study | None, lang: str) -> str:
    """The paper report, where it can be drawn."""
    try:
        return base64.b64encode(printed.pdf(study, other, lang)).decode()
    except printed.NotInstalled:
        return ""


def play(asked: Mapping[str, Any], tell: Tell, late: Callable[[], bool]) -> None:
    """One job to its end; a scenario that cannot be run is told, not raised."""
    try:
        job = Job(asked, tell, late)
        {"figures": job.figures, "sensitivity": job.sensitivity, "staffing": job.staffing, "forecast": job.forecast}[asked["kind"]]()
    except Wrong as wrong:
        tell({"wrong": {"key": wrong.key, "code": wrong.code, "detail": wrong.detail}, "final": True})


def main() -> None:
    """Play what comes on the standard input until it ends; whoever started us and is gone takes us along."""
    os.nice(NICE)
    jobs: queue.Queue[dict[str, Any]] = queue.Queue()
    stop = threading.Event()

    def listen() -> None:
        for line in sys.stdin:
            said = json.loads(line)
            stop.set() if said.get("stop") else jobs.put(said)
        os._exit(0)

    def tell(said: Mapping[str, Any]) -> None:
        sys.stdout.write(json.dumps(said, allow_nan=False) + "\n")
        sys.stdout.flush()

    threading.Thread(target=listen, daemon=True).start()
    while True:
        asked = jobs.get()
        stop.clear()
        play(asked, tell, stop.is_set)


if __name__ == "__main__":
    main()
