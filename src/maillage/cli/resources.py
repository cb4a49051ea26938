"""`maillage import fhir`: a file of FHIR resources, one a line, taken in as the door takes them, by several processes."""

from __future__ import annotations

import asyncio
import hashlib
import multiprocessing
import re
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from maillage import directory
from maillage.cli import loading
from maillage.cli.output import OK, PROBLEM, Failure, settings_for, show
from maillage.codes.json import encode
from maillage.doors.fhir.loading import Line, Report
from maillage.kernel.actor import SYSTEM
from maillage.settings import Settings
from maillage.store.server import opened

PASSES: Final = (
    frozenset({"Organization", "Location", "Practitioner", "Endpoint", "Questionnaire", "PlanDefinition"}),
    frozenset({"PractitionerRole", "HealthcareService", "OrganizationAffiliation", "Schedule", "Slot"}),
    frozenset({"Patient"}),
    frozenset({"RelatedPerson", "Encounter", "EpisodeOfCare", "ServiceRequest"}),
)
"""What others refer to comes first; the last pass takes the rest. A patient must be there before what is about him or her."""

_TYPE: Final = re.compile(rb'"resourceType"\s*:\s*"([A-Za-z]+)"')
_EVERY: Final = 1.0


@dataclass(slots=True)
class Progress:
    """How far an import is: passes that are done, lines of the present one, and what became of them. Written beside the file after each batch."""

    sha256: str
    step: int = 0
    lines: int = 0
    made: int = 0
    changed: int = 0
    same: int = 0
    refused: int = 0


@dataclass(slots=True)
class Journal:
    """The progress of one file and the lines that were refused, beside it."""

    file: Path
    progress: Progress
    began: float = field(default_factory=time.monotonic)
    told: float = 0.0
    here: int = 0

    def note(self, last: int, report: Report) -> None:
        """Everything up to a line is committed."""
        known = self.progress
        known.lines, known.made, known.changed = last, known.made + report.made, known.changed + report.changed
        known.same, known.refused = known.same + report.same, known.refused + len(report.refused)
        self.here += report.made + report.changed + report.same + len(report.refused)
        if report.refused:
            with self.file.with_suffix(self.file.suffix + ".refused").open("ab") as refused:
                refused.writelines(encode({"line": one.number, "outcome": one.outcome}) + b"\n" for one in report.refused)
        self.save()
        if time.monotonic() - self.told > _EVERY:
            self.told = time.monotonic()
            print(f"{self.here} lines, {self.rate:.0f} a second, {known.refused} refused", file=sys.stderr)

    def save(self) -> None:
        """Whole or not at all."""
        draft = _beside(self.file).with_suffix(".draft")
        draft.write_bytes(msgspec.json.encode(self.progress))
        draft.replace(_beside(self.file))

    @property
    def rate(self) -> float:
        """Lines a second, since this command began."""
        return self.here / max(time.monotonic() - self.began, 1e-6)


def import_resources(file: Path, organization: str, *, workers: int, batch: int, data: Path | None, json: bool) -> int:
    """Take in a file of FHIR resources; 1 when a line was refused. Killed and called again, it goes on where it was."""
    if not file.is_file():
        raise Failure(f"no such file: {file}", PROBLEM)
    journal = Journal(file, progress_of(file))
    asyncio.run(_import(settings_for(data), journal, organization, workers, batch))
    known = journal.progress
    answer = {"made": known.made, "changed": known.changed, "same": known.same, "refused": known.refused, "a_second": round(journal.rate)}
    show(answer, json=json, lines=[f"{key}: {value}" for key, value in answer.items()])
    return PROBLEM if known.refused else OK


def _beside(file: Path) -> Path:
    return file.with_suffix(file.suffix + ".progress")


def progress_of(file: Path) -> Progress:
    """Where an earlier run of the same bytes came to an end; from the start for another file of that name."""
    with file.open("rb") as data:
        digest = hashlib.file_digest(data, "sha256").hexdigest()
    try:
        known = msgspec.json.decode(_beside(file).read_bytes(), type=Progress)
    except (FileNotFoundError, msgspec.DecodeError):
        return Progress(digest)
    return known if known.sha256 == digest else Progress(digest)


async def _import(settings: Settings, journal: Journal, organization: str, workers: int, batch: int) -> None:
    async with opened(settings) as database:
        async with database.transaction(SYSTEM) as tx:
            if organization not in await directory.establishments(tx):
                raise Failure(f"unknown organisation: {organization}", PROBLEM)
        context = multiprocessing.get_context("spawn")
        given = (settings, database.dsn, organization)
        with ProcessPoolExecutor(workers, mp_context=context, initializer=loading.begin, initargs=given) as pool:
            await asyncio.to_thread(run_passes, pool, journal, workers, batch)


def run_passes(pool: Executor, journal: Journal, workers: int, batch: int) -> None:
    """One pass after the other, each from where it was left."""
    while journal.progress.step <= len(PASSES):
        _one_pass(pool, journal, workers, batch)
        journal.progress.step, journal.progress.lines = journal.progress.step + 1, 0
        journal.save()


def _one_pass(pool: Executor, journal: Journal, workers: int, batch: int) -> None:
    """Batches are noted in their order: what is noted is committed, with everything before it."""
    waiting: list[tuple[int, Future[Report]]] = []
    for lines in _batches(journal, batch):
        waiting.append((lines[-1].number, pool.submit(loading.take, lines)))
        if len(waiting) > 2 * workers:
            last, done = waiting.pop(0)
            journal.note(last, done.result())
    for last, done in waiting:
        journal.note(last, done.result())


def _batches(journal: Journal, size: int) -> Iterator[list[Line]]:
    """The lines of the present pass after the last that was noted."""
    found: list[Line] = []
    with journal.file.open("rb") as data:
        for number, text in enumerate(data, 1):
            if number > journal.progress.lines and text.strip() and _pass_of(text) == journal.progress.step:
                found.append(Line(number, text, journal.progress.sha256))
            if len(found) == size:
                yield found
                found = []
    if found:
        yield found


def _pass_of(text: bytes) -> int:
    """In which pass a line is taken; what cannot be read is refused in the last one."""
    found: Any = _TYPE.search(text)
    kind = found[1].decode() if found else ""
    return next((place for place, kinds in enumerate(PASSES) if kind in kinds), len(PASSES))
