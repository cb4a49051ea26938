"""The French partner interfaces: one base address for each guide, what it serves there, and the dialect in which it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from maillage.doors.fhir import routes
from maillage.doors.fhir.context import Context
from maillage.doors.fhir.http import Request, Response
from maillage.doors.fhir.interfaces import annuaire, cds, gap, pdsm, sas
from maillage.doors.fhir.interfaces.capabilities import statement
from maillage.doors.fhir.interfaces.dialects import spoken
from maillage.doors.fhir.interfaces.served import Interface

INTERFACES: dict[str, Interface] = {one.name: one for one in (sas.SAS, gap.GAP, pdsm.PDSM, cds.CDS, annuaire.ANNUAIRE)}
"""By the first part of the address under `/fhir`: none of these words is a resource type."""


def entered(request: Request) -> Request:
    """The request as its interface reads it: the address below the interface's own base."""
    name = request.path[0] if request.path else ""
    if name not in INTERFACES:
        return request
    return replace(request, path=request.path[1:], base=f"{request.base}/{name}", interface=name)


def find(request: Request) -> Callable[[Context, Request], Awaitable[Response]]:
    """The interaction of a request. Raises `UnknownPlace`, `NotFound` or `MethodNotAllowed`."""
    if not request.interface:
        return routes.find(request)
    interface = INTERFACES[request.interface]
    return partial(_answer, interface, interface.find(request))


async def _answer(
    interface: Interface, handler: Callable[[Context, Request], Awaitable[Response]], context: Context, request: Request
) -> Response:
    context.interface = interface.name
    return spoken(await handler(context, request), interface.dialect)


def described(request: Request) -> Response:
    """What the interface of this request serves."""
    return Response(200, statement(INTERFACES[request.interface], request.base))


__all__ = ["INTERFACES", "Interface", "described", "entered", "find"]
