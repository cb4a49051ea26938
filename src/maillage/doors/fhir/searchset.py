"""A page of a search as a Bundle: stored text is joined, not read, unless only parts of it are wanted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote_plus

import msgspec

from maillage.codes.json import decode, encode
from maillage.doors.fhir.problems import outcome
from maillage.doors.fhir.projections import project
from maillage.kernel.errors import Issue
from maillage.record import Page, Stored

_PLAIN = re.compile(r"[A-Za-z0-9_.:/,|$*~-]*")
KEPT = ":/,|$*"
WHOLE = ("", "false", "count")


def searchset(page: Page, address: str, base: str, told: tuple[tuple[str, str], ...] = ()) -> bytes:
    """The Bundle of a page; `told` are parameters that took part beside those of the page. The others are absent from the self link."""
    used = (*told, *page.used)
    links = [("self", _with(address, used))]
    if page.next_cursor:
        links.append(("next", _with(address, (*used, ("_cursor", page.next_cursor)))))
    full = _text(base)[:-1]
    entries = [_entry(stored, "match", full, _content(stored, page, included=False)) for stored in page.matches]
    entries += [_entry(stored, "include", full, _content(stored, page, included=True)) for stored in page.included]
    if page.ignored or page.cut:
        entries.append(f'{{"resource":{encode(outcome(_warnings(page))).decode()},"search":{{"mode":"outcome"}}}}')
    link = ",".join(f'{{"relation":"{relation}","url":{_text(url)}}}' for relation, url in links)
    total = "" if page.total is None else f'"total":{page.total},'
    entry = f',"entry":[{",".join(entries)}]' if entries else ""
    return f'{{"resourceType":"Bundle","type":"searchset",{total}"link":[{link}]{entry}}}'.encode()


def _entry(stored: Stored, mode: str, base: str, content: str) -> str:
    """`base` with its opening quote; types and ids need no escape."""
    return f'{{"fullUrl":{base}/{stored.type}/{stored.id}","resource":{content},"search":{{"mode":"{mode}"}}}}'


def _content(stored: Stored, page: Page, *, included: bool) -> str:
    """`_elements` without a type are those of the matches; `_summary` is for everything."""
    if not page.elements and page.summary in WHOLE:
        return stored.content
    own = tuple(name for name in page.elements if name.startswith(f"{stored.type}.") or (not included and not name[:1].isupper()))
    if included and not own and page.summary in WHOLE:
        return stored.content
    read: dict[str, Any] = decode(stored.content.encode())
    asked = own or (("id",) if page.elements and not included else ())
    return encode(project(read, summary=page.summary or None, elements=asked)).decode()


def _warnings(page: Page) -> list[Issue]:
    told = [
        Issue("warning", "not-supported", "parameter-ignored", f"http.{name}"[:200], "Unknown here: it was ignored.")
        for name in page.ignored
    ]
    if page.cut:
        told.append(
            Issue("warning", "incomplete", "include-cut", "", "More was to be included than one answer may hold: ask for fewer matches.")
        )
    return told


def _with(address: str, parameters: Sequence[tuple[str, str]]) -> str:
    if not parameters:
        return address
    return f"{address}?{'&'.join(f'{_quoted(name)}={_quoted(value)}' for name, value in parameters)}"


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else quote_plus(text, safe=KEPT)


def _text(text: str) -> str:
    return msgspec.json.encode(text).decode()
