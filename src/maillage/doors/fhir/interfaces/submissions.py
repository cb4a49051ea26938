"""ITI-65 of PDSm 3.1.1: a transaction of a submission set (List), its documents (DocumentReference) and their bytes (Binary).

The bytes of a Binary are kept inside the document that names it: they have no life, no owner and no patient of their own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from maillage.codes.json import decode, encode
from maillage.doors.fhir.bodies import check, read_bundle
from maillage.doors.fhir.context import Context
from maillage.doors.fhir.http import Request, Response
from maillage.doors.fhir.interactions.bundle import bundle
from maillage.doors.fhir.interactions.create import create
from maillage.doors.fhir.problems import MethodNotAllowed
from maillage.kernel.errors import Issue, Malformed

Entry = dict[str, Any]


async def provide(context: Context, request: Request) -> Response:
    """The transaction, its Binary entries put into the documents that name them."""
    whole = read_bundle(request)
    if whole.get("type") != "transaction":
        raise Malformed.one("bundle-type", "Bundle.type", "A transaction is expected here.")
    entries = whole.get("entry", [])
    bytes_by_url = _bytes_of(entries)
    kept = [_filled(entry, bytes_by_url) for entry in entries if not _is_binary(entry)]
    if left := [url for url, holder in bytes_by_url.items() if not holder.get("used")]:
        raise Malformed(Issue("error", "required", "document-missing", "Bundle.entry", f"No document names {', '.join(left)[:200]}."))
    answer = await bundle(context, replace(request, resource={**whole, "entry": kept}))
    return replace(answer, body=_with_binaries(answer.body, entries))


def _is_binary(entry: Entry) -> bool:
    resource = entry.get("resource")
    return type(resource) is dict and resource.get("resourceType") == "Binary"


def _bytes_of(entries: list[Entry]) -> dict[str, Entry]:
    """What each Binary holds, by its fullUrl."""
    found: dict[str, Entry] = {}
    for place, entry in enumerate(entries):
        if _is_binary(entry):
            check(entry["resource"], "Binary")
            if type(entry.get("fullUrl")) is not str or "data" not in entry["resource"]:
                raise Malformed.one("required", f"Bundle.entry[{place}]", "A Binary has a fullUrl and data.")
            found[entry["fullUrl"]] = {"contentType": entry["resource"]["contentType"], "data": entry["resource"]["data"]}
    return found


def _filled(entry: Entry, bytes_by_url: dict[str, Entry]) -> Entry:
    """The entry of a document, its attachments holding the bytes that they named by address."""
    resource = entry.get("resource")
    if type(resource) is not dict or resource.get("resourceType") != "DocumentReference" or type(resource.get("content")) is not list:
        return entry
    return {**entry, "resource": {**resource, "content": [_content(one, bytes_by_url) for one in resource["content"]]}}


def _content(one: Any, bytes_by_url: dict[str, Entry]) -> Any:
    attachment = one.get("attachment") if type(one) is dict else None
    if type(attachment) is not dict:
        return one
    held = bytes_by_url.get(attachment.get("url", ""))
    if held is None:
        return one
    held["used"] = True
    rest = {key: value for key, value in attachment.items() if key != "url"}
    return {**one, "attachment": {"contentType": held["contentType"], **rest, "data": held["data"]}}


def _with_binaries(body: bytes, entries: list[Entry]) -> bytes:
    """An answer for each entry that came: a Binary is where its document is."""
    told = decode(body)
    answers = iter(told.get("entry", []))
    by_place = [None if _is_binary(entry) else next(answers) for entry in entries]
    document = next(
        (one["response"]["location"] for one in by_place if one and "DocumentReference/" in one["response"].get("location", "")), ""
    )
    told["entry"] = [one or {"response": {"status": "201", "location": document}} for one in by_place]
    return encode(told)


async def within(context: Context, request: Request) -> Response:
    """A submission set or a folder is made by a transaction only."""
    if not request.in_bundle:
        raise MethodNotAllowed(("GET",))
    return await create(context, request)
