"""Search by GET or POST (https://hl7.org/fhir/R4/search.html)."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from maillage import record
from maillage.doors.fhir import audits
from maillage.doors.fhir.context import AUDIT_TYPE, Context, json_response
from maillage.doors.fhir.http import Request, Response, encode_query, read_query
from maillage.doors.fhir.negotiation import FORM
from maillage.doors.fhir.problems import outcome
from maillage.kernel.errors import Issue, Malformed, Unsupported
from maillage.record import Page, Stored

ALWAYS = ("resourceType", "id", "meta")


async def search(context: Context, request: Request) -> Response:
    """A Bundle of type searchset."""
    kind = request.path[0]
    context.require(kind, "s")
    parameters = request.query + _posted(request)
    digest = hashlib.sha256(encode_query(sorted(parameters)).encode()).hexdigest()
    if kind == AUDIT_TYPE:
        return await audits.search(context, request, parameters)
    page = await record.search(
        context.tx,
        kind,
        parameters,
        context.searchable,
        strict=request.strict,
        key=context.key,
        base=request.base,
        allows=context.allows,
    )
    await context.audit_read([*page.matches, *page.included], "search", digest, kind)
    return json_response(searchset(page, kind, request))


def _posted(request: Request) -> tuple[tuple[str, str], ...]:
    """The parameters of a form body."""
    if request.method != "POST" or not request.body:
        return ()
    if request.header("content-type").partition(";")[0].strip().lower() != FORM:
        raise Unsupported("form-expected")
    try:
        return read_query(request.body.decode("ascii"))
    except UnicodeDecodeError as error:
        raise Malformed(Issue("error", "value", "bad-form", "", "the form is not percent-encoded")) from error


def searchset(page: Page, kind: str, request: Request) -> dict[str, Any]:
    """The Bundle of a page; parameters that took no part are absent from its self link."""
    address = f"{request.base}/{kind}"
    links = [{"relation": "self", "url": _with(address, page.used)}]
    if page.next_cursor:
        links.append({"relation": "next", "url": _with(address, (*page.used, ("_cursor", page.next_cursor)))})
    entries = [_entry(stored, "match", request.base, page.elements) for stored in page.matches]
    entries += [_entry(stored, "include", request.base, ()) for stored in page.included]
    if page.ignored:
        entries.append({"resource": _ignored(page.ignored), "search": {"mode": "outcome"}})
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
    if page.total is not None:
        bundle["total"] = page.total
    bundle["link"] = links
    if entries:
        bundle["entry"] = entries
    return bundle


def _with(address: str, parameters: Any) -> str:
    return f"{address}?{encode_query(parameters)}" if parameters else address


def _ignored(names: tuple[str, ...]) -> dict[str, Any]:
    return outcome(
        Issue("warning", "not-supported", "parameter-ignored", f"http.{name}"[:200], "Unknown here: it was ignored.") for name in names
    )


def _entry(stored: Stored, mode: str, base: str, elements: tuple[str, ...]) -> dict[str, Any]:
    content: Any = msgspec.Raw(stored.content.encode())
    if elements:
        content = _subset(msgspec.json.decode(stored.content, type=dict[str, msgspec.Raw]), elements)
    return {"fullUrl": f"{base}/{stored.type}/{stored.id}", "resource": content, "search": {"mode": mode}}


def _subset(resource: dict[str, msgspec.Raw], elements: tuple[str, ...]) -> dict[str, Any]:
    wanted = {element.partition(".")[2] if element[:1].isupper() and "." in element else element for element in elements}
    kept: dict[str, Any] = {key: value for key, value in resource.items() if key in ALWAYS or key in wanted or key.lstrip("_") in wanted}
    meta = msgspec.json.decode(resource["meta"])
    tag = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
    return {**kept, "meta": {**meta, "tag": [*meta.get("tag", []), tag]}}
