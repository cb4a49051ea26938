"""Which representation is asked for and which one came: JSON both ways; XML is refused in words."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from maillage.doors.fhir.http import FHIR_JSON, Request, Response
from maillage.kernel.errors import Issue, Malformed, Unsupported

JSON_TYPES = frozenset({FHIR_JSON, "application/json", "application/json+fhir", "text/json", "json"})
XML_TYPES = frozenset({"application/fhir+xml", "application/xml", "application/xml+fhir", "text/xml", "xml"})
ANYTHING = frozenset({"*/*", "application/*", ""})
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the answer is to be written."""

    pretty: bool = False
    content_type: str = FHIR_JSON


class NotAcceptable(Unsupported):
    """No representation that the caller accepts (406)."""


def wanted(request: Request) -> Wanted:
    """The representation asked for by `_format`, else by Accept. Raises `NotAcceptable`."""
    query = dict(request.query)
    pretty = query.get("_pretty") == "true"
    asked = [query["_format"].replace(" ", "+")] if "_format" in query else request.header("accept").split(",")
    for text in asked:
        media = text.partition(";")[0].strip().lower()
        if media in ANYTHING or media == "text/*" or (media == "text/html" and "_format" not in query):
            return Wanted(pretty)
        if media in JSON_TYPES:
            return Wanted(pretty, media if "/" in media and media != "text/json" else FHIR_JSON)
    raise NotAcceptable("xml-not-served" if any(_is_xml(text) for text in asked) else "format-not-served")


def _is_xml(text: str) -> bool:
    return text.partition(";")[0].strip().lower() in XML_TYPES


def check_sent(request: Request) -> None:
    """Refuse a body that is not JSON. Raises `Unsupported` (415)."""
    media, _, options = request.header("content-type").partition(";")
    media = media.strip().lower()
    if not request.body:
        return
    if media not in JSON_TYPES:
        raise Unsupported("xml-not-served" if media in XML_TYPES else "content-type-not-served")
    charset = options.lower().partition("charset=")[2].partition(";")[0].strip(' "')
    if charset not in ("", "utf-8", "utf8"):
        raise Unsupported("charset-not-served")


def version_asked(text: str) -> int | None:
    """The version number of an If-Match or If-None-Match header; None when absent. Raises `Malformed`."""
    value = text.strip()
    if not value:
        return None
    value = value.removeprefix("W/").strip('"')
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise Malformed(Issue("error", "value", "bad-etag", "http.if-match", 'An ETag here looks like W/"3".'))
    return int(value)


def rewrite(response: Response, how: Wanted) -> Response:
    """The answer in the representation that was asked for."""
    if response.body:
        if how.pretty:
            response.body = msgspec.json.format(response.body, indent=2)
        response.headers.setdefault("content-type", f"{how.content_type}; charset=utf-8")
    return response
