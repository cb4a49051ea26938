"""Words of a binding: the traits of a file, and what came of a sign-in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class FileTraits:
    """The strict traits of one file; `given` is the whole list of birth given names when `listed`, else the first alone."""

    id: str
    family: str
    given: str
    listed: bool
    birth_date: date | None
    gender: str
    birth_insee: str


@dataclass(frozen=True, slots=True)
class Binding:
    """A citizen who reads a file, until one of them ends it or the identity of the file changes."""

    id: str
    patient_id: str
    level: str
    bound_at: datetime
