"""Method and path to the interaction that answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from maillage.codes.r4.search import compartments
from maillage.doors.fhir.context import READABLE, Context
from maillage.doors.fhir.http import ID, Request, Response
from maillage.doors.fhir.interactions.binaries import read_binary
from maillage.doors.fhir.interactions.bundle import bundle
from maillage.doors.fhir.interactions.create import create
from maillage.doors.fhir.interactions.definitions import read_definition, search_definitions
from maillage.doors.fhir.interactions.delete import delete, delete_where
from maillage.doors.fhir.interactions.history import history
from maillage.doors.fhir.interactions.patch import patch, patch_where
from maillage.doors.fhir.interactions.read import read
from maillage.doors.fhir.interactions.search import EVERY, search, search_compartment, search_system
from maillage.doors.fhir.interactions.update import update, update_where
from maillage.doors.fhir.interactions.vread import vread
from maillage.doors.fhir.kinds import DEFINITIONS
from maillage.doors.fhir.operations.export import PLACE, export_cancel, export_file, export_status
from maillage.doors.fhir.operations.invoke import invoke
from maillage.doors.fhir.problems import MethodNotAllowed, UnknownPlace
from maillage.kernel.errors import NotFound

Interaction = Callable[[Context, Request], Awaitable[Response]]
Methods = dict[str, Interaction]

ROOT: Methods = {"POST": bundle, "GET": search_system, "HEAD": search_system}
SYSTEM_SEARCH: Methods = {"POST": search_system}
COMPARTMENT: Methods = {"GET": search_compartment, "HEAD": search_compartment}
COMPARTMENT_SEARCH: Methods = {"POST": search_compartment}
TYPE: Methods = {"GET": search, "HEAD": search, "POST": create}
CONDITIONAL: Methods = {**TYPE, "PUT": update_where, "PATCH": patch_where, "DELETE": delete_where}
"""The same with a query: it stands for the id."""

SEARCH: Methods = {"POST": search}
INSTANCE: Methods = {"GET": read, "HEAD": read, "PUT": update, "PATCH": patch, "DELETE": delete}
BINARY: Methods = {"GET": read_binary, "HEAD": read_binary}
HISTORY: Methods = {"GET": history, "HEAD": history}
VERSION: Methods = {"GET": vread, "HEAD": vread}


async def invoke_head(context: Context, request: Request) -> Response:
    """A HEAD answers with the headers of the GET."""
    return await invoke(context, replace(request, method="GET"))


EXPORT: Methods = {"GET": export_status, "HEAD": export_status, "DELETE": export_cancel}
EXPORT_FILE: Methods = {"GET": export_file, "HEAD": export_file}
OPERATION: Methods = {"GET": invoke, "HEAD": invoke_head, "POST": invoke}


def find(request: Request) -> Interaction:
    """The interaction of a request. Raises `UnknownPlace`, `NotFound` or `MethodNotAllowed`."""
    methods = _methods(request.path, with_query=bool(request.query))
    if request.method not in methods:
        raise MethodNotAllowed(methods)
    return methods[request.method]


SYSTEM: dict[tuple[str, ...], Methods] = {(): ROOT, ("_history",): HISTORY, ("_search",): SYSTEM_SEARCH}


def _methods(path: tuple[str, ...], *, with_query: bool) -> Methods:
    if path in SYSTEM:
        return SYSTEM[path]
    kind, *rest = path
    if kind == PLACE or (kind.startswith("$") and not rest):
        return OPERATION if kind != PLACE else _export(rest)
    if kind in DEFINITIONS:
        return _definition(rest)
    if kind == "Binary" and len(rest) == 1 and ID.fullmatch(rest[0]):
        return BINARY
    if kind not in READABLE:
        raise UnknownPlace
    if not rest:
        return CONDITIONAL if with_query else TYPE
    if len(rest) == 1 and rest[0][:1] in "_$":
        return _on_type(rest[0])
    if not ID.fullmatch(rest[0]):
        raise NotFound(kind)
    if kind in compartments() and len(rest) > 1 and (rest[1] in READABLE or rest[1] == EVERY):
        return _compartment(rest[2:])
    return _instance(rest[1:])


def _export(rest: list[str]) -> Methods:
    if not rest or len(rest) > 2 or not all(ID.fullmatch(part) for part in rest):
        raise UnknownPlace
    return EXPORT if len(rest) == 1 else EXPORT_FILE


def _on_type(name: str) -> Methods:
    if name.startswith("$"):
        return OPERATION
    if name in ("_history", "_search"):
        return HISTORY if name == "_history" else SEARCH
    raise NotFound(name)


def _compartment(rest: list[str]) -> Methods:
    if not rest:
        return COMPARTMENT
    if rest == ["_search"]:
        return COMPARTMENT_SEARCH
    raise UnknownPlace


def _definition(rest: list[str]) -> Methods:
    if not rest:
        return {"GET": search_definitions, "HEAD": search_definitions}
    if rest[-1].startswith("$") and len(rest) < 3:
        return OPERATION
    if len(rest) == 1:
        return {"GET": read_definition, "HEAD": read_definition}
    raise UnknownPlace


def _instance(rest: list[str]) -> Methods:
    if not rest:
        return INSTANCE
    if rest == ["_history"]:
        return HISTORY
    if len(rest) == 2 and rest[0] == "_history":
        return VERSION
    if len(rest) == 1 and rest[0].startswith("$"):
        return OPERATION
    raise UnknownPlace
