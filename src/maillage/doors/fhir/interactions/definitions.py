"""Definitions, read only: code systems, value sets, the profiles that were added, and our own operations. They hold no patient."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from maillage.codes.aliases import canonical
from maillage.codes.folding import fold
from maillage.doors.fhir.context import Context, json_response
from maillage.doors.fhir.http import Request, Response, encode_query, etag
from maillage.doors.fhir.interactions.operation_definitions import operation_definitions
from maillage.kernel.errors import Issue, Malformed, NotFound

DEFAULT, MOST = 20, 200
PARAMETERS = (("_id", "token"), ("name", "string"), ("status", "token"), ("title", "string"), ("url", "uri"), ("version", "token"))
CONTROLS = frozenset({"_count", "_offset", "_format", "_pretty", "_summary", "_elements", "_total", "_sort"})

Resource = dict[str, Any]


async def read_definition(context: Context, request: Request) -> Response:
    """One definition, by its id."""
    kind, id = request.path
    context.require(kind, "r")
    found = next((one for one in _all(context, kind) if one.get("id") == id), None) if kind not in ("CodeSystem", "ValueSet") else None
    if kind in ("CodeSystem", "ValueSet"):
        found = context.registry.definitions.terminology.by_id(kind, id)
    if found is None:
        raise NotFound(kind, id)
    response = json_response(found)
    response.headers["etag"] = etag(1)
    return response


async def search_definitions(context: Context, request: Request) -> Response:
    """A searchset by url, name, title, version, status or _id; an address that was published elsewhere is found through its aliases."""
    kind = request.path[0]
    context.require(kind, "s")
    given = _asked(request)
    tests = [_test(name, value) for name, value in given if name not in CONTROLS]
    found = [one for one in _candidates(context, kind, dict(given)) if all(test(one) for test in tests)]
    numbers = dict(given)
    offset, count = _whole(numbers, "_offset", 0), min(_whole(numbers, "_count", DEFAULT), MOST)
    return json_response(_bundle(request, given, found[offset : offset + count], len(found), offset + count))


def _all(context: Context, kind: str) -> Iterable[Resource]:
    definitions = context.registry.definitions
    if kind == "StructureDefinition":
        return definitions.profiles.resources()
    if kind == "OperationDefinition":
        return operation_definitions(context.registry.operations.values())
    return definitions.terminology.all(kind)


def _candidates(context: Context, kind: str, given: dict[str, str]) -> Iterator[Resource]:
    """Only the one that the URL names, where there is one: lists are long."""
    if "url" in given and kind in ("CodeSystem", "ValueSet"):
        found = context.registry.definitions.terminology.resource(kind, given["url"])
        return iter([found] if found else [])
    return iter(_all(context, kind))


def _asked(request: Request) -> tuple[tuple[str, str], ...]:
    known = {name for name, _ in PARAMETERS} | CONTROLS
    kept = []
    for name, value in request.query:
        if name.partition(":")[0] in known and (":" not in name or name in ("name:exact", "name:contains", "title:contains")):
            kept.append((name, value))
        elif request.strict or ":" in name:
            raise Malformed(
                Issue("error", "not-supported", "search-parameter", f"http.{name}"[:200], "Definitions are not searched by this.")
            )
    return tuple(kept)


def _test(name: str, value: str) -> Callable[[Resource], bool]:
    if name == "url":
        return lambda one: canonical(one.get("url", "")) == canonical(value)
    if name == "name:exact":
        return lambda one: one.get("name") == value
    if name.endswith(":contains"):
        return lambda one: fold(value) in fold(str(one.get(name.partition(":")[0], "")))
    if name in ("name", "title"):
        return lambda one: fold(str(one.get(name, ""))).startswith(fold(value))
    wanted = {part.rpartition("|")[2] for part in value.split(",")}
    return lambda one: str(one.get(name.removeprefix("_"), "")) in wanted


def _whole(given: dict[str, str], name: str, default: int) -> int:
    text = given.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Malformed(Issue("error", "value", "search-parameter", f"http.{name}", "A whole number is expected."))
    return int(text)


def _bundle(request: Request, given: tuple[tuple[str, str], ...], page: list[Resource], total: int, following: int) -> Resource:
    address = f"{request.base}/{request.path[0]}"
    used = [(name, value) for name, value in given if name not in ("_format", "_pretty")]
    links = [{"relation": "self", "url": f"{address}?{encode_query(used)}" if used else address}]
    if page and following < total:
        rest = [pair for pair in used if pair[0] != "_offset"]
        links.append({"relation": "next", "url": f"{address}?{encode_query([*rest, ('_offset', str(following))])}"})
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset", "total": total, "link": links}
    entries = [{"fullUrl": f"{address}/{one['id']}", "resource": one, "search": {"mode": "match"}} for one in page if "id" in one]
    return {**bundle, "entry": entries} if entries else bundle
