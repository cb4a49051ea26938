"""What the scopes of a token leave of what its bearer may see: the query of a scope is compiled by the compiler of searches.

A scope only ever takes away: its condition is added to the predicate from which every query starts, on every alias.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from maillage.access.queries import VisibleTo
from maillage.access.scopes import Scope, read_scope, read_scopes, scope_allows
from maillage.access.types import DIRECTORY_TYPES
from maillage.kernel.actor import SYSTEM, Actor
from maillage.record import SERVED, Visible
from maillage.record.criteria import either
from maillage.record.criteria.standing import can_stand, standing
from maillage.store import Params


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A predicate, and what at least one of the scopes demands."""

    seen: Visible
    type: str
    scopes: tuple[Scope, ...]
    patient: str

    def sql(self, alias: str, params: Params) -> str:
        """Boolean SQL over an alias that has the id of the resource and the three visibility columns."""
        seen = self.seen.sql(alias, params)
        return f"(({seen}) AND {either([self._demanded(scope, alias, params) for scope in self.scopes])})"

    def _demanded(self, scope: Scope, alias: str, params: Params) -> str:
        tests = [f"{alias}.patient_id = {params.add(self.patient)}"] if _of_patient(scope, self.type) else []
        if scope.criteria:
            tests.append(standing(self.type, alias, scope.criteria, params))
        return f"({' AND '.join(tests)})"


def _of_patient(scope: Scope, type: str) -> bool:
    """Whether the scope is one of a patient, on a type that knows patients; the directory has none."""
    return scope.context == "patient" and type not in DIRECTORY_TYPES


def allows(actor: Actor, type: str, letters: str) -> bool:
    """Whether the scopes of a token grant one of the letters on a type. On a type that no query reaches, only a scope without any counts."""
    return _allows(actor.scopes, bool(actor.patient), type, letters)


@lru_cache(maxsize=4096)
def _allows(texts: tuple[str, ...], patient: bool, type: str, letters: str) -> bool:
    usable = [
        text for text in texts if type in SERVED or ((scope := read_scope(text)) and not scope.criteria and scope.context != "patient")
    ]
    return any(scope_allows(usable, type, letter, patient=patient) for letter in letters)


def narrowed(actor: Actor, type: str, seen: Visible, letters: str = "rs") -> Visible:
    """The predicate cut to what the scopes grant by one of the letters; as it is where nothing narrows them, or nothing of the type is granted."""
    scopes = _narrowing(actor.scopes, bool(actor.patient), type, letters) if actor.scopes else ()
    return Narrowed(seen, type, scopes, actor.patient) if scopes else seen


def bounds(actor: Actor, type: str, letters: str) -> Visible | None:
    """What alone the scopes demand of a resource that is written; None when they demand nothing."""
    seen = VisibleTo(SYSTEM, type)
    made = narrowed(actor, type, seen, letters)
    return None if made is seen else made


@lru_cache(maxsize=4096)
def _narrowing(texts: tuple[str, ...], patient: bool, type: str, letters: str) -> tuple[Scope, ...]:
    granting = [s for s in read_scopes(texts) if any(s.grants(type, letter) for letter in letters) and (patient or s.context != "patient")]
    whole = any(not scope.criteria and not _of_patient(scope, type) for scope in granting)
    return () if whole else tuple(granting)


def unreadable_scopes(scopes: Iterable[str], contexts: Iterable[str] = ("system", "user")) -> tuple[str, ...]:
    """Those that cannot be given: of another form, of a type that is none, or narrowed by a query that cannot be enforced everywhere."""
    known = frozenset(contexts)
    return tuple(text for text in scopes if (scope := read_scope(text)) is None or scope.context not in known or not enforceable(scope))


def enforceable(scope: Scope) -> bool:
    """Whether the query of a scope can be held on every path: known parameters of the type itself, without chain, and not of a moving meaning."""
    if not scope.criteria:
        return True
    return all(can_stand(kind, scope.criteria) for kind in (SERVED if scope.type == "*" else (scope.type,)))
