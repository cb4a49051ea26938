"""Two files side by side, trait by trait, and the lines of the list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from maillage import directory, record
from maillage.codes.json import decode
from maillage.directory import Patient, merging
from maillage.directory.merging import Suspects
from maillage.doors.web.catalogue import word
from maillage.doors.web.patients.presenters import Identity, identity
from maillage.record import Visible
from maillage.store import Transaction

_ROWS = ("family", "given", "birth_date", "gender", "birth_insee")


@dataclass(frozen=True, slots=True)
class Line:
    """Two files that look alike: how much."""

    first: Patient
    second: Patient
    same_ins: bool
    agree: int
    disagree: int


@dataclass(frozen=True, slots=True)
class Done:
    """A merge that stands."""

    source: Patient
    target: Patient
    at: datetime


@dataclass(frozen=True, slots=True)
class Trait:
    """One trait of both files, and whether they differ."""

    name: str
    first: str
    second: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two files."""

    row: Patient
    identity: Identity
    resource: dict[str, Any]


def lines(pairs: list[Suspects], files: dict[str, Patient]) -> list[Line]:
    """The pairs of the list whose two files are there."""
    known = [one for one in pairs if one.first in files and one.second in files]
    return [Line(files[one.first], files[one.second], one.same_ins, one.agree, one.disagree) for one in known]


async def side(tx: Transaction, id: str, visible: Visible) -> Side:
    """One file, for the comparison. Raises `NotFound`."""
    row = await directory.get_patient(tx, id, visible)
    resource = decode((await record.read(tx, "Patient", id, visible)).content)
    return Side(row, identity(row, resource), resource)


def traits(first: Side, second: Side) -> list[Trait]:
    """The five strict traits, then INS, its status and the telephone: what differs is said."""
    differ = merging.differences(directory.traits_of(first.resource), directory.traits_of(second.resource))
    pairs = zip(_ROWS, first.identity.traits, second.identity.traits, strict=True)
    found = [Trait(name, mine, yours, key in differ) for key, (name, mine), (_, yours) in pairs]
    status = (word("identity", first.identity.identity), word("identity", second.identity.identity))
    return [
        *found,
        Trait("INS", first.identity.ins or "–", second.identity.ins or "–", "ins" in differ),
        Trait("Statut de l’identité", *status, False),
        Trait("Téléphone", first.identity.phone or "–", second.identity.phone or "–", False),
    ]
