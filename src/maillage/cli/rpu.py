"""Reading an RPU extract (arrêté of 24 July 2013, article 3; elements as in the national file): of each passage only when it began, when it ended and how.

Identity, place of residence, diagnoses and acts are not looked at: nothing about a person leaves this file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final
from xml.parsers import expat  # lint: spared, because a year of passages is more than the wrapper takes; types are refused below too

import numpy as np
from numpy.typing import NDArray

from maillage.simulation.calibration import EXITS, Extract

WANTED: Final = frozenset({"ENTREE", "SORTIE", "MODE_SORTIE", "ORIENT", "GRAVITE"})
UNSEEN: Final = frozenset({"PSA", "FUGUE"})
WRITTEN: Final = re.compile(r"(\d{2})/(\d{2})/(\d{4}) (\d{2}):(\d{2})", re.ASCII)


class BadExtract(ValueError):
    """A file that is no RPU extract: which, and why."""


@dataclass(slots=True)
class _Passages:
    """The handlers of one parse."""

    found: list[dict[str, str]] = field(default_factory=list)
    name: str = ""
    text: str = ""

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        if name == "PATIENT":
            self.found.append({})
        self.name, self.text = name, ""

    def characters(self, text: str) -> None:
        if self.name in WANTED and len(self.text) < 100:
            self.text += text

    def end(self, name: str) -> None:
        if name in WANTED and self.found:
            self.found[-1][name] = self.text.strip()
        self.name = ""

    def refuse(self, *_: object) -> None:
        raise BadExtract("a document type or an instruction is not read here")


def passages(data: bytes) -> list[dict[str, str]]:
    """What each PATIENT element says of the five items that are wanted. Raises `BadExtract`."""
    reader, parser = _Passages(), expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = reader.start, reader.end, reader.characters
    parser.StartDoctypeDeclHandler = parser.ProcessingInstructionHandler = reader.refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise BadExtract(f"line {error.lineno}: not XML") from error
    return reader.found


def _at(text: str) -> datetime | None:
    """An instant as the file writes it, on the clocks of the department; days of 24 hours."""
    written = WRITTEN.fullmatch(text)
    try:
        return datetime(int(written[3]), int(written[2]), int(written[1]), int(written[4]), int(written[5])) if written else None  # noqa: DTZ001  # wall clock
    except ValueError:
        return None


def _exit(said: dict[str, str]) -> str:
    """The way out: unseen by orientation, the observation unit by orientation, a ward here or elsewhere by mode 6 or 7, home (or death) else."""
    orientation, mode = said.get("ORIENT", ""), said.get("MODE_SORTIE", "")
    if orientation in UNSEEN:
        return "unseen"
    if orientation == "UHCD":
        return "uhcd"
    return {"6": "ward", "7": "ward", "8": "home", "4": "home"}.get(mode, "")


def light(said: dict[str, str]) -> bool:
    """Whom the overflow stream may take, as far as an extract can say: CCMU 1 or 2, and home afterwards."""
    return said.get("GRAVITE", "") in {"1", "2"} and _exit(said) == "home"


def read(files: Iterable[Path]) -> Extract:
    """The passages of these files, without those whose entry cannot be read. Raises `BadExtract` when nothing is left, or a file is none."""
    return flow(files)[0]


def flow(files: Iterable[Path]) -> tuple[Extract, NDArray[np.bool_], date]:
    """The same with whom the overflow stream may take, and the Monday from which minutes are counted."""
    rows: list[tuple[datetime, float, int, bool]] = []
    for file in files:
        try:
            found = passages(file.read_bytes())
        except BadExtract as error:
            raise BadExtract(f"{file.name}: {error}") from error
        for said in found:
            entry, left = _at(said.get("ENTREE", "")), _at(said.get("SORTIE", ""))
            if entry is not None:
                name = _exit(said)
                stay = (left - entry).total_seconds() / 60.0 if left is not None and left >= entry else float("nan")
                rows.append((entry, stay, EXITS.index(name) if name else -1, light(said)))
    if not rows:
        raise BadExtract("no passage with an entry")
    rows.sort()
    first = rows[0][0].date() - timedelta(days=rows[0][0].weekday())
    monday = datetime(first.year, first.month, first.day)  # noqa: DTZ001  # wall clock
    minutes = np.array([(row[0] - monday).total_seconds() / 60.0 for row in rows])
    extract = Extract(minutes, np.array([row[1] for row in rows]), np.array([row[2] for row in rows]))
    return extract, np.array([row[3] for row in rows]), first
