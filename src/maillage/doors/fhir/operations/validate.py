"""`$validate` (https://hl7.org/fhir/R4/resource-operation-validate.html): what a write would say, without writing."""

from __future__ import annotations

from typing import Any

from maillage import directory, record
from maillage.codes import r4
from maillage.codes.json import decode
from maillage.doors.fhir import references
from maillage.doors.fhir.bodies import read_json
from maillage.doors.fhir.context import AUDIT_TYPE, Context, json_response
from maillage.doors.fhir.http import Request, Response
from maillage.doors.fhir.problems import MethodNotAllowed, UnknownPlace, outcome
from maillage.kernel.errors import Issue


async def validate(context: Context, request: Request) -> Response:
    """200 with every finding; the resource comes alone, inside Parameters, or is the stored one."""
    if request.method != "POST":
        raise MethodNotAllowed(("POST",))
    kind = request.path[0] if len(request.path) > 1 else None
    if kind == AUDIT_TYPE:
        raise UnknownPlace
    if kind:
        context.require(kind, "crus")
    resource = await _subject(context, request)
    findings = r4.validate(resource, kind)
    if not findings:
        findings = [*_identifiers(context, resource), *(await references.check(context, resource))[0]]
    return json_response(outcome(findings or [Issue("information", "informational", "valid", "", "No fault was found.")]))


async def _subject(context: Context, request: Request) -> Any:
    if len(request.path) == 3 and not request.body.strip() and request.resource is None:
        kind, id, _ = request.path
        stored = await record.read(context.tx, kind, id, context.visible(kind))
        await context.audit_read([stored], "validate")
        return decode(stored.content)
    value = read_json(request)
    if type(value) is dict and value.get("resourceType") == "Parameters" and request.path[0] != "Parameters":
        parts = value.get("parameter")
        found = [p.get("resource") for p in parts if type(p) is dict and p.get("name") == "resource"] if type(parts) is list else []
        return found[0] if found else None
    return value


def _identifiers(context: Context, resource: dict[str, Any]) -> list[Issue]:
    check = directory.check_patient if resource["resourceType"] == "Patient" else directory.check_identifiers
    return check(resource, context.registry.mode)
