"""Two files of one person: found, compared, merged into one, taken apart again (RNIV; FHIR R4 Patient.link)."""

from __future__ import annotations

from maillage.directory.merging.actions import close, give_back, keep_apart, note_moves, reopen
from maillage.directory.merging.queries import LASTS, files, keep_alike, last_merge, lock_pair, merges, moved, survivor_of, suspects
from maillage.directory.merging.rules import KEEPERS, check_merge, check_unmerge, differences, may_merge
from maillage.directory.merging.types import File, Merge, Moved, Suspects

__all__ = [
    "KEEPERS",
    "LASTS",
    "File",
    "Merge",
    "Moved",
    "Suspects",
    "check_merge",
    "check_unmerge",
    "close",
    "differences",
    "files",
    "give_back",
    "keep_alike",
    "keep_apart",
    "last_merge",
    "lock_pair",
    "may_merge",
    "merges",
    "moved",
    "note_moves",
    "reopen",
    "survivor_of",
    "suspects",
]
