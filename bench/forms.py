"""`python -m bench.forms`: how long the main task of each role takes on its forms, estimated.

A real browser plays the task; gestures and keys are counted, and what the machine takes (server, browser, the driver itself) is measured. What the person takes
is computed from these counts by the keystroke-level model, with the values that its authors published: an estimate, nobody was timed. Free text is told apart.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Locator, sync_playwright
from tests.conftest import MONDAY
from tests.factories import referrals as make
from tests.journeys.conftest import ARGUMENTS, Running, executable
from tests.journeys.people import Person, name_of, patient_of
from tests.journeys.test_gestures import Hand, answers_without_a_visit, asks_for_a_known_patient, books, known_patient
from tests.journeys.test_pages_that_follow import elsewhere, send
from tests.support import postgres

from maillage import referrals
from maillage.kernel.clock import FixedClock

KEY, POINT, BUTTON, HAND, THINK = 0.28, 1.10, 0.10, 0.40, 1.35
"""Seconds of Card, Moran and Newell (The keystroke-level model, CACM 23(7), 1980; The psychology of human-computer interaction, 1983): a key of somebody who
does not type for a living, a pointing, a button that goes down or up, a hand between mouse and keyboard, a mental act."""
LOOKS = 3


class Measured(Hand):
    """A hand that counts what the model asks: each gesture and each field begins with a mental act, which is the most that its rules allow."""

    def __init__(self, person: Any) -> None:
        super().__init__(person)
        self.fields, self.free, self.moves, self.typing = 0, 0, 0, False

    def clicks(self, what: Locator) -> None:
        super().clicks(what)
        self.moves += self.typing  # back to the mouse
        self.typing = False

    def fills(self, what: Locator, text: str) -> None:
        super().fills(what, text)
        self.fields += 1
        self.free += len(text)
        self.moves += 1 + self.typing  # to the field by the mouse, then to the keyboard
        self.typing = True

    @property
    def person_takes(self) -> float:
        """Seconds of the person, free text left out: mental acts, pointings, buttons, hands."""
        return (self.gestures + self.fields) * (THINK + POINT + 2 * BUTTON) + self.moves * HAND


@dataclass(frozen=True, slots=True)
class Task:
    """The main task of a role: what must be there, where it begins, what is done, and what it may cost (interface.md, part 8)."""

    name: str
    login: str
    begins: str
    ready: Callable[[Running], Any]
    play: Callable[[Measured, Any], None]
    gestures: int
    seconds: float
    width: int = 1280
    at: str = "Mes listes"


def _known(server: Running) -> None:
    elsewhere(server, known_patient)


def _accepted(server: Running) -> str:
    task = elsewhere(server, send)
    for verb in (referrals.open_, referrals.accept):
        elsewhere(server, lambda db, verb=verb: make.act(db, make.TRIAGER, verb, task))
    return name_of(patient_of(make.CENTRE))


def _exports(hand: Measured, _: Any) -> None:
    with hand.person.page.expect_download():
        hand.presses("Tout en XLSX")


TASKS = (
    Task(
        "a city doctor refers a known patient",
        "medecin-clamart",
        f"/patients/{patient_of(make.CENTRE)['id']}",
        _known,
        lambda hand, _: asks_for_a_known_patient(hand),
        9,
        60,
    ),
    Task("an office books a visit", "planification-percy", "/", _accepted, books, 3, 60),
    Task(
        "a specialist answers without a visit, on a phone",
        "hge-percy",
        "/",
        lambda server: elsewhere(server, send),
        lambda hand, _: answers_without_a_visit(hand),
        5,
        180,
        width=390,
    ),
    Task("a coordinator takes the report", "coordination-seine", "/pilotage", lambda _: None, _exports, 1, 60, at="Pilotage du territoire"),
)


@dataclass(frozen=True, slots=True)
class Taken:
    """One play of a task: what was counted, and the seconds of the machine."""

    hand: Measured
    machine: float

    @property
    def form(self) -> float:
        """Form time: of the person and of the machine, free text left out."""
        return self.hand.person_takes + self.machine


def played(task: Task, cluster: postgres.TestCluster, browser: Browser) -> Taken:
    """One play on a territory of its own."""
    with Running(cluster, FixedClock(MONDAY)).running() as server:
        given = task.ready(server)
        person = Person(browser, server.address, task.login, at=task.at)
        try:
            person.page.set_viewport_size({"width": task.width, "height": 900})
            person.goes_to(task.begins)
            hand, begun = Measured(person), time.perf_counter()
            task.play(hand, given)
            return Taken(hand, time.perf_counter() - begun)
        finally:
            person.leave()


def main() -> int:
    """The table; 1 when a task takes more gestures or more form time than it may."""
    folder = postgres.open_folder()
    with sync_playwright() as playwright:
        cluster = postgres.TestCluster(folder, "bench")
        cluster.postgres.start()
        browser = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS, env={**os.environ, "LANG": "fr_FR.UTF-8"})
        try:
            found = [(task, [played(task, cluster, browser) for _ in range(LOOKS)]) for task in TASKS]
        finally:
            browser.close()
            cluster.stop()
            shutil.rmtree(folder, ignore_errors=True)
    print(
        "Keystroke-level model: an estimate, nobody was timed. Seconds; free text is not form time. The machine's are the median of", LOOKS
    )
    print(f"{'task':<50} {'gestures':>8} {'fields':>6} {'person':>7} {'machine':>8} {'form':>6} {'budget':>7} {'free text':>10}")
    over = [_told(task, plays) for task, plays in found]
    return int(any(over))


def _told(task: Task, plays: list[Taken]) -> bool:
    """Print one line; whether it is over."""
    one = sorted(plays, key=lambda play: play.machine)[len(plays) // 2]
    hand, over = one.hand, one.hand.gestures > task.gestures or one.form > task.seconds
    print(
        f"{task.name:<50} {hand.gestures:>4}/{task.gestures:<3} {hand.fields:>6} {hand.person_takes:7.1f} {one.machine:8.2f} {one.form:6.1f} "
        f"{task.seconds:7.0f} {hand.free:>4} = {hand.free * KEY:3.0f}{'  OVER' if over else ''}"
    )
    return over


if __name__ == "__main__":
    sys.exit(main())
