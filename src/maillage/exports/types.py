"""What an export is: its level, what is wanted of it, how far it is, its files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Level(StrEnum):
    """Of what: everything, every patient, the members of a group (Bulk Data Access STU2)."""

    SYSTEM = "system"
    PATIENT = "patient"
    GROUP = "group"


Filter = tuple[str, tuple[tuple[str, str], ...]]
"""A type and a search in it: a resource of the type must answer one of its searches."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client asks for: `request` is its URL, told again in the manifest; no `patients` means all of the level."""

    level: Level
    types: tuple[str, ...]
    request: str
    group: str = ""
    since: datetime | None = None
    patients: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Export:
    """One export as its client sees it; `step` of `steps` types are done."""

    id: str
    status: str
    request: str
    asked_at: datetime
    expires_at: datetime | None
    step: int
    steps: int
    tells_deleted: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """One file of an export: NDJSON of one type, or of Bundles that tell what of it was `deleted`."""

    id: str
    type: str
    count: int
    deleted: bool = False
