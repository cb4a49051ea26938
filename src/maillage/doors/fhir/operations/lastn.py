"""`Observation/$lastn` (https://hl7.org/fhir/R4/observation-operation-lastn.html): the last observations of each code."""

from __future__ import annotations

from typing import Any

import msgspec

from maillage import record
from maillage.codes.json import decode
from maillage.doors.fhir.context import Context, json_response
from maillage.doors.fhir.http import Request, Response, encode_query
from maillage.kernel.errors import Issue, Malformed
from maillage.record import Stored

KIND = "Observation"
MOST_READ = 2000
MOST_EACH = 100
SUBJECTS = ("patient", "subject")


async def lastn(context: Context, request: Request) -> Response:
    """A searchset, newest first in each code. Any search parameter of Observation narrows it; a patient must be named."""
    context.require(KIND, "s")
    most = _most(request)
    criteria = [(name, value) for name, value in request.query if name not in ("max", "_format", "_pretty")]
    if not any(name.partition(":")[0].partition(".")[0] in SUBJECTS for name, _ in criteria):
        raise Malformed(Issue("error", "required", "search-parameter", "http.patient", "Name the patient: patient= or subject=."))
    if any(name in ("_sort", "_count", "_cursor", "_include", "_revinclude", "_summary") for name, _ in criteria):
        raise Malformed(Issue("error", "not-supported", "search-parameter", "http", "$lastn orders and bounds its answer itself."))
    context.refuse_withheld([KIND], criteria)
    groups: list[_Group] = []
    async for stored in _newest_first(context, request, criteria):
        _place(groups, stored, most)
    shown = [stored for group in groups for stored in group.kept]
    await context.audit_read(shown, "search", "$lastn", KIND)
    return json_response(_bundle(request, shown))


class _Group:
    """The observations of one code: any coding in common makes two codes the same."""

    __slots__ = ("codes", "kept")

    def __init__(self, codes: set[tuple[str, str]]) -> None:
        self.codes = codes
        self.kept: list[Stored] = []


async def _newest_first(context: Context, request: Request, criteria: list[tuple[str, str]]) -> Any:
    asked, read = [*criteria, ("_sort", "-date"), ("_count", "200"), ("_total", "none")], 0
    while read < MOST_READ:
        page = await record.search(context.tx, KIND, asked, context.searchable, strict=True, key=context.key, base=request.base)
        for stored in page.matches:
            yield stored
        read += len(page.matches)
        if not page.next_cursor:
            return
        asked = [*(pair for pair in asked if pair[0] != "_cursor"), ("_cursor", page.next_cursor)]


def _place(groups: list[_Group], stored: Stored, most: int) -> None:
    codes = _codes(decode(stored.content).get("code", {}))
    group = next((g for g in groups if g.codes & codes), None)
    if group is None:
        group = _Group(codes)
        groups.append(group)
    group.codes |= codes
    if len(group.kept) < most:
        group.kept.append(stored)


def _codes(concept: dict[str, Any]) -> set[tuple[str, str]]:
    codings = {(c.get("system", ""), c["code"]) for c in concept.get("coding", []) if "code" in c}
    return codings or {("", concept.get("text", "").casefold())}


def _most(request: Request) -> int:
    text = dict(request.query).get("max", "1")
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text) > 0):
        raise Malformed(Issue("error", "value", "search-parameter", "http.max", "max is a whole number above zero."))
    return min(int(text), MOST_EACH)


def _bundle(request: Request, shown: list[Stored]) -> dict[str, Any]:
    entries = [
        {"fullUrl": f"{request.base}/{KIND}/{s.id}", "resource": msgspec.Raw(s.content.encode()), "search": {"mode": "match"}}
        for s in shown
    ]
    link = [{"relation": "self", "url": f"{request.base}/{KIND}/$lastn?{encode_query(request.query)}"}]
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": len(shown), "link": link}
    return {**bundle, "entry": entries} if entries else bundle
