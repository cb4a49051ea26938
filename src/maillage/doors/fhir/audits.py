"""AuditEvent: who looked, read from the audit trail of the caller's own organisations; reading it leaves a row too (ASVS 5.0 16.2.1)."""

from __future__ import annotations

from typing import Any

from maillage import record
from maillage.codes.json import encode
from maillage.doors.fhir.context import AUDIT_TYPE, READABLE, Context, json_response
from maillage.doors.fhir.http import ID, Request, Response, encode_query, etag
from maillage.doors.fhir.problems import outcome
from maillage.kernel.errors import Issue, MaillageError, NotFound
from maillage.store import Transaction

AUDITED = frozenset({401, 403, 404, 410})
"""Refusals that leave an audit row."""

ACTIONS = {"GET": "R", "HEAD": "R", "POST": "E", "PUT": "U", "PATCH": "U", "DELETE": "D"}
Parameters = tuple[tuple[str, str], ...]


async def read(context: Context, id: str) -> Response:
    """One audit event."""
    found = await _searched(context, (("_id", id),))
    if not found.rows:
        raise NotFound(AUDIT_TYPE, id)
    await record.audit(context.tx, "R", AUDIT_TYPE, id, verb="read", patient=found.rows[0]["patient_id"], act="audit-read")
    return Response(200, encode(found.events[0]), {"etag": etag(1)}, shown=())


async def search(context: Context, request: Request, parameters: Parameters) -> Response:
    """Newest first, page by page; a link to the next page belongs to its caller and its question."""
    asked = tuple(pair for pair in parameters if pair[0] != "_cursor")
    scope = record.cursor_scope(
        context.tx.actor, AUDIT_TYPE, [pair for pair in asked if pair[0].partition(":")[0] in record.AUDIT_PARAMETERS]
    )
    after = None
    if cursor := dict(parameters).get("_cursor"):
        at, seq, nth = record.open_cursor(context.key, scope, cursor, 3)
        after = (at, seq, nth)
    found = await _searched(context, asked, after=after, strict=request.strict)
    patients: set[str | None] = {value.rpartition("/")[2] for name, value in found.used if name == "patient" and "," not in value} or {None}
    shown = [(AUDIT_TYPE, "", patient) for patient in sorted(patients, key=str)]
    await record.audit_many(context.tx, "R", shown, verb="search", query=encode_query(asked), act="audit-read")
    following = record.make_cursor(context.key, scope, found.position) if found.position else ""
    return json_response(_bundle(request, found, following))


async def _searched(context: Context, asked: Parameters, *, after: record.Position | None = None, strict: bool = False) -> record.Trail:
    """Read by the login that may read the trail, in a transaction of its own: what serves requests only writes it."""
    actor, tx = context.tx.actor, context.tx
    async with context.trail.transaction(actor, request_id=tx.request_id, lazy=True, origin=tx.origin) as reading:
        return await record.search_trail(reading, actor, asked, after=after, strict=strict)


def _bundle(request: Request, found: record.Trail, following: str) -> dict[str, Any]:
    address = f"{request.base}/{AUDIT_TYPE}"
    links = [{"relation": "self", "url": f"{address}?{encode_query(found.used)}" if found.used else address}]
    if following:
        links.append({"relation": "next", "url": f"{address}?{encode_query((*found.used, ('_cursor', following)))}"})
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "link": links}
    entries = [{"fullUrl": f"{address}/{event['id']}", "resource": event, "search": {"mode": "match"}} for event in found.events]
    if found.ignored:
        told = [
            Issue("warning", "not-supported", "parameter-ignored", f"http.{name}"[:200], "Unknown here: it was ignored.")
            for name in found.ignored
        ]
        entries.append({"resource": outcome(told), "search": {"mode": "outcome"}})
    return bundle | ({"entry": entries} if entries else {})


async def refusal(tx: Transaction, request: Request, error: MaillageError) -> None:
    """The audit row of what was refused or not found; whether the patient named by the address exists is not told by it."""
    kind = request.path[0] if request.path and request.path[0] in READABLE else "-"
    id = request.path[1] if len(request.path) > 1 and kind != "-" and ID.fullmatch(request.path[1]) else ""
    act = _act(request)
    query = encode_query(request.query) if act == "search" else ""
    patient = id if kind == "Patient" and id else None
    await record.audit(
        tx, ACTIONS.get(request.method, "E"), kind, id, patient=patient, verb=error.reason[:64], outcome="4", query=query, act=act
    )


def _act(request: Request) -> str:
    """What was tried, where the method alone does not tell it."""
    if "_history" in request.path:
        return "vread" if len(request.path) == 4 else "history"
    if request.path[-1:] == ("_search",) or (request.method in ("GET", "HEAD") and len(request.path) == 1):
        return "search"
    return "patch" if request.method == "PATCH" else ""
