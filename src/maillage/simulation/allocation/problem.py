"""What is asked: practitioners, sites, communes, weeks, what weighs how much."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maillage.simulation.draws import Purpose, drawn

Floats = NDArray[np.float64]
Plan = NDArray[np.int64]
"""p, s, w -> half-days."""
NEAR: Final = 25.0
"""A patient is sent to a site at most so many minutes away."""
HALF_DAYS: Final = 10


class Unusable(ValueError):
    """A problem that cannot be read: what is missing or of the wrong shape."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Choices, shown with every plan. A week of backlog of one patient counts 10 times its urgency; five minutes of travel count 1."""

    backlog: float = 10.0
    patient_minutes: float = 5.0
    practitioner_minutes: float = 5.0
    opening: float = 60.0
    equity: float = 2000.0
    clause: float = 500.0


@dataclass(frozen=True, slots=True)
class Problem:
    """Arrays only: p practitioner, s site, c commune, k specialty, w week."""

    specialty: NDArray[np.int64]
    """p -> k."""
    patients: Floats
    """k -> patients of a half-day, fast-track reserve apart."""
    urgency: Floats
    demand: Floats
    """k, c, w: new patients."""
    backlog: Floats
    """k, c: those who wait at the start."""
    travel: Floats
    """c, s: minutes."""
    trip: Floats
    """p, s: minutes of the practitioner."""
    available: NDArray[np.int64]
    """p, w: half-days, the practitioner's maximum included."""
    rooms: NDArray[np.int64]
    """s: rooms that can be used at once."""
    allowed: NDArray[np.bool_]
    """p, s: equipment, convention in force, authorisation on file."""
    between: Floats
    """s, s: minutes."""
    published: NDArray[np.int64] | None = None
    """p, s, w: what is published already, a constant; -1 where nothing is."""
    most: NDArray[np.int64] | None = None
    """p, s, w: half-days at most, where more found no morning or afternoon."""
    clauses: tuple[tuple[int, int, float], ...] = ()
    """k, s, half-days owed over the weeks."""
    weights: Weights = field(default_factory=Weights)

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """p, s, c, k, w."""
        return len(self.specialty), len(self.rooms), len(self.travel), len(self.patients), self.demand.shape[2]

    def near(self) -> NDArray[np.bool_]:
        """c, s: near enough."""
        return self.travel <= NEAR

    def unreachable(self) -> list[tuple[int, int]]:
        """k, c with demand and no site where anyone of the specialty may go."""
        p, _, c, k, _ = self.shape
        served = np.zeros((k, len(self.rooms)), bool)
        for n in range(p):
            served[self.specialty[n]] |= self.allowed[n]
        return [(a, b) for a in range(k) for b in range(c) if self.demand[a, b].sum() > 0 and not (served[a] & self.near()[b]).any()]


FIELDS: Final = {
    "specialty": "int", "patients": "float", "urgency": "float", "demand": "float", "backlog": "float", "travel": "float", "trip": "float",
    "available": "int", "rooms": "int", "allowed": "bool", "between": "float",
}  # fmt: skip


def read(text: str) -> Problem:
    """A problem from JSON: the arrays of `Problem`, by name."""
    try:
        said: dict[str, Any] = json.loads(text)
        arrays: dict[str, Any] = {
            name: np.array(said[name], dtype={"int": np.int64, "float": np.float64, "bool": np.bool_}[kind])
            for name, kind in FIELDS.items()
        }
        published = np.array(said["published"], np.int64) if "published" in said else None
        clauses = tuple((int(k), int(e), float(owed)) for k, e, owed in said.get("clauses", ()))
        found = Problem(**arrays, published=published, clauses=clauses, weights=Weights(**said.get("weights", {})))
    except (KeyError, TypeError, ValueError) as error:
        raise Unusable(f"this is no problem of allocation: {error}") from error
    _check(found)
    return found


def read_plan(text: str, problem: Problem) -> Plan:
    """The plan of an earlier answer to the same question."""
    try:
        plan = np.array(json.loads(text)["plan"], np.int64)
    except (KeyError, TypeError, ValueError) as error:
        raise Unusable(f"this is no answer with a plan: {error}") from error
    p, s, _, _, w = problem.shape
    if plan.shape != (p, s, w):
        raise Unusable(f"plan: {plan.shape} where {(p, s, w)} is expected")
    return plan


def _check(problem: Problem) -> None:
    p, s, c, k, w = problem.shape
    expected = {
        "demand": (k, c, w), "backlog": (k, c), "travel": (c, s), "trip": (p, s), "available": (p, w), "allowed": (p, s), "between": (s, s),
        "urgency": (k,),
    }  # fmt: skip
    for name, shape in expected.items():
        if getattr(problem, name).shape != shape:
            raise Unusable(f"{name}: {getattr(problem, name).shape} where {shape} is expected")
    if problem.published is not None and problem.published.shape != (p, s, w):
        raise Unusable(f"published: {problem.published.shape} where {(p, s, w)} is expected")
    if any(not (0 <= a < k and 0 <= e < s) for a, e, _ in problem.clauses):
        raise Unusable("clauses: a specialty or a site that there is not")
    if problem.specialty.min() < 0 or problem.specialty.max() >= k:
        raise Unusable("specialty: a practitioner of a specialty that has no patients")


def example(
    practitioners: int = 30,
    sites: int = 20,
    communes: int = 20,
    weeks: int = 12,
    specialties: int = 10,
    seed: int = 1,
    *,
    scarce: bool = False,
) -> Problem:
    """An invented territory of this size: the same seed gives the same one.

    There is about as much supply as demand; or it is `scarce`: one half-day less a week of everyone, of four patients more, and more who come than are seen.
    """
    rows = iter(range(10_000))

    def u(*shape: int) -> Floats:
        size = int(np.prod(shape))
        return drawn(seed * 1000 + next(rows), np.arange(size, dtype=np.uint64), Purpose.PRIOR).reshape(shape)

    town, site, home = u(communes, 2) * 40, u(sites, 2) * 40, u(practitioners, 2) * 40
    specialty = np.arange(practitioners) % specialties
    patients = np.round(6 + 6 * u(specialties)) + 4 * scarce
    size = 0.3 + u(communes)
    offer = np.array([patients[k] * 2.2 * (specialty == k).sum() for k in range(specialties)])
    demand = offer[:, None, None] * (size / size.sum())[None, :, None] * (0.7 + 0.6 * u(specialties, communes, weeks))
    return Problem(
        specialty=specialty,
        patients=patients,
        urgency=np.round(1 + 2 * u(specialties), 1),
        demand=demand,
        backlog=demand.mean(axis=2) * 4 * u(specialties, communes),
        travel=_distances(town, site),
        trip=_distances(home, site),
        available=np.floor(2 - scarce + 2 * u(practitioners, weeks)).astype(np.int64),
        rooms=np.floor(1 + 2 * u(sites)).astype(np.int64),
        allowed=u(practitioners, sites) < 0.45,
        between=_distances(site, site),
    )


def _distances(a: Floats, b: Floats) -> Floats:
    """Minutes by road, at one a kilometre."""
    return np.asarray(np.sqrt(((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2)))
