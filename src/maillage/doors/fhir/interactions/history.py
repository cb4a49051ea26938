"""History of a resource, of a type, of everything: versions, newest first (https://hl7.org/fhir/R4/http.html#history)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from maillage import record
from maillage.codes.r4 import interval
from maillage.doors.fhir.context import AUDIT_TYPE, Context, json_response
from maillage.doors.fhir.http import Request, Response, encode_query, etag
from maillage.doors.fhir.parts import Parts, parts_asked
from maillage.kernel.errors import Issue, Malformed, NotAllowed, NotFound
from maillage.record import SERVED, Span, Stored

MOST = 200
DEFAULT = 50
KNOWN = frozenset({"_since", "_at", "_count", "_cursor", "_format", "_pretty", "_summary", "_elements"})
Pairs = tuple[tuple[str, str], ...]


async def history(context: Context, request: Request) -> Response:
    """A Bundle of type history; `_since`, `_at` and `_count` shorten it, its next link goes on."""
    *place, _ = request.path
    kinds = _kinds(context, place)
    used, span, count = _asked(request)
    scope = record.cursor_scope(context.tx.actor, "/".join(request.path), used)
    if cursor := dict(request.query).get("_cursor"):
        at, kind, id = record.open_cursor(context.key, scope, cursor, 3)
        span = replace(span, after=(at, kind, id))
    total = None
    if len(place) == 2:
        total = await record.count_versions(context.tx, place[0], place[1], context.visible(place[0], "r"))
        if not total:
            raise NotFound(*place)
    span = replace(span, last_only=frozenset(kind for kind in kinds if context.is_narrowed(kind, "r")))
    total = 1 if total and span.last_only else total
    id_of = place[1] if len(place) == 2 else None
    found = await record.versions(context.tx, kinds, lambda kind: context.visible(kind, "r"), span, count + 1, id=id_of)
    page = found[:count]
    level = ("history-system", "history-type", "history")[len(place)]
    await context.audit_read({(v.type, v.id): v for v in page}.values(), level, searched=kinds[0] if len(place) == 1 else "")
    following = ""
    if len(found) > count and page:
        following = record.make_cursor(context.key, scope, (page[-1].at, page[-1].type, page[-1].id))
    plain = not (span.since or span.between or span.after)
    return json_response(_bundle(request, page, used, following, total if plain else None))


def _kinds(context: Context, place: list[str]) -> list[str]:
    """The types asked for: one, or each that the scopes grant."""
    if not place:
        if kinds := [kind for kind in sorted(SERVED) if context.allows(kind, "r")]:
            return kinds
        raise NotAllowed("scope")
    context.require(place[0], "r")
    if place[0] == AUDIT_TYPE:
        raise NotFound(*place[:2])
    return place[:1]


def _asked(request: Request) -> tuple[Pairs, Span, int]:
    """The parameters that take part, what they ask for, and how many entries. Raises `Malformed`."""
    span, count = Span(), DEFAULT
    for name, value in request.query:
        if name == "_since":
            span = replace(span, since=_range(name, value)[0])
        elif name == "_at":
            span = replace(span, between=_range(name, value))
        elif name == "_count":
            count = _count(value)
        elif name not in KNOWN and request.strict:
            raise _refused(name, "A history has no parameter of that name.")
    used = tuple(pair for pair in request.query if pair[0] in KNOWN - {"_cursor", "_format", "_pretty"})
    return used, span, count


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise _refused("_count", "A whole number.")
    return max(1, min(int(text[:9]), MOST))


def _range(name: str, text: str) -> tuple[datetime, datetime]:
    found = interval(text[:11] + text[11:].replace(" ", "+")) if len(text) <= 64 else None
    if found is None:
        raise _refused(name, "A date, or a date and time with its zone.")
    return found


def _refused(name: str, details: str) -> Malformed:
    return Malformed(Issue("error", "value", "search-parameter", f"http.{name}"[:200], details))


def _bundle(request: Request, page: list[Stored], used: Pairs, following: str, total: int | None) -> dict[str, Any]:
    address = "/".join((request.base, *request.path))
    parts = parts_asked(request)
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "history"}
    if total is not None:
        bundle["total"] = total
    bundle["link"] = [{"relation": "self", "url": _with(address, used)}]
    if following:
        bundle["link"].append({"relation": "next", "url": _with(address, (*used, ("_cursor", following)))})
    if page:
        bundle["entry"] = [_entry(stored, request.base, parts) for stored in page]
    return bundle


def _with(address: str, parameters: Pairs) -> str:
    return f"{address}?{encode_query(parameters)}" if parameters else address


def _entry(stored: Stored, base: str, parts: Parts) -> dict[str, Any]:
    method = "DELETE" if stored.deleted else "POST" if stored.version == 1 else "PUT"
    status = {"DELETE": "204", "POST": "201", "PUT": "200"}[method]
    address = f"{stored.type}/{stored.id}" if method != "POST" else stored.type
    entry: dict[str, Any] = {"fullUrl": f"{base}/{stored.type}/{stored.id}"}
    if not stored.deleted:
        entry["resource"] = parts.raw(stored)
    entry["request"] = {"method": method, "url": address}
    entry["response"] = {"status": status, "etag": etag(stored.version), "lastModified": stored.at.isoformat(timespec="milliseconds")}
    return entry
