"""A resource from XML, as if it had come as JSON: the tables say what is a list, a number, a resource. Faults are told with their FHIRPath."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from maillage.codes import xml
from maillage.codes.r4.nodes import NODES, Field
from maillage.codes.r4.tables import resource_type_set
from maillage.codes.xml import XHTML, Element
from maillage.doors.fhir.xml.writing import NAMESPACE
from maillage.kernel.errors import Malformed

_WHOLE: Final = re.compile(r"0|-?[1-9][0-9]{0,17}")
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,400})(?:\.[0-9]{1,400})?(?:[eE][+-]?[0-9]{1,4})?")
_INSTANCE: Final = "http://www.w3.org/2001/XMLSchema-instance "
_MANY: Final = frozenset({"values", "elements", "resources"})


def read(data: bytes) -> dict[str, Any]:
    """The resource in the document. Raises `Malformed`."""
    root = xml.parse(data)
    return _resource(root, root.name)


def _resource(element: Element, path: str) -> dict[str, Any]:
    if element.namespace != NAMESPACE or element.name not in resource_type_set():
        raise _fault("resource-type", path, element, f"{element.name[:60]} is not a resource type of FHIR R4 in the namespace {NAMESPACE}.")
    return {"resourceType": element.name, **_object(element, element.name, path)}


def _object(element: Element, type_: str, path: str) -> dict[str, Any]:
    made: dict[str, Any] = _attributes(element, type_, path)
    fields = NODES[type_].fields
    counts: dict[str, int] = {}
    for child in element.children:
        field = fields.get(child.name)
        if field is None or child.name == "resourceType" or child.namespace != (XHTML if field.type == "xhtml" else NAMESPACE):
            raise _fault("unknown-element", f"{path}.{child.name[:60]}", child, f"{type_} has no element {child.name[:60]}.")
        place = counts[child.name] = counts.get(child.name, -1) + 1
        _put(made, child, field, f"{path}.{child.name}", place)
    if element.text:
        raise _fault("text", path, element, "Values stand in attributes: there is no text between elements.")
    return {key: value for key, value in made.items() if type(value) is not list or any(item is not None for item in value)}


def _attributes(element: Element, type_: str, path: str) -> dict[str, Any]:
    whole = type_ in resource_type_set()
    found = {}
    for name, value in element.attributes.items():
        if name.startswith(_INSTANCE):
            continue
        if whole or not (name == "id" or (name == "url" and type_ == "Extension")):
            raise _fault("unknown-attribute", path, element, f"There is no attribute {name[:60]} here.")
        found[name] = value
    return found


def _put(made: dict[str, Any], child: Element, field: Field, path: str, place: int) -> None:
    many = field.handler in _MANY
    where = f"{path}[{place}]" if many else path
    if place and not many:
        raise _fault("several", path, child, f"{child.name} stands once.")
    if field.handler in ("scalar", "values"):
        _put_primitive(made, child, field, where, place if many else None)
        return
    value = _inner(child, where) if field.handler in ("resource", "resources") else _object(child, _bare(field.type), where)
    if many:
        made.setdefault(child.name, []).append(value)
    else:
        made[child.name] = value


def _bare(type_: str) -> str:
    return "Extension" if type_.startswith("Extension.") else type_


def _inner(child: Element, path: str) -> dict[str, Any]:
    if len(child.children) != 1:
        raise _fault("resource-missing", path, child, "One resource stands here.")
    return _resource(child.children[0], path)


def _put_primitive(made: dict[str, Any], child: Element, field: Field, path: str, place: int | None) -> None:
    """The value under its key, what stands beside it under `_key`; in lists both are padded to the same length."""
    value, beside = _primitive(child, field, path)
    key, other = child.name, "_" + child.name
    if place is None:
        made |= {name: part for name, part in ((key, value), (other, beside)) if part is not None}
        return
    values, besides = made.setdefault(key, []), made.setdefault(other, [])
    values.append(value)
    besides.append(beside)


def _primitive(child: Element, field: Field, path: str) -> tuple[Any, dict[str, Any] | None]:
    if field.type == "xhtml":
        return child.markup, None
    attributes = dict(child.attributes)
    text = attributes.pop("value", None)
    beside = _object(_without_value(child, attributes), "Element", path)
    if text is None and not beside:
        raise _fault("empty", path, child, f"{child.name} has neither a value nor an extension.")
    return None if text is None else _value(text, field.type), beside or None


def _without_value(child: Element, attributes: dict[str, str]) -> Element:
    copy = Element(child.namespace, child.name, attributes, child.line)
    copy.children, copy.text = child.children, child.text
    return copy


def _value(text: str, type_: str) -> Any:
    """The value that JSON would have; what has not the form of its type stays a text, which the validation then refuses."""
    if type_ == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if type_ in ("integer", "positiveInt", "unsignedInt"):
        return int(text) if _WHOLE.fullmatch(text) else text
    if type_ == "decimal" and _DECIMAL.fullmatch(text):
        return int(text) if _WHOLE.fullmatch(text) else Decimal(text)
    return text


def _fault(reason: str, path: str, element: Element, details: str) -> Exception:
    return Malformed.one(reason, path, f"{details} (line {element.line})")
