"""Which representation is asked for and which one came: JSON and XML both ways, R4 only (https://hl7.org/fhir/R4/http.html#mime-type)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import msgspec

from maillage.doors.fhir import xml
from maillage.doors.fhir.http import FHIR_JSON, Request, Response
from maillage.kernel.errors import Issue, Malformed, Unsupported

FHIR_XML: Final = "application/fhir+xml"
JSON_TYPES: Final = frozenset({FHIR_JSON, "application/json", "application/json+fhir", "text/json", "json"})
XML_TYPES: Final = frozenset({FHIR_XML, "application/xml", "application/xml+fhir", "text/xml", "xml"})
FORMATS: Final = ("json", "xml", FHIR_JSON, FHIR_XML)
"""What the CapabilityStatement names; the other spellings are understood too."""

ANYTHING: Final = frozenset({"*/*", "application/*", "text/*", "text/html", "html"})
"""Read as: the format of this server, a browser's included."""

FORM: Final = "application/x-www-form-urlencoded"
VERSIONS: Final = frozenset({"", "4.0", "4.0.1"})
_QUALITY: Final = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")
_ETAG: Final = re.compile(r'W/"([0-9]{1,9})"')
_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the answer is to be written."""

    pretty: bool = False
    content_type: str = FHIR_JSON

    @property
    def xml(self) -> bool:
        """Whether it is XML."""
        return self.content_type in XML_TYPES


class NotAcceptable(Unsupported):
    """No representation that the caller accepts (406)."""


@dataclass(frozen=True, slots=True)
class Media:
    """A media type with its parameters, names in lower case."""

    type: str
    options: dict[str, str]

    @property
    def quality(self) -> float:
        """The `q` of an Accept header; what cannot be read counts as 1."""
        text = self.options.get("q", "1")
        return float(text) if _QUALITY.fullmatch(text) else 1.0


def media(text: str) -> Media:
    """`application/fhir+json; fhirVersion=4.0` taken apart."""
    type_, *rest = text.split(";")
    pairs = (part.partition("=") for part in rest)
    return Media(type_.strip().lower(), {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs})


def wanted(request: Request) -> Wanted:
    """The representation asked for by `_format`, else by Accept in the order of its q-values. Raises `NotAcceptable`."""
    query = dict(request.query)
    asked = query.get("_format")
    content_type = _negotiated(asked.replace(" ", "+") if asked is not None else request.header("accept") or "*/*")
    if content_type.startswith("!"):
        raise NotAcceptable(content_type[1:])
    return Wanted(query.get("_pretty") == "true", content_type)


@lru_cache(maxsize=256)
def _negotiated(asked: str) -> str:
    """The content type to write for an Accept header or a `_format`; `!` and the reason when there is none."""
    offers = [one for one in map(media, asked.split(",", _MOST)[:_MOST]) if one.quality > 0]
    for one in sorted(offers, key=lambda one: (-one.quality, one.type in ANYTHING)):
        content_type = _content_type(one)
        if content_type:
            return content_type
    return "!fhir-version-not-served" if any(_other_version(one) for one in offers) else "!format-not-served"


def _content_type(asked: Media) -> str:
    """What to write for one media type; empty when it is none of ours."""
    if _other_version(asked):
        return ""
    if asked.type in ANYTHING:
        return FHIR_JSON
    if asked.type in JSON_TYPES:
        return asked.type if asked.type.startswith("application/") else FHIR_JSON
    if asked.type in XML_TYPES:
        return asked.type if asked.type.startswith("application/") else FHIR_XML
    return ""


def _other_version(asked: Media) -> bool:
    return asked.options.get("fhirversion", "") not in VERSIONS


def check_sent(request: Request) -> None:
    """Refuse a body that is not FHIR R4 in JSON or XML. Raises `Unsupported` (415)."""
    if not request.body:
        return
    sent = media(request.header("content-type"))
    if sent.type not in JSON_TYPES and sent.type not in XML_TYPES:
        raise Unsupported("content-type-not-served")
    check_options(sent)


def check_options(sent: Media) -> None:
    """Only UTF-8, and only R4. Raises `Unsupported` (415)."""
    if sent.options.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise Unsupported("charset-not-served")
    if _other_version(sent):
        raise Unsupported("fhir-version-not-served")


def is_xml(request: Request) -> bool:
    """Whether the body came as XML."""
    return media(request.header("content-type")).type in XML_TYPES


def version_asked(text: str) -> int | None:
    """The version of an If-Match header, `W/"3"`; None when absent. Raises `Malformed` for anything else."""
    value = text.strip()
    if not value:
        return None
    found = _ETAG.fullmatch(value)
    if found is None:
        raise Malformed(Issue("error", "value", "bad-etag", "http.if-match", 'An ETag here looks like W/"3".'))
    return int(found[1])


def versions_known(text: str) -> frozenset[int] | None:
    """The versions of an If-None-Match header, which may list several; None for `*`: any version. Raises `Malformed`."""
    if text.strip() == "*":
        return None
    return frozenset(version for part in text.split(",") if (version := version_asked(part)) is not None)


def rewrite(response: Response, how: Wanted) -> Response:
    """The answer in the representation that was asked for; what is no FHIR (a page, a document) stays as it is."""
    if response.body and "content-type" not in response.headers:
        if how.xml:
            response.body = xml.write(response.body, pretty=how.pretty)
        elif how.pretty:
            response.body = msgspec.json.format(response.body, indent=2)
        response.headers["content-type"] = f"{how.content_type}; charset=utf-8"
    return response
