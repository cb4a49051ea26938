"""The product's own data files, read once: structures, places, people, services and communes of the territory."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from maillage.directory.identifiers import luhn_key
from maillage.directory.types import Commune, DemoPerson, Membership

RPPS_FICTIVE_PREFIX = "99700"
"""Invented professionals only: a range that the national register does not give to people."""


@dataclass(frozen=True, slots=True)
class StructureEntry:
    """One structure of organizations.toml."""

    id: str
    name: str
    kind: str
    short_name: str = ""
    category: str = ""
    finess: str = ""
    part_of: str = ""
    line: str = ""
    commune: str = ""
    postal_code: str = ""
    phone: str = ""
    mssante: str = ""
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlaceEntry:
    """One site or room of locations.toml; a room has a type, a site has a commune."""

    id: str
    name: str
    organization: str
    part_of: str = ""
    type: str = ""
    commune: str = ""


@dataclass(frozen=True, slots=True)
class PersonEntry:
    """One invented professional of practitioners.csv; `profession` is TRE_G15 or none."""

    id: str
    family: str
    given: str
    gender: str
    profession: str
    serial: str
    military: bool

    @property
    def rpps(self) -> str:
        """An invented RPPS with a true key, empty for those who have none."""
        body = RPPS_FICTIVE_PREFIX + self.serial
        return body + luhn_key(body) if self.serial else ""

    @property
    def display(self) -> str:
        """The name on screens."""
        title = "Dr " if self.profession in ("10", "40") else ""
        return f"{title}{self.given} {self.family}"


@dataclass(frozen=True, slots=True)
class RoleEntry:
    """One person in one place, of roles.csv."""

    id: str
    practitioner: str
    organization: str
    codes: tuple[str, ...]
    services: tuple[str, ...]
    specialty: str
    sites: tuple[str, ...]
    login: str


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """One service of services.toml."""

    id: str
    name: str
    organization: str
    department: str
    specialties: tuple[str, ...]
    pathway: str
    intake: str
    criteria: tuple[str, ...]
    minutes: int
    lead: str
    triagers: tuple[str, ...]
    sites: tuple[str, ...]
    phone: str
    deadlines: str = "standard"


def read_data(name: str) -> str:
    """One data file of this package as text."""
    return files("maillage.directory").joinpath("data", name).read_text(encoding="utf-8")


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(read_data(name).splitlines()))


def _tables(name: str, key: str) -> list[dict[str, Any]]:
    rows = tomllib.loads(read_data(name))[key]
    return [{field: tuple(value) if isinstance(value, list) else value for field, value in row.items()} for row in rows]


@cache
def structures() -> tuple[StructureEntry, ...]:
    """Every structure, parents before their departments."""
    return tuple(StructureEntry(**row) for row in _tables("organizations.toml", "organization"))


@cache
def places() -> tuple[PlaceEntry, ...]:
    """Every site and room, sites first."""
    return tuple(PlaceEntry(**row) for row in _tables("locations.toml", "location"))


@cache
def people() -> tuple[PersonEntry, ...]:
    """Every invented professional."""
    return tuple(
        PersonEntry(row["id"], row["family"], row["given"], row["gender"], row["profession"], row["serial"], row["military"] == "yes")
        for row in _rows("practitioners.csv")
    )


@cache
def role_entries() -> tuple[RoleEntry, ...]:
    """Every role: one row per person and place."""
    return tuple(
        RoleEntry(
            row["id"],
            row["practitioner"],
            row["organization"],
            tuple(row["codes"].split()),
            tuple(row["services"].split()),
            row["specialty"],
            tuple(row["sites"].split()),
            row["login"],
        )
        for row in _rows("roles.csv")
    )


@cache
def service_entries() -> tuple[ServiceEntry, ...]:
    """Every service."""
    return tuple(ServiceEntry(**row) for row in _tables("services.toml", "service"))


@cache
def communes() -> tuple[Commune, ...]:
    """The 25 communes, by INSEE code."""
    return tuple(
        Commune(
            row["insee"],
            row["name"],
            row["departement"],
            tuple(row["postal_codes"].split()),
            float(row["latitude"]),
            float(row["longitude"]),
        )
        for row in _rows("communes.csv")
    )


@cache
def memberships() -> tuple[Membership, ...]:
    """CPTS-commune, basin-commune and basin-CPTS links."""
    return tuple(
        Membership(row["kind"], row["group"], row["member"], row["part"] == "yes", date.fromisoformat(row["since"]), row["source"])
        for row in _rows("memberships.csv")
    )


@cache
def populations() -> tuple[tuple[str, int, int, str], ...]:
    """(insee, vintage, population, source) rows."""
    return tuple((row["insee"], int(row["vintage"]), int(row["population"]), row["source"]) for row in _rows("populations.csv"))


@cache
def deadline_rows() -> tuple[tuple[str, str, str, int, str], ...]:
    """(key, step, priority, amount, unit) rows; units h, bh, wd, d as in `kernel.working_time`."""
    return tuple((row["key"], row["step"], row["priority"], int(row["amount"]), row["unit"]) for row in _rows("deadlines.csv"))


@cache
def demo_people() -> tuple[DemoPerson, ...]:
    """The demonstration logins, in the order of roles.csv."""
    person = {entry.id: entry for entry in people()}
    structure: Mapping[str, StructureEntry] = {entry.id: entry for entry in structures()}
    return tuple(
        DemoPerson(
            role.login,
            role.id,
            role.practitioner,
            person[role.practitioner].display,
            role.organization,
            structure[role.organization].short_name or structure[role.organization].name,
            role.codes,
            role.services,
        )
        for role in role_entries()
        if role.login
    )
