"""AuditEvent: who looked, read from the audit trail of the caller's own organisations."""

from __future__ import annotations

from typing import Any

from maillage.codes.json import encode
from maillage.codes.r4 import parse
from maillage.doors.fhir.context import AUDIT_TYPE, READABLE, Context, json_response
from maillage.doors.fhir.http import ID, Request, Response, encode_query, etag
from maillage.kernel.errors import Issue, MaillageError, Malformed, NotFound
from maillage.record import audit, audit_trail
from maillage.record.bounds import date_span, split_prefix
from maillage.store import Transaction

MOST = 200
AUDITED = frozenset({401, 403, 404, 410})
"""Refusals that leave an audit row."""

LOWER = {"eq": 0, "ge": 0, "gt": 1, "sa": 1}
UPPER = {"eq": 1, "le": 1, "lt": 0, "eb": 0}
"""Which end of the date's range bounds the answer from below, and from above."""

ACTIONS = {"GET": "R", "HEAD": "R", "POST": "E", "PUT": "U", "DELETE": "D"}
PARAMETERS = (("date", "date"), ("entity", "reference"), ("patient", "reference"), ("_id", "token"))


async def read(context: Context, id: str) -> Response:
    """One audit event; reading the audit is audited too."""
    found = await audit_trail(context.tx, context.tx.actor, id=id, limit=1)
    if not found:
        raise NotFound(AUDIT_TYPE, id)
    await audit(context.tx, "R", AUDIT_TYPE, id, verb="read")
    return Response(200, encode(found[0]), {"etag": etag(1)}, shown=())


async def search(context: Context, request: Request, parameters: tuple[tuple[str, str], ...]) -> Response:
    """By patient, entity and date, newest first."""
    asked = _asked(parameters, strict=request.strict)
    found = await audit_trail(context.tx, context.tx.actor, **asked)
    await audit(context.tx, "R", AUDIT_TYPE, "", patient=asked.get("patient"), verb="search")
    used = [(name, value) for name, value in parameters if name.partition(":")[0] in {"_count", *(code for code, _ in PARAMETERS)}]
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
    bundle["link"] = [{"relation": "self", "url": f"{request.base}/{AUDIT_TYPE}" + (f"?{encode_query(used)}" if used else "")}]
    if found:
        bundle["entry"] = [
            {"fullUrl": f"{request.base}/{AUDIT_TYPE}/{event['id']}", "resource": event, "search": {"mode": "match"}} for event in found
        ]
    return json_response(bundle)


async def refusal(tx: Transaction, request: Request, error: MaillageError) -> None:
    """The audit row of what was refused or not found."""
    kind = request.path[0] if request.path and request.path[0] in READABLE else "-"
    id = request.path[1] if len(request.path) > 1 and kind != "-" and ID.fullmatch(request.path[1]) else ""
    await audit(tx, ACTIONS.get(request.method, "E"), kind, id, verb=error.reason[:64], outcome="4")


def _asked(parameters: tuple[tuple[str, str], ...], *, strict: bool) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    for name, value in parameters:
        if name == "patient":
            asked["patient"] = _target(name, value if "/" in value else f"Patient/{value}")[1]
        elif name == "entity":
            asked["focus"] = _target(name, value)
        elif name == "date":
            _between(asked, value)
        elif name == "_id":
            asked["id"] = value
        elif name == "_count" and value.isascii() and value.isdigit() and len(value) < 10:
            asked["limit"] = min(int(value), MOST)
        elif strict and not name.startswith("_"):
            raise _refuse(name, "AuditEvent has no search parameter of that name here")
    return asked


def _target(name: str, value: str) -> tuple[str, str]:
    target = parse(value)
    if not target.type:
        raise _refuse(name, "a reference is written Type/id")
    return target.type, target.id


def _between(asked: dict[str, Any], value: str) -> None:
    """Narrow the bounds that are asked for by one date criterion."""
    prefix, rest = split_prefix(value)
    span = date_span(rest)
    if span is None or prefix not in LOWER | UPPER:
        raise _refuse("date", "a date, with eq, ge, gt, le or lt")
    if prefix in LOWER:
        asked["since"] = max(filter(None, (asked.get("since"), span[LOWER[prefix]])))
    if prefix in UPPER:
        asked["until"] = min(filter(None, (asked.get("until"), span[UPPER[prefix]])))


def _refuse(name: str, details: str) -> Malformed:
    return Malformed(Issue("error", "value", "search-parameter", f"http.{name}"[:200], details))
