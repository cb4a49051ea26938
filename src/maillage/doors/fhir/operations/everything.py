"""`Patient/[id]/$everything` (https://hl7.org/fhir/R4/patient-operation-everything.html): what the caller may see, page by page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from maillage import record
from maillage.access import DIRECTORY_TYPES
from maillage.codes.json import decode
from maillage.codes.r4 import parse
from maillage.doors.fhir import references
from maillage.doors.fhir.context import Context, json_response
from maillage.doors.fhir.http import Request, Response, encode_query
from maillage.doors.fhir.operations.asked import question
from maillage.kernel.errors import Issue, Malformed
from maillage.kernel.operations import Param
from maillage.record import SERVED, Asked, Stored

DEFAULT, MOST = 100, 200
PARAMETERS = (
    Param("_since", "instant"),
    Param("_type", "string", many=True),
    Param("_count", "integer"),
    Param("_cursor", "string"),
)
ABOUT_PATIENTS = ("Patient", *(kind for kind in SERVED if kind not in DIRECTORY_TYPES and kind != "Patient"))


async def everything(context: Context, request: Request) -> Response:
    """A searchset: resources about the patient as matches, the structures and people that they name beside them."""
    _, id, _ = request.path
    context.require("Patient", "r")
    await record.read(context.tx, "Patient", id, context.visible("Patient"))
    given = question(request, PARAMETERS)
    limit = max(1, min(given.get("_count", DEFAULT), MOST))
    kinds = _kinds(context, given.get("_type", []))
    used = _used(given)
    scope = record.cursor_scope(context.tx.actor, f"Patient/{id}/$everything", used)
    after = record.open_cursor(context.key, scope, given["_cursor"], 2) if "_cursor" in given else ["", ""]
    asked = Asked(id, kinds, given.get("_since"), (after[0], after[1]), limit + 1)
    found = await record.of_patient(context.tx, asked, context.visible)
    page = found[:limit]
    beside = await _named(context, page, given)
    await context.audit_read([*page, *beside], "everything", "", "Patient")
    following = record.make_cursor(context.key, scope, [page[-1].type, page[-1].id]) if len(found) > limit else ""
    return json_response(_bundle(request, used, page, beside, following))


def _kinds(context: Context, named: list[str]) -> list[str]:
    """The types about patients that are asked for and that the scopes grant."""
    wanted = [kind.strip() for text in named for kind in text.split(",")]
    for kind in wanted:
        if kind not in SERVED:
            raise Malformed(Issue("error", "value", "search-parameter", "http._type", f"{kind[:60]} is not served."))
    return [kind for kind in ABOUT_PATIENTS if (not wanted or kind in wanted) and context.allows(kind)]


async def _named(context: Context, page: list[Stored], given: dict[str, Any]) -> list[Stored]:
    """Entries of the directory that the page refers to; none when types were asked for by name."""
    if given.get("_type"):
        return []
    wanted: dict[str, set[str]] = {}
    for stored in page:
        for item, _ in references.walk(decode(stored.content), ""):
            target = parse(item["reference"])
            if target.type in DIRECTORY_TYPES and not target.base and context.allows(target.type):
                wanted.setdefault(target.type, set()).add(target.id)
    found: list[Stored] = []
    for kind in sorted(wanted):
        found += await record.fetch_visible(context.tx, kind, sorted(wanted[kind]), context.visible)
    return found


def _used(given: dict[str, Any]) -> list[tuple[str, str]]:
    pairs = []
    for name in ("_since", "_type", "_count"):
        value = given.get(name)
        listed = value if isinstance(value, list) else [value]
        pairs += [(name, one.isoformat() if isinstance(one, datetime) else str(one)) for one in listed if one is not None]
    return pairs


def _bundle(request: Request, used: list[tuple[str, str]], page: list[Stored], beside: list[Stored], following: str) -> dict[str, Any]:
    address = f"{request.base}/{'/'.join(request.path)}"
    links = [{"relation": "self", "url": f"{address}?{encode_query(used)}" if used else address}]
    if following:
        links.append({"relation": "next", "url": f"{address}?{encode_query([*used, ('_cursor', following)])}"})
    shown = [(stored, "match") for stored in page] + [(stored, "include") for stored in beside]
    entries = [
        {
            "fullUrl": f"{request.base}/{stored.type}/{stored.id}",
            "resource": msgspec.Raw(stored.content.encode()),
            "search": {"mode": mode},
        }
        for stored, mode in shown
    ]
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "link": links}
    return {**bundle, "entry": entries} if entries else bundle
