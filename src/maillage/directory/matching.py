"""How sure it is that a patient who is looked for is the one found: INS and strict traits, never a likeness of letters. Pure.

Certain: the same INS on a qualified identity, and no trait that disagrees. Probable: the same INS otherwise, or all five strict traits (birth name,
first given name, birth date, sex, commune of birth) and no namesake. Possible: fewer traits, or a namesake. A trait that disagrees makes another
person, unless the INS is the same: then a human looks (RNIV; standards.md 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from maillage.codes import systems
from maillage.directory.patient_rows import rows_from_patient
from maillage.directory.rows import identifiers

CERTAIN, PROBABLE, POSSIBLE = "certain", "probable", "possible"
GRADES = (CERTAIN, PROBABLE, POSSIBLE)
STRICT = 5
UNKNOWN_PLACES = frozenset({"", "99999"})


@dataclass(frozen=True, slots=True)
class Traits:
    """What identifies a person: INS as (system, normalised value), and the five strict traits, folded."""

    ins: frozenset[tuple[str, str]]
    families: frozenset[str]
    given: str
    birth_date: date | None
    gender: str
    birth_insee: str

    @property
    def named(self) -> int:
        """How many strict traits are given."""
        return sum((bool(self.families), bool(self.given), bool(self.birth_date), bool(self.gender), bool(self.birth_insee)))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A patient whom the caller sees, as the rows have it."""

    id: str
    traits: Traits
    qualified: bool


@dataclass(frozen=True, slots=True)
class Match:
    """A candidate with its grade and a score from 0 to 1; higher grades always score higher."""

    id: str
    grade: str
    score: float


def traits_of(resource: dict[str, Any]) -> Traits:
    """The traits of a Patient resource."""
    row = rows_from_patient(resource)
    ins = frozenset((i.system, i.normalised) for i in identifiers(resource) if i.system in systems.INS_SYSTEMS and i.use != "old")
    families = frozenset(filter(None, row.families_folded))
    return Traits(ins, families, row.given_folded, row.birth_date, known_gender(row.gender), known_place(row.birth_insee))


def known_gender(code: str) -> str:
    """The sex when it is a trait: `unknown` and `other` say nothing."""
    return code if code in ("male", "female") else ""


def known_place(insee: str) -> str:
    """The commune of birth when it is known."""
    return "" if insee in UNKNOWN_PLACES else insee


def compare(asked: Traits, found: Traits) -> tuple[int, int]:
    """How many strict traits agree, and how many disagree; a trait that one side lacks does neither."""
    agree = disagree = 0
    pairs = ((asked.given, found.given), (asked.birth_date, found.birth_date), (asked.gender, found.gender))
    for mine, yours in (*pairs, (asked.birth_insee, found.birth_insee)):
        if mine and yours:
            agree, disagree = agree + (mine == yours), disagree + (mine != yours)
    if asked.families and found.families:
        same = bool(asked.families & found.families)
        agree, disagree = agree + same, disagree + (not same)
    return agree, disagree


def matches(asked: Traits, candidates: Sequence[Candidate], *, only_certain: bool = False) -> list[Match]:
    """The candidates that may be this person, the surest first; with `only_certain` one at most, since two are no certainty."""
    graded = [match for candidate in candidates if (match := _grade(asked, candidate))]
    full = sum(1 for match in graded if match.grade != CERTAIN and match.score >= 0.8)
    if full > 1 or any(match.grade == CERTAIN for match in graded):
        graded = [_doubted(match) for match in graded]
    found = sorted(graded, key=lambda match: (-match.score, match.id))
    if only_certain:
        sure = [match for match in found if match.grade == CERTAIN]
        return sure if len(sure) == 1 else []
    return found


def _grade(asked: Traits, candidate: Candidate) -> Match | None:
    agree, disagree = compare(asked, candidate.traits)
    if asked.ins & candidate.traits.ins:
        if disagree:
            return Match(candidate.id, POSSIBLE, 0.7)
        return Match(candidate.id, CERTAIN, 1.0) if candidate.qualified else Match(candidate.id, PROBABLE, 0.95)
    systems_shared = {system for system, _ in asked.ins} & {system for system, _ in candidate.traits.ins}
    if disagree or systems_shared or agree < 3:
        return None
    return Match(candidate.id, PROBABLE, 0.9) if agree == STRICT else Match(candidate.id, POSSIBLE, agree / 10 + 0.1)


def _doubted(match: Match) -> Match:
    """A probable match beside another one of the same traits, or beside a certain one, is only possible."""
    return Match(match.id, POSSIBLE, 0.6) if match.grade == PROBABLE else match
