"""What a merge speaks of: a file, a merge of two of them, a row that it moved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class File:
    """A patient's file as the rules of a merge read it."""

    id: str
    owner_org: str
    ins: str
    qualified: bool
    active: bool
    replaced_by: str | None


@dataclass(frozen=True, slots=True)
class Merge:
    """One merge: `source` is replaced by `target` until it is taken back."""

    id: str
    source: str
    target: str
    owner_org: str
    merged_at: datetime
    merged_by: str
    comment: str = ""
    undone_at: datetime | None = None

    @property
    def stands(self) -> bool:
        """Whether nobody has taken it back."""
        return self.undone_at is None


@dataclass(frozen=True, slots=True)
class Moved:
    """One line of the ledger: the table and id of a row that a merge moved or added, and what has to be put back with it."""

    kind: str
    id: str
    was: str = ""


@dataclass(frozen=True, slots=True)
class Suspects:
    """Two files that may be of one person: which strict traits agree, which do not, and whether they share an INS."""

    first: str
    second: str
    same_ins: bool
    agree: int
    disagree: int
