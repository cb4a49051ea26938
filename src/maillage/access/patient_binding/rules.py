"""Whether a citizen is the person of a file: every strict trait the same, and one file alone. Pure.

FranceConnect gives no INS. What it does give are the five strict traits of the RNIV, as the civil register has them.
"""

from __future__ import annotations

from collections.abc import Sequence

from maillage.access.identity.provider import Pivot
from maillage.access.patient_binding.types import FileTraits
from maillage.directory import fold
from maillage.kernel.answers import Allowed, Answer, Refused


def agrees(pivot: Pivot, file: FileTraits) -> bool:
    """Whether all five strict traits are known in the file and the same: accents, case, hyphens and spaces aside, nothing else."""
    same = (file.birth_date, file.gender, file.birth_insee) == (pivot.birth_date, pivot.gender, pivot.birth_insee)
    return same and bool(file.family) and fold(file.family) == fold(pivot.family) and _same_given(pivot.given, file)


def _same_given(told: str, file: FileTraits) -> bool:
    """The whole list where the file has it; else its first given name, compound or not, begins the list, word by word."""
    if not fold(file.given):
        return False
    if file.listed:
        return fold(told) == fold(file.given)
    words = told.split()
    return any(fold("".join(words[:count])) == fold(file.given) for count in range(1, len(words) + 1))


def may_bind(pivot: Pivot, wanted: str, files: Sequence[FileTraits]) -> Answer:
    """Whether the file of the link is this citizen's: its traits agree, and no other file's do."""
    found = {file.id for file in files if agrees(pivot, file)}
    if wanted not in found:
        return Refused("traits-differ")
    return Allowed() if found == {wanted} else Refused("several-files")
