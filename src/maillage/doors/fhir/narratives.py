"""Narratives made safe on write: what would load from elsewhere, run or cover the page goes; everything else stays as it was written.

The validation refuses what R4 forbids (scripts, forms, unknown elements); this takes away what R4 allows and a screen must not show.
https://hl7.org/fhir/R4/narrative.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Any, Final
from xml.parsers import expat

from maillage.kernel.errors import Issue

_TO_LOOK_AT: Final = re.compile(r"\b(?:src|style|href|cite|usemap|longdesc)\s*=")
_TAG: Final = re.compile(rb"""<[^\s/>]+(?:[^"'>]|"[^"]*"|'[^']*')*>""")
_IMAGE: Final = re.compile(r"#[\w.\-]*|data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*|[A-Za-z0-9][A-Za-z0-9._/\-]*")
_LINK: Final = re.compile(r"#.*|(?:https?|mailto|tel|urn):.*|[^:\\/][^:\\]*", re.IGNORECASE | re.DOTALL)
_STYLE: Final = re.compile(r"\s*([a-z\-]+)\s*:[^\\@(]*(?:\(\s*[0-9.,%\s]*\)[^\\@(]*)*", re.IGNORECASE)
_NO_PROPERTIES: Final = frozenset({"position", "z-index", "behavior", "-moz-binding", "content"})
_SPACE: Final = re.compile(r"[\x00-\x20]")


def reduced(resource: dict[str, Any]) -> tuple[dict[str, Any], list[Issue]]:
    """The resource with safe narratives, and a warning for each that lost something."""
    warnings: list[Issue] = []
    for narrative, path in list(_narratives(resource, resource["resourceType"])):
        safe = safe_div(narrative["div"])
        if safe != narrative["div"]:
            narrative["div"] = safe
            details = "Links, images and styles that reach outside were taken away."
            warnings.append(Issue("warning", "value", "narrative-reduced", path, details))
    return resource, warnings


def _narratives(resource: dict[str, Any], path: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Every narrative that has something to look at: of the resource, of what it contains, of its sections."""
    text = resource.get("text")
    if type(text) is dict and _TO_LOOK_AT.search(text.get("div", "")):
        yield text, f"{path}.text.div"
    for key in ("contained", "section"):
        for place, item in enumerate(resource.get(key, ())):
            if type(item) is dict:
                yield from _narratives(item, f"{path}.{key}[{place}]")


def safe_div(div: str) -> str:
    """A well-formed div without attributes that reach outside; only the tags that lose one are written anew."""
    data = div.encode()
    parser = expat.ParserCreate("utf-8")
    parser.UseForeignDTD(True)
    parts: list[bytes] = []
    done = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal done
        kept = {key: safe for key, text in attributes.items() if (safe := _safe(key, text)) is not None}
        if kept == attributes:
            return
        begin = parser.CurrentByteIndex
        tag = _TAG.match(data, begin)
        if tag is None:  # pragma: no cover  # a tag that expat has read is one
            raise ValueError("tag")
        written = "".join(f' {key}="{escape(text)}"' for key, text in kept.items())
        parts.extend((data[done:begin], f"<{name}{written}{'/' if tag[0].endswith(b'/>') else ''}>".encode()))
        done = tag.end()

    parser.StartElementHandler = start
    parser.Parse(data, True)
    return b"".join((*parts, data[done:])).decode()


def _safe(key: str, text: str) -> str | None:
    """The attribute's value as it may stay, None when it goes."""
    if key == "src":
        return text if _IMAGE.fullmatch(text.strip()) else None
    if key in ("href", "cite", "usemap", "longdesc"):
        return text if _LINK.fullmatch(_SPACE.sub("", text)) or not text.strip() else None
    if key == "style":
        kept = [part for part in text.split(";") if not part.strip() or _is_plain(part)]
        return ";".join(kept) if any(part.strip() for part in kept) else None
    return text


def _is_plain(declaration: str) -> bool:
    found = _STYLE.fullmatch(declaration)
    return found is not None and found[1].lower() not in _NO_PROPERTIES
