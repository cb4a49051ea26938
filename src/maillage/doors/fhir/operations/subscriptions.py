"""`$status` and `$events` of topic-based subscriptions in R4 (https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/, operations).

What was sent is not shown again to who may no longer see it: visibility is asked now.
"""

from __future__ import annotations

from typing import Any

from maillage import record
from maillage.doors.fhir.context import Context, json_response
from maillage.doors.fhir.http import Request, Response, encode_query
from maillage.doors.fhir.operations.asked import question
from maillage.kernel.errors import Issue, Malformed
from maillage.kernel.operations import Param
from maillage.messaging import subscriptions

KIND = "Subscription"
MOST = 100
STATUSES = ("requested", "active", "error", "off")
STATUS = (Param("id", "id", many=True), Param("status", "code", many=True, values=STATUSES))
EVENTS = (Param("eventsSinceNumber", "string"), Param("eventsUntilNumber", "string"), Param("content", "code"))
LAST = 10**17


async def status(context: Context, request: Request) -> Response:
    """How subscriptions stand: the one named, or those of the caller's organisations, narrowed by id and status. A searchset of Parameters."""
    asked = question(request, STATUS)
    if len(request.path) == 3:
        context.require(KIND, "r")
        await _read(context, request.path[1])
        found = [await subscriptions.live(context.tx, request.path[1])]
    else:
        context.require(KIND, "s")
        wanted, states = set(asked.get("id", ())), set(asked.get("status", ()))
        page = await record.search(
            context.tx, KIND, [("_count", "200")], context.searchable, strict=True, key=context.key, base=request.base
        )
        await context.audit_read(page.matches, "search", "$status", KIND)
        ids = [one.id for one in page.matches if not wanted or one.id in wanted]
        found = [one for one in await subscriptions.many(context.tx, ids) if not states or one.status in states]
    entries = [_entry(subscriptions.status_of(one, request.base, "query-status")) for one in found]
    link = [{"relation": "self", "url": f"{request.base}/{'/'.join(request.path)}{_query(request)}"}]
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "link": link}
    return json_response({**bundle, "entry": entries} if entries else bundle)


def _query(request: Request) -> str:
    return f"?{encode_query(request.query)}" if request.query else ""


def _entry(resource: dict[str, Any]) -> dict[str, Any]:
    return {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource, "search": {"mode": "match"}}


async def _read(context: Context, id: str) -> None:
    stored = await record.read(context.tx, KIND, id, context.visible(KIND, "r"))
    await context.audit_read([stored])


async def events(context: Context, request: Request) -> Response:
    """The events of a subscription by their numbers, both bounds included, a hundred at most: a notification of type query-event."""
    context.require(KIND, "r")
    asked = question(request, EVENTS)
    low, high = _number(asked, "eventsSinceNumber", 1), _number(asked, "eventsUntilNumber", LAST)
    await _read(context, request.path[1])
    one = await subscriptions.live(context.tx, request.path[1])
    context.require(one.focus_type, "rs")
    rows = await subscriptions.events_of(context.tx, one, context.visible(one.focus_type), low, high, MOST)
    shown = {(told.kind, told.id, patient) for told, patient in rows}
    context.shown += [(kind, id) for kind, id, _ in shown]
    await record.audit_many(context.tx, "R", sorted(shown, key=str), verb="events")
    return json_response(subscriptions.notification(one, request.base, context.tx.now, "query-event", [told for told, _ in rows]))


def _number(asked: dict[str, Any], name: str, default: int) -> int:
    text = asked.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Malformed(Issue("error", "value", "parameter-value", f"Parameters.parameter.where(name='{name}')", "A whole number."))
    return int(text)
