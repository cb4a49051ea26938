"""Batch and transaction (https://hl7.org/fhir/R4/http.html#transaction): a transaction happens whole or not at all."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from maillage.codes.r4 import parse
from maillage.doors.fhir import audits, problems, references
from maillage.doors.fhir.bodies import read_bundle
from maillage.doors.fhir.context import Context, json_response
from maillage.doors.fhir.http import Request, Response, read_query
from maillage.doors.fhir.interactions.create import find_one
from maillage.kernel.errors import Invalid, Issue, MaillageError, Malformed, Unavailable
from maillage.kernel.ids import new_id

METHODS = ("DELETE", "POST", "PUT", "PATCH", "GET", "HEAD")
ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3, "HEAD": 3}
FIRST = ("Organization", "Location", "Practitioner", "PractitionerRole", "HealthcareService", "Endpoint", "Patient", "RelatedPerson")
LAST = ("ServiceRequest", "QuestionnaireResponse", "Task", "Appointment", "Provenance")
_URN = re.compile(r"urn:(?:uuid|oid):\S+")


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
    def kind(self) -> str:
        """The resource type that the entry is about."""
        return self.url.partition("?")[0].partition("/")[0]

    @property
    def creates(self) -> bool:
        """Whether the entry makes a resource: POST on a type."""
        return self.method == "POST" and "/" not in self.url.partition("?")[0]


async def bundle(context: Context, request: Request) -> Response:
    """The answers of the entries, in the order of the entries."""
    whole = read_bundle(request)
    kind = whole.get("type")
    if kind not in ("batch", "transaction"):
        raise Malformed.one("bundle-type", "Bundle.type", "A batch or a transaction is expected here.")
    entries = [_read(place, raw, request) for place, raw in enumerate(whole.get("entry", []))]
    answers = await (_transaction if kind == "transaction" else _batch)(context, request, entries)
    return json_response({"resourceType": "Bundle", "type": f"{kind}-response", **({"entry": answers} if answers else {})})


def _read(place: int, raw: dict[str, Any], request: Request) -> Entry:
    asked = raw.get("request")
    where = f"Bundle.entry[{place}]"
    if type(asked) is not dict:
        raise Malformed.one("required", f"{where}.request", "Each entry says its request.")
    method, url = asked.get("method"), asked.get("url")
    if method not in METHODS:
        raise Malformed.one("code-unknown", f"{where}.request.method", f"One of {', '.join(METHODS)}.")
    if type(url) is not str or not url:
        raise Malformed.one("required", f"{where}.request.url", "The request has a URL.")
    start = request.base + "/"
    url = url.removeprefix(start).lstrip("/")
    headers = {"prefer": request.header("prefer")}
    for header, key in (("if-match", "ifMatch"), ("if-none-match", "ifNoneMatch"), ("if-none-exist", "ifNoneExist")):
        if type(asked.get(key)) is str:
            headers[header] = asked[key]
    full_url = raw.get("fullUrl")
    return Entry(place, method, url, full_url if type(full_url) is str else "", raw.get("resource"), headers)


# --- batch -----------------------------------------------------------------------
async def _batch(context: Context, request: Request, entries: list[Entry]) -> list[dict[str, Any]]:
    """Each entry alone: one that fails undoes itself only."""
    answers = []
    for entry in entries:
        asked = request
        try:
            asked = _asked(request, entry)
            async with context.tx.savepoint():
                answers.append(_shown(await _play(context, asked)))
        except Unavailable:
            raise
        except MaillageError as error:
            if problems.status_of(error) in audits.AUDITED:
                await audits.refusal(context.tx, asked, error)
            answers.append(_failed(error))
    return answers


def _failed(error: MaillageError) -> dict[str, Any]:
    told = problems.answer(error)
    return {"response": {"status": str(told.status), "outcome": msgspec.Raw(told.body)}}


# --- transaction -------------------------------------------------------------------
async def _transaction(context: Context, request: Request, entries: list[Entry]) -> list[dict[str, Any]]:
    """In the order that the specification sets; references between entries become references to what the entries made."""
    _refuse_twins(entries)
    names = await _names(context, request, entries)
    answers: list[dict[str, Any]] = [{} for _ in entries]
    for entry in _ordered(entries):
        try:
            entry.resource = await _resolve(context, request, entry, names)
            response = await _play(context, _asked(request, entry))
        except MaillageError as error:
            raise _located(error, entry) from error
        _note(entry, response, names)
        answers[entry.place] = _shown(response)
    return answers


def _refuse_twins(entries: list[Entry]) -> None:
    """Two entries may not be about the same resource, nor have the same fullUrl."""
    seen: set[str] = set()
    for entry in entries:
        about = {entry.full_url} if entry.full_url else set()
        if entry.method in ("PUT", "DELETE", "PATCH"):
            about.add(entry.url)
        if about & seen:
            raise Malformed.one("entry-twice", f"Bundle.entry[{entry.place}]", "Two entries are about the same resource.")
        seen |= about


async def _names(context: Context, request: Request, entries: list[Entry]) -> dict[str, str]:
    """What each fullUrl will be called here; conditions are looked up before anything is written."""
    names: dict[str, str] = {}
    for entry in entries:
        if entry.creates:
            found = None
            if condition := entry.headers.get("if-none-exist"):
                found = await find_one(context, entry.kind, condition, request.base, lock=True)
            entry.id = found.id if found else new_id()
            if entry.full_url:
                names[entry.full_url] = f"{entry.kind}/{entry.id}"
        elif entry.method == "PUT" and _URN.fullmatch(entry.full_url):
            names[entry.full_url] = "/".join(entry.url.split("/")[:2])
    return names


def _ordered(entries: list[Entry]) -> list[Entry]:
    """DELETE, POST, PUT, GET; among creations those that others refer to come first."""

    def rank(entry: Entry) -> tuple[int, int, int]:
        kind = entry.kind
        among = FIRST.index(kind) - len(FIRST) if kind in FIRST else 1 + LAST.index(kind) if kind in LAST else 0
        verb = 1 if "$" in entry.url else 0
        return ORDER[entry.method], verb, (among if entry.creates else 0) * 10_000 + entry.place

    return sorted(entries, key=rank)


async def _resolve(context: Context, request: Request, entry: Entry, names: dict[str, str]) -> Any:
    """The resource with every reference to an entry, or to a condition, replaced by what it stands for."""
    if type(entry.resource) is not dict:
        return entry.resource
    conditions: dict[str, str] = {}
    for item, path in references.walk(entry.resource, entry.kind):
        target = parse(item["reference"])
        if target.kind == "conditional" and item["reference"] not in conditions:
            found = await find_one(context, target.type, item["reference"], request.base)
            if found is None:
                raise Invalid(Issue("error", "not-found", "condition-finds-nothing", path, "Nothing matches this conditional reference."))
            conditions[item["reference"]] = f"{target.type}/{found.id}"
    known = {**names, **conditions}
    return references.replace(entry.resource, lambda reference: known.get(reference, reference))


def _located(error: MaillageError, entry: Entry) -> MaillageError:
    """The same error, its paths starting at the entry."""
    where = f"Bundle.entry[{entry.place}]"
    error.issues = tuple(
        Issue(
            i.severity,
            i.code,
            i.reason,
            f"{where}.resource.{i.expression.partition('.')[2]}".rstrip(".") if i.expression else where,
            i.details,
        )
        for i in error.issues
    )
    return error


def _note(entry: Entry, response: Response, names: dict[str, str]) -> None:
    """A room may have given another id than the one foreseen."""
    if entry.creates and entry.full_url and response.shown:
        kind, id = response.shown[0]
        names[entry.full_url] = f"{kind}/{id}"


# --- one entry -----------------------------------------------------------------------
def _asked(request: Request, entry: Entry) -> Request:
    """The entry as a request of its own."""
    path, _, query = entry.url.partition("?")
    return replace(
        request,
        method=entry.method,
        path=tuple(part for part in path.split("/") if part),
        query=read_query(query),
        headers={**entry.headers, "x-entry-id": entry.id},
        body=b"",
        resource=entry.resource,
        in_bundle=True,
    )


async def _play(context: Context, asked: Request) -> Response:
    if not asked.path:
        raise Malformed.one("bundle-in-bundle", "Bundle.entry", "A Bundle inside a Bundle is not played.")
    return await context.find(asked)(context, asked)


def _shown(response: Response) -> dict[str, Any]:
    told: dict[str, Any] = {"status": str(response.status)}
    if "location" in response.headers:
        told["location"] = response.headers["location"]
    if "etag" in response.headers:
        told["etag"] = response.headers["etag"]
    shown: dict[str, Any] = {}
    if response.body:
        shown["resource"] = msgspec.Raw(response.body)
    if response.headers.get("x-warnings"):
        texts = response.headers["x-warnings"].split(", ")
        told["outcome"] = {
            "resourceType": "OperationOutcome",
            "issue": [{"severity": "warning", "code": "informational", "diagnostics": text} for text in texts],
        }
    if response.status == 200 and response.headers.get("location"):
        told["status"] = "200"
    return {**shown, "response": told}
