"""Delete, conditional delete (https://hl7.org/fhir/R4/http.html#delete): the history stays, reads answer 410."""

from __future__ import annotations

from maillage import record
from maillage.codes.json import decode, encode
from maillage.doors.fhir import conditions, intake
from maillage.doors.fhir.context import Context
from maillage.doors.fhir.http import Request, Response, encode_query, etag
from maillage.doors.fhir.interactions.update import expected_version
from maillage.doors.fhir.problems import SeveralMatch, outcome
from maillage.kernel.errors import Issue, NotFound
from maillage.messaging import subscriptions
from maillage.record import Stored


async def delete(context: Context, request: Request) -> Response:
    """204; again 204 when it was deleted before."""
    kind, id = request.path
    context.require(kind, "d")
    before = await record.standing(context.tx, kind, id, context.visible(kind, "d"))
    if before is None:
        raise NotFound(kind, id)
    if before.deleted:
        return _gone(request, [])
    version = expected_version(request, before, required=context.registry.policy.version_required)
    return _gone(request, [(before, await intake.delete(context, before, version))], told=_is_french(before))


def _is_french(before: Stored) -> bool:
    """The French guide of notifications wants 200 where a subscription ends (NDE 3.0.0)."""
    return before.type == "Subscription" and subscriptions.is_nde(decode(before.content))


async def delete_where(context: Context, request: Request) -> Response:
    """Conditional delete: the one that matches; several only where the setting allows it. 204 also when nothing matches."""
    kind = request.path[0]
    context.require(kind, "d")
    context.require(kind, "s")
    criteria = conditions.read(encode_query(request.query))
    await conditions.lock(context, [(kind, criteria)])
    most = conditions.MOST_DELETED if context.registry.policy.delete_several else 1
    found = await conditions.find(context, kind, criteria, request.base, most + 1)
    if len(found) > most:
        raise SeveralMatch
    buried = []
    for match in sorted(found, key=lambda stored: stored.id):
        before = await record.read(context.tx, kind, match.id, context.visible(kind, "d"))
        version = expected_version(request, before, required=False)
        buried.append((before, await intake.delete(context, before, version)))
    return _gone(request, buried)


def _gone(request: Request, buried: list[tuple[Stored, int]], *, told: bool = False) -> Response:
    """204 with the version of the deletion, or 200 with an OperationOutcome when it is preferred."""
    headers = {"etag": etag(buried[0][1])} if len(buried) == 1 else {}
    shown = tuple((stored.type, stored.id) for stored, _ in buried)
    if not told and request.preference("return").lower() != "operationoutcome":
        return Response(204, b"", headers, shown=shown)
    said = [Issue("information", "informational", "resource-deleted", f"{stored.type}/{stored.id}") for stored, _ in buried]
    return Response(200, encode(outcome(said or [Issue("information", "informational", "nothing-to-delete")])), headers, shown=shown)
