"""Invented patients: seeded, the same twice, one random stream per distribution, so that a change in one leaves the others alone."""

from __future__ import annotations

import random
import tomllib
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from itertools import islice
from typing import Any

from maillage.directory.identifiers import nir_key
from maillage.directory.patient_fhir import PatientEntry, render_patient
from maillage.directory.territory import RoleEntry, communes, populations, read_data, role_entries, structures

REFERENCE_DAY = date(2026, 1, 1)
"""Ages are counted on this day, whatever the clock says."""

HOMONYM_EVERY = 25
TWIN_EVERY = 100
STREAMS = ("age", "birth-day", "gender", "name", "birth-place", "residence", "phone", "identity", "doctor", "order", "collected", "id")


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(read_data("names.toml"))


class _Streams:
    """One independent generator per distribution."""

    def __init__(self, seed: int) -> None:
        self._streams = {name: random.Random(f"maillage/{seed}/{name}") for name in STREAMS}  # noqa: S311  # invented people, no secret

    def __getitem__(self, name: str) -> random.Random:
        return self._streams[name]


def generate_patients(seed: int, n: int) -> list[dict[str, Any]]:
    """`n` invented patients as FHIR resources; the first ones are the same whatever `n` is."""
    return [render_patient(entry) for entry in islice(entries(seed), n)]


def entries(seed: int) -> Iterator[PatientEntry]:
    """The endless list of invented patients of a seed; every 25th shares its name with an earlier one, every 100th its birth date too."""
    draw, orders, past = _Streams(seed), Counter[str](), list[PatientEntry]()
    while True:
        number = len(past) + 1
        model = past[-7] if number % HOMONYM_EVERY == 0 else None
        entry = _entry(draw, orders, number, model)
        past.append(entry)
        yield entry


def _entry(draw: _Streams, orders: Counter[str], number: int, model: PatientEntry | None) -> PatientEntry:
    gender, birth_date = draw["gender"].choice(("female", "male")), _birth_date(draw)
    family, given = _name(draw, gender, birth_date)
    if model is not None:
        family, given, gender = model.family, model.given, model.gender
        birth_date = model.birth_date if number % TWIN_EVERY == 0 else birth_date
    place = _weighted(draw["birth-place"], _words()["birth_place"])
    identity = draw["identity"].choices(("qualified", "validated", "retrieved", "provisional"), (82, 8, 4, 6))[0]
    ins = _ins(draw, orders, gender, birth_date, place["insee"])
    commune = _residence(draw)
    doctor = _doctor(draw, commune)
    return PatientEntry(
        id=str(uuid.UUID(int=draw["id"].getrandbits(128), version=4)),
        number=number,
        family=family,
        given=given,
        birth_date=birth_date,
        gender=gender,
        birth_insee=place["insee"],
        birth_city=place["city"],
        ins="" if identity == "provisional" else ins,
        identity=identity,
        mobile=f"06 39 98 {draw['phone'].randrange(100):02d} {draw['phone'].randrange(100):02d}",
        line=f"{draw['residence'].randrange(1, 90)} {draw['residence'].choice(_words()['streets']['names'])}",
        commune=commune,
        collected=REFERENCE_DAY - timedelta(days=draw["collected"].randrange(1, 700)),
        doctor_role=doctor.id,
        organization=doctor.organization,
    )


def _birth_date(draw: _Streams) -> date:
    band = _weighted(draw["age"], _words()["age"])
    age = draw["age"].randint(band["first"], band["last"])
    return REFERENCE_DAY - timedelta(days=int(age * 365.25) + draw["birth-day"].randrange(365) + 1)


def _name(draw: _Streams, gender: str, birth_date: date) -> tuple[str, tuple[str, ...]]:
    words = _words()
    generation = next(item for item in words["generation"] if birth_date.year <= item["until"])
    count = draw["name"].choices((1, 2, 3), (55, 35, 10))[0]
    return draw["name"].choice(words["families"]), tuple(draw["name"].sample(generation[gender], count))


def _ins(draw: _Streams, orders: Counter[str], gender: str, birth_date: date, insee: str) -> str:
    """A NIR of the test domain with a true key: sex, year, month, place, order of registration."""
    head = f"{'2' if gender == 'female' else '1'}{birth_date:%y%m}{insee}"
    orders[head] += draw["order"].randrange(1, 9)
    body = f"{head}{orders[head] % 1000:03d}"
    return body + nir_key(body)


@cache
def _residents() -> tuple[tuple[str, ...], tuple[int, ...]]:
    latest = max(vintage for _, vintage, _, _ in populations())
    counts = {insee: count for insee, vintage, count, _ in populations() if vintage == latest}
    codes = tuple(commune.insee for commune in communes())
    return codes, tuple(counts[code] for code in codes)


def _residence(draw: _Streams) -> str:
    codes, weights = _residents()
    return draw["residence"].choices(codes, weights)[0]


@cache
def _doctors(commune: str) -> tuple[RoleEntry, ...]:
    """General practitioners of the commune, else of its department, else of the whole territory."""
    place = {structure.id: structure.commune for structure in structures()}
    town = [role for role in role_entries() if role.specialty in ("SM53", "SM54")]
    near = ([role for role in town if place[role.organization].startswith(prefix)] for prefix in (commune, commune[:2], ""))
    return tuple(next(found for found in near if found))


def _doctor(draw: _Streams, commune: str) -> RoleEntry:
    return draw["doctor"].choice(_doctors(commune))


def _weighted(stream: random.Random, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return stream.choices(choices, [item["weight"] for item in choices])[0]
