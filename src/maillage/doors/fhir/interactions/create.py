"""Create, conditional create (https://hl7.org/fhir/R4/http.html#create)."""

from __future__ import annotations

from maillage import record
from maillage.doors.fhir import intake
from maillage.doors.fhir.bodies import read_resource
from maillage.doors.fhir.context import Context, written
from maillage.doors.fhir.http import Request, Response, encode_query, read_query
from maillage.doors.fhir.problems import SeveralMatch
from maillage.kernel.errors import Issue, Malformed
from maillage.record import Stored


async def create(context: Context, request: Request) -> Response:
    """201 with the new resource; 200 with the one that was there when If-None-Exist found it."""
    kind = request.path[0]
    context.require(kind, "c")
    resource = read_resource(request, kind)
    if condition := request.header("if-none-exist"):
        found = await find_one(context, kind, condition, request.base, lock=True)
        if found:
            await context.audit_read([found])
            return written(found, request, 200)
    id = request.header("x-entry-id") if request.in_bundle else ""
    stored, warnings = await intake.create(context, resource, request.base, id=id)
    context.shown.append((stored.type, stored.id))
    return written(stored, request, 201, warnings)


async def find_one(context: Context, kind: str, condition: str, base: str, *, lock: bool = False) -> Stored | None:
    """The one resource that a condition finds, None when there is none; `lock` keeps others from creating it meanwhile.

    Raises `SeveralMatch` when there are several, `Malformed` when the condition says nothing or is not understood.
    """
    context.require(kind, "s")
    parameters = sorted(read_query(condition.partition("?")[2] if "?" in condition else condition))
    if not any(not name.startswith("_") or name.startswith("_id") for name, _ in parameters):
        raise Malformed(Issue("error", "value", "condition-empty", "", "A condition names at least one search parameter."))
    if lock:
        await record.lock_condition(context.tx, kind, encode_query(parameters))
    counted = [
        *((name, value) for name, value in parameters if name not in ("_count", "_sort", "_cursor")),
        ("_count", "2"),
        ("_total", "none"),
    ]
    page = await record.search(context.tx, kind, counted, context.searchable, strict=True, key=context.key, base=base)
    if len(page.matches) > 1:
        raise SeveralMatch
    return page.matches[0] if page.matches else None
