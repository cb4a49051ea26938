"""The matrix of roles, actions and types, as pure checks over one data file. What is not written there is refused."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

from maillage.kernel.actor import Actor
from maillage.kernel.answers import Allowed, Answer, Refused

LETTERS: Final = {"read": "ra", "write": "w", "verb": "v"}
WHOLE, ADMINISTRATIVE, NOTHING = "whole", "administrative", "nothing"
OWN_WORDS: Final = frozenset({"Simulation"})
"""What the matrix speaks of that is no resource, and stands on pages alone."""
ALWAYS: Final = frozenset({"resourceType", "id", "meta", "language"})


@dataclass(frozen=True, slots=True)
class Policy:
    """The data file, read: letters of each (role, type), elements of an administrative part, lowest assurance, labels, emergency."""

    cells: Mapping[tuple[str, str], str]
    administrative: Mapping[str, frozenset[str]]
    assurances: Mapping[str, int]
    floors: Mapping[str, int]
    labels: Mapping[str, tuple[frozenset[str] | None, frozenset[str]]]
    emergency: frozenset[str]
    roles: frozenset[str]
    types: frozenset[str]
    written: frozenset[str]


@cache
def policy() -> Policy:
    """What stands in `policy.toml`."""
    return read(tomllib.loads(files(__package__).joinpath("policy.toml").read_text(encoding="utf-8")))


def read(data: Mapping[str, Any]) -> Policy:
    """The tables of the file as they are asked. Raises `ValueError` for a letter or a group that is none, and for a rewriting of what is not seen."""
    groups = data["groups"]
    cells = {
        (role, type): _checked(role, group, letters)
        for role, granted in data["roles"].items()
        for group, letters in granted.items()
        for type in groups[group]
    }
    administrative = {kind: frozenset(names) for kind, names in data["administrative"].items()}
    if missing := {type for (_, type), letters in cells.items() if "a" in letters} - administrative.keys():
        raise ValueError(f"no administrative part of {', '.join(sorted(missing))}")
    return Policy(
        cells=cells,
        administrative=administrative,
        assurances=data["assurances"],
        floors=data["floors"],
        labels={code: _label(code, rule) for code, rule in data["labels"].items()},
        emergency=frozenset(data["emergency"]["roles"]),
        roles=frozenset(data["roles"]),
        types=frozenset(type for types in groups.values() for type in types),
        written=frozenset(type for (_, type), letters in cells.items() if "w" in letters),
    )


def _label(code: str, rule: Mapping[str, Any]) -> tuple[frozenset[str] | None, frozenset[str]]:
    """To whom alone a label leaves the resource open (None: to all), and to whom it closes it."""
    if set(rule) not in ({"open_to"}, {"closed_to"}):
        raise ValueError(f"{code}: open_to or closed_to")
    return (frozenset(rule["open_to"]) if "open_to" in rule else None, frozenset(rule.get("closed_to", ())))


def _checked(role: str, group: str, letters: str) -> str:
    if not letters or set(letters) - set("rawv") or len(set(letters)) != len(letters) or {"r", "a"} <= set(letters):
        raise ValueError(f"{role}, {group}: {letters!r} is made of r or a, w, v")
    if "w" in letters and "r" not in letters:
        raise ValueError(f"{role}, {group}: who does not see the whole does not rewrite it")
    return letters


@lru_cache(maxsize=4096)
def _granted(roles: frozenset[str], kind: str) -> frozenset[str]:
    return frozenset(letter for role in roles for letter in policy().cells.get((role, kind), ""))


def may(actor: Actor, action: str, kind: str) -> Answer:
    """Whether one of the actor's roles may do `action` (read, write, verb) on this type: no role, an unknown role or type is no."""
    return Allowed() if _granted(actor.roles, kind) & set(LETTERS[action]) else Refused("role")


def view(actor: Actor, kind: str) -> str:
    """How much of a resource of this type the actor is shown: the best of what its roles give."""
    return _seen(actor.roles, kind)


@lru_cache(maxsize=4096)
def _seen(roles: frozenset[str], kind: str) -> str:
    granted = _granted(roles, kind)
    return WHOLE if "r" in granted else ADMINISTRATIVE if "a" in granted else NOTHING


def sees_whole(actor: Actor, kind: str) -> bool:
    """Whether the clinical part is shown too."""
    return view(actor, kind) == WHOLE


def is_narrowed(actor: Actor) -> bool:
    """Whether some type is shown in part only: for most callers nothing needs to be looked at."""
    return _narrowed(actor.roles)


@lru_cache(maxsize=4096)
def _narrowed(roles: frozenset[str]) -> bool:
    return any(_seen(roles, kind) == ADMINISTRATIVE for kind in policy().administrative)


def assured(actor: Actor, action: str) -> Answer:
    """Whether what the actor proved at sign-in is enough for the action. An unknown assurance proves nothing."""
    return Allowed() if policy().assurances.get(actor.assurance, 0) >= policy().floors[action] else Refused("assurance")


def decide(actor: Actor, action: str, kind: str) -> Answer:
    """The part of the decision that needs no row: assurance, then the matrix. The rest is the predicate of `visible_to`."""
    if actor.kind == "system":
        return Allowed()
    answer = assured(actor, action)
    return may(actor, action, kind) if isinstance(answer, Allowed) else answer


def may_break_the_glass(actor: Actor) -> bool:
    """Whether one of the actor's roles is on the list."""
    return actor.kind == "person" and actor.is_one_of(*policy().emergency)


def shown_in_part(resource: Mapping[str, Any]) -> dict[str, Any]:
    """The administrative part of a resource; a type that has none shows only that it exists."""
    kept = policy().administrative.get(resource["resourceType"], frozenset()) | ALWAYS
    return {key: value for key, value in resource.items() if key.removeprefix("_") in kept}


@lru_cache(maxsize=1024)
def closing_labels(roles: frozenset[str]) -> tuple[str, ...]:
    """The labels that close a resource to somebody of these roles."""
    return tuple(
        sorted(code for code, (alone, closed) in policy().labels.items() if closed & roles or (alone is not None and not alone & roles))
    )
