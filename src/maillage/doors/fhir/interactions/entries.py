"""The entries of a batch or a transaction, as requests of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec

from maillage.doors.fhir import problems
from maillage.doors.fhir.context import Context
from maillage.doors.fhir.http import Request, Response, read_http_date, read_query
from maillage.kernel.errors import MaillageError, Malformed

METHODS = ("DELETE", "POST", "PUT", "PATCH", "GET", "HEAD")
HEADERS = (
    ("if-match", "ifMatch"),
    ("if-none-match", "ifNoneMatch"),
    ("if-none-exist", "ifNoneExist"),
    ("if-modified-since", "ifModifiedSince"),
)
ENTRY_ID, MATCHED = "x-entry-id", "x-entry-matched"
"""What a Bundle tells its entries: the id that a new resource will have, and that a condition was looked up already."""


@dataclass(slots=True)
class Entry:
    """One entry as read: its place in the Bundle, what it asks, the id that a new resource will have."""

    place: int
    method: str
    url: str
    full_url: str
    resource: Any
    headers: dict[str, str]
    id: str = ""

    @property
    def path(self) -> tuple[str, ...]:
        """The parts of the URL before its query."""
        return tuple(part for part in self.url.partition("?")[0].split("/") if part)

    @property
    def query(self) -> str:
        """The query of the URL."""
        return self.url.partition("?")[2]

    @property
    def kind(self) -> str:
        """The resource type that the entry is about."""
        return self.path[0] if self.path else ""

    @property
    def creates(self) -> bool:
        """Whether the entry makes a resource: POST on a type."""
        return self.method == "POST" and len(self.path) == 1 and not self.path[0].startswith("$")

    @property
    def is_conditional(self) -> bool:
        """Whether a query stands for the id of what is changed."""
        return self.method in ("PUT", "PATCH", "DELETE") and len(self.path) == 1 and bool(self.query)


def read_entry(place: int, raw: dict[str, Any], request: Request) -> Entry:
    """One entry. Raises `Malformed` at its place."""
    asked = raw.get("request")
    where = f"Bundle.entry[{place}]"
    if type(asked) is not dict:
        raise Malformed.one("required", f"{where}.request", "Each entry says its request.")
    method, url = asked.get("method"), asked.get("url")
    if method not in METHODS:
        raise Malformed.one("code-unknown", f"{where}.request.method", f"One of {', '.join(METHODS)}.")
    if type(url) is not str or not url:
        raise Malformed.one("required", f"{where}.request.url", "The request has a URL.")
    url = url.removeprefix(request.base + "/").lstrip("/")
    headers = {"prefer": request.header("prefer")}
    headers |= {header: asked[key] for header, key in HEADERS if type(asked.get(key)) is str}
    full_url = raw.get("fullUrl")
    return Entry(place, method, url, full_url if type(full_url) is str else "", raw.get("resource"), headers)


def as_request(request: Request, entry: Entry) -> Request:
    """The entry as a request of its own."""
    return replace(
        request,
        method=entry.method,
        path=entry.path,
        query=read_query(entry.query),
        headers={**entry.headers, ENTRY_ID: entry.id},
        body=b"",
        resource=entry.resource,
        in_bundle=True,
    )


async def play(context: Context, asked: Request) -> Response:
    """Answer one entry. Raises what routing raises, and what its interaction does."""
    if not asked.path:
        raise Malformed.one("bundle-in-bundle", "Bundle.entry", "A Bundle inside a Bundle is not played.")
    return await context.find(asked)(context, asked)


def shown(response: Response) -> dict[str, Any]:
    """The entry that answers."""
    told: dict[str, Any] = {"status": str(response.status)}
    for key in ("location", "etag"):
        if key in response.headers:
            told[key] = response.headers[key]
    if at := read_http_date(response.headers.get("last-modified", "")):
        told["lastModified"] = at.isoformat(timespec="milliseconds")
    if response.findings:
        told["outcome"] = problems.outcome(response.findings)
    resource = {"resource": msgspec.Raw(response.body)} if response.body else {}
    return {**resource, "response": told}


def failed(error: MaillageError) -> dict[str, Any]:
    """The entry that tells an error."""
    told = problems.answer(error)
    response: dict[str, Any] = {"status": str(told.status), "outcome": msgspec.Raw(told.body)}
    return {"response": {**response, **({"etag": told.headers["etag"]} if "etag" in told.headers else {})}}
