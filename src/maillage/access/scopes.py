"""SMART scopes, read as the specification writes them: `system/Task.cru`, `patient/*.rs`, `system/Observation.rs?category=laboratory`.

https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, quote

from maillage.codes.r4 import resource_types

LETTERS = "cruds"
LONGEST = 500
_OLD = {"read": "rs", "write": "cud", "*": "cruds"}
_SCOPE = re.compile(
    r"(?P<context>system|user|patient)/(?P<type>\*|[A-Za-z]+)\.(?P<letters>\*|read|write|(?=[cruds])c?r?u?d?s?)(?:\?(?P<query>[!-~]+))?"
)

Criteria = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """One scope of a resource type: `letters` are those of cruds; `criteria` is the query that narrows it."""

    context: str
    type: str
    letters: str
    criteria: Criteria = ()

    def grants(self, type: str, letter: str) -> bool:
        """Whether it grants the letter on a type, narrowed or not."""
        return self.type in ("*", type) and letter in self.letters

    def __str__(self) -> str:
        query = "&".join(f"{quote(name, safe=':-_')}={quote(value, safe=':/|,$-_')}" for name, value in self.criteria)
        return f"{self.context}/{self.type}.{self.letters}{'?' if query else ''}{query}"


@lru_cache(maxsize=1024)
def read_scope(text: str) -> Scope | None:
    """The scope that a text writes, in the first form or the second; None for what is no scope of a resource type."""
    found = _SCOPE.fullmatch(text) if len(text) <= LONGEST else None
    if found is None or (found["type"] != "*" and found["type"] not in resource_types()):
        return None
    try:
        criteria = parse_qsl(found["query"] or "", keep_blank_values=True, strict_parsing=found["query"] is not None, errors="strict")
    except ValueError:
        return None
    return Scope(found["context"], found["type"], _OLD.get(found["letters"], found["letters"]), tuple(criteria))


def read_scopes(texts: Iterable[str]) -> Iterator[Scope]:
    """Those of the texts that are scopes of a resource type."""
    return (scope for text in texts if (scope := read_scope(text)) is not None)


def scope_allows(scopes: Iterable[str], resource_type: str, letter: str, *, patient: bool = False) -> bool:
    """Whether one of the scopes grants `letter` (c, r, u, d or s) on this type; a scope of one patient only where the patient is known."""
    return any(scope.grants(resource_type, letter) and (patient or scope.context != "patient") for scope in read_scopes(scopes))


def narrow(asked: Scope, granted: Iterable[Scope]) -> list[Scope]:
    """What is left of a scope that is asked for where these are granted: fewer types, fewer letters, every query of both; nothing more ever."""
    made = [_both(asked, one) for one in granted]
    return [scope for scope in dict.fromkeys(made) if scope is not None]


def _both(asked: Scope, one: Scope) -> Scope | None:
    letters = "".join(letter for letter in LETTERS if letter in one.letters and letter in asked.letters)
    if one.context != asked.context or not letters or (one.type != asked.type and "*" not in (one.type, asked.type)):
        return None
    type = asked.type if one.type == "*" else one.type
    return Scope(asked.context, type, letters, tuple(dict.fromkeys((*one.criteria, *asked.criteria))))
