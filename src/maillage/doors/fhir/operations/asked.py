"""What an operation was asked with, by GET or by POST, as typed values."""

from __future__ import annotations

from typing import Any

from maillage.doors.fhir.bodies import read_json
from maillage.doors.fhir.http import Request
from maillage.doors.fhir.operations.parameters import arguments, from_query
from maillage.kernel.operations import Param


def body(request: Request) -> Any:
    """The Parameters resource sent, or made of the query; None when nothing was sent."""
    if request.resource is not None:
        return request.resource
    if request.method in ("GET", "HEAD"):
        return from_query(request.query)
    return read_json(request) if request.body.strip() else None


def question(request: Request, declared: tuple[Param, ...]) -> dict[str, Any]:
    """The parameters by their own names; a POST may hold some in its URL too. Raises `Malformed` with every fault."""
    sent = body(request)
    if request.method == "POST" and request.query:
        parts = from_query(request.query)["parameter"]
        sent = {**sent, "parameter": [*sent.get("parameter", []), *parts]} if type(sent) is dict else from_query(request.query)
    given = arguments(sent, declared)
    names = {param.name.replace("-", "_"): param.name for param in declared}
    return {names[name]: value for name, value in given.items()}
