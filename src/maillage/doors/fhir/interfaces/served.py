"""What one interface serves: types and methods, as its guide lists them; nothing else answers there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from maillage.doors.fhir.context import Context
from maillage.doors.fhir.http import ID, Request, Response
from maillage.doors.fhir.problems import MethodNotAllowed, UnknownPlace
from maillage.kernel.errors import NotFound

Interaction = Callable[[Context, Request], Awaitable[Response]]
CODES = {
    ("type", "GET"): ("search-type",),
    ("type", "POST"): ("create",),
    ("where", "PUT"): ("update",),
    ("where", "PATCH"): ("patch",),
    ("one", "GET"): ("read",),
    ("one", "PUT"): ("update",),
    ("one", "PATCH"): ("patch",),
    ("one", "DELETE"): ("delete",),
}
"""How R4 calls what a method does at a level: on a type, where a query stands for the id, on one resource."""


@dataclass(frozen=True, slots=True)
class Served:
    """The methods of one type: on the type itself, `where` a query stands for the id, on `one` resource."""

    type: Mapping[str, Interaction] = field(default_factory=dict)
    where: Mapping[str, Interaction] = field(default_factory=dict)
    one: Mapping[str, Interaction] = field(default_factory=dict)
    history: Mapping[str, Interaction] = field(default_factory=dict)
    version: Mapping[str, Interaction] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()

    def codes(self) -> list[str]:
        """What it does, in the words of a CapabilityStatement."""
        levels = (("type", self.type), ("where", self.where), ("one", self.one))
        told = [code for level, methods in levels for method in methods for code in CODES.get((level, method), ())]
        more = ["history-instance"] if self.history else []
        return list(dict.fromkeys([*told, *more, *(["vread"] if self.version else [])]))


@dataclass(frozen=True, slots=True)
class Interface:
    """One guide: the first part of its address, its CapabilityStatements, the dialect of what leaves, what each type answers to."""

    name: str
    guides: tuple[str, ...]
    dialect: str
    types: Mapping[str, Served]
    root: Mapping[str, Interaction] = field(default_factory=dict)

    def find(self, request: Request) -> Interaction:
        """The interaction of a request. Raises `UnknownPlace`, `NotFound` or `MethodNotAllowed` (405)."""
        methods = self._methods(request)
        method = "GET" if request.method == "HEAD" else request.method
        if method not in methods:
            raise MethodNotAllowed(methods)
        return methods[method]

    def _methods(self, request: Request) -> Mapping[str, Interaction]:
        if not request.path:
            return self.root
        kind, *rest = request.path
        served = self.types.get(kind)
        if served is None:
            raise UnknownPlace
        if not rest:
            return {**served.type, **served.where} if request.query else served.type
        if rest == ["_search"]:
            return {"POST": served.type["GET"]} if "GET" in served.type else {}
        if not ID.fullmatch(rest[0]):
            raise NotFound(kind)
        return self._below(served, rest[1:])

    @staticmethod
    def _below(served: Served, rest: list[str]) -> Mapping[str, Interaction]:
        if not rest:
            return served.one
        if rest[0] != "_history" or len(rest) > 2:
            raise UnknownPlace
        return served.version if len(rest) == 2 else served.history
