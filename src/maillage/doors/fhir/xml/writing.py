"""A resource as XML: elements in the published order, decimals with their digits, the narrative as it was written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from html.entities import html5
from typing import Any, Final

from maillage.codes.json import decode
from maillage.codes.r4.nodes import NODES
from maillage.codes.r4.tables import resource_type_set

NAMESPACE: Final = "http://hl7.org/fhir"
_ESCAPED: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
_SPECIAL: Final = re.compile('[&<>"\n\r\t]')
_ILLEGAL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NAMED: Final = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_XML_ENTITIES: Final = frozenset({"amp", "lt", "gt", "quot", "apos"})


def write(body: bytes, *, pretty: bool = False) -> bytes:
    """The XML of a resource given as JSON bytes."""
    resource = decode(body)
    parts = ['<?xml version="1.0" encoding="UTF-8"?>', *_resource(resource, "\n" if pretty else "", f' xmlns="{NAMESPACE}"')]
    return "".join(parts).encode()


@cache
def _places(name: str) -> dict[str, int]:
    return {key: place for place, key in enumerate(NODES[name].fields)}


def _resource(resource: dict[str, Any], indent: str, attributes: str = "") -> Iterator[str]:
    yield from _element(resource["resourceType"], resource, resource["resourceType"], indent, attributes)


def _element(tag: str, value: dict[str, Any], type_: str, indent: str, attributes: str = "") -> Iterator[str]:
    """One object. `id` is an attribute but on a resource; so is the `url` of an extension."""
    whole = type_ in resource_type_set()
    if not whole:
        attributes += "".join(f' {key}="{_escaped(value[key])}"' for key in ("id", "url") if key in value and _is_attribute(key, type_))
    yield f"{indent}<{tag}{attributes}>"
    deeper = indent + "  " if indent else ""
    for key in _ordered(value, type_):
        if whole or not _is_attribute(key, type_):
            yield from _field(key, value, type_, deeper)
    yield f"{indent}</{tag}>"


def _is_attribute(key: str, type_: str) -> bool:
    return key == "id" or (key == "url" and type_.startswith("Extension"))


def _ordered(value: dict[str, Any], type_: str) -> list[str]:
    """The elements that have a value, an extension, or both, in the published order."""
    places = _places(type_)
    return sorted({key.removeprefix("_") for key in value if key != "resourceType"}, key=places.__getitem__)


def _field(key: str, owner: dict[str, Any], type_: str, indent: str) -> Iterator[str]:
    field = NODES[type_].fields[key]
    if field.handler in ("scalar", "values"):
        yield from _primitives(key, owner.get(key), owner.get("_" + key), field.type, indent)
        return
    value = owner[key]
    for item in value if type(value) is list else (value,):
        if field.handler in ("resource", "resources"):
            yield f"{indent}<{key}>"
            yield from _resource(item, indent + "  " if indent else "")
            yield f"{indent}</{key}>"
        else:
            yield from _element(key, item, field.type, indent)


def _primitives(key: str, value: Any, beside: Any, type_: str, indent: str) -> Iterator[str]:
    if type(value) is not list and type(beside) is not list:
        yield from _primitive(key, value, beside, type_, indent)
        return
    values, besides = value or [], beside or []
    for place in range(max(len(values), len(besides))):
        one = values[place] if place < len(values) else None
        yield from _primitive(key, one, besides[place] if place < len(besides) else None, type_, indent)


def _primitive(key: str, value: Any, beside: Any, type_: str, indent: str) -> Iterator[str]:
    if type_ == "xhtml":
        yield indent + _NAMED.sub(_character, value)
        return
    given = "" if value is None else f' value="{_escaped(_text(value))}"'
    if beside is None:
        yield f"{indent}<{key}{given}/>"
    else:
        yield from _element(key, beside, "Element", indent, given)


def _text(value: Any) -> str:
    if value is True or value is False:
        return "true" if value else "false"
    return str(value) if isinstance(value, Decimal | int) else value


def _escaped(text: str) -> str:
    if text.isprintable() and not _SPECIAL.search(text):
        return text
    return _SPECIAL.sub(lambda found: _ESCAPED[found[0]], _ILLEGAL.sub("\ufffd", text))


def _character(found: re.Match[str]) -> str:
    """XML knows five named entities; the others of a narrative become their characters."""
    return found[0] if found[1] in _XML_ENTITIES else html5.get(found[1] + ";", found[0])
