"""Frozen values of the room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Text:
    """A scenario as it is handed to the simulation: its name and its file."""

    name: str
    content: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A scenario that an organisation keeps."""

    id: str
    title: str
    content: str
    digest: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """The report of an experiment in one language: as a page, and on paper where it can be drawn."""

    page: str | None
    paper: bytes | None


@dataclass(frozen=True, slots=True)
class Experiment:
    """One question asked of the simulation, and what is known of its answer."""

    id: str
    kind: str
    status: str
    scenario: Text
    against: Text | None
    seed: int
    replications: int | None
    asked_at: datetime
    done: int
    expected: int
    answer: Mapping[str, Any] | None
    reason: str
    has_report: bool
    has_paper: bool
    begun_at: datetime | None
    first_at: datetime | None
    ended_at: datetime | None
