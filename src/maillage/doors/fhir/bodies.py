"""Resources in request bodies: decoded with care, validated, cleared of what only the server may write."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from maillage.codes import r4
from maillage.codes.json import decode, encode
from maillage.codes.systems import TYPE_CRENEAU
from maillage.doors.fhir import narratives, xml
from maillage.doors.fhir.http import Request
from maillage.doors.fhir.negotiation import check_sent, is_xml
from maillage.kernel.errors import Invalid, Issue, Malformed, TooLarge

SYNTAX = frozenset({"structure", "required", "value"})
SERVER_META = ("versionId", "lastUpdated")
MOST_ENTRIES = 1000
_BLANK: Final = b" \t\r\n"
_KEY_END: Final = b'":'
_KEY_LIKE: Final = re.compile(rb'"[ \t\r\n]*:')


def read_json(request: Request) -> Any:
    """The body as a value, whichever format it came in. Raises `Unsupported`, `Malformed`."""
    if request.resource is not None:
        return request.resource
    check_sent(request)
    if not request.body.strip():
        raise Malformed.one("body-missing", details="A resource is expected in the body.")
    if is_xml(request):
        return xml.read(request.body)
    return strictly(request.body)


def strictly(data: bytes) -> Any:
    """The JSON value; a key given twice in one object is refused by its name. Raises `Malformed`."""
    value = decode(data)
    if b"\\" not in data:
        same = data.translate(None, _BLANK).count(_KEY_END) == encode(value).translate(None, _BLANK).count(_KEY_END)
    else:  # an escape can look like the end of a key
        same = len(_KEY_LIKE.findall(data)) == _keys(value)
    if not same:
        _refuse_twins(data)
    return value


def _keys(value: Any) -> int:
    """How many keys the objects inside a value have."""
    count, level = 0, [value]
    while level:
        objects = [item for item in level if type(item) is dict]
        count += sum(map(len, objects))
        level = [child for item in objects for child in item.values() if type(child) is dict or type(child) is list] + [
            child for item in level if type(item) is list for child in item if type(child) is dict or type(child) is list
        ]
    return count


def _refuse_twins(data: bytes) -> None:
    def once(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise Malformed.one("key-twice", details=f"The key {key[:100]!r} stands twice in one object.")
            seen.add(key)

    json.loads(data, object_pairs_hook=once, parse_int=str, parse_float=str)


def read_resource(request: Request, kind: str) -> dict[str, Any]:
    """The resource of this type in the body, valid R4. Raises `Malformed` for its form, `Invalid` for a broken rule."""
    value = read_json(request)
    check(value, kind)
    resource: dict[str, Any] = value
    return resource


def check(value: Any, kind: str | None = None) -> None:
    """Raise `Malformed` when the form is wrong, `Invalid` when a rule is broken; both list every fault."""
    faults = r4.validate(value, kind)
    if any(fault.code in SYNTAX for fault in faults):
        raise Malformed(*faults)
    if faults:
        raise Invalid(*faults)


def read_bundle(request: Request) -> dict[str, Any]:
    """The Bundle in the body; its entries are checked one by one later. Raises `Malformed`, `TooLarge`."""
    value = read_json(request)
    if type(value) is not dict or value.get("resourceType") != "Bundle":
        raise Malformed.one("resource-type", "Bundle", "A Bundle is expected here.")
    entries = value.get("entry", [])
    if type(entries) is not list or not all(type(entry) is dict for entry in entries):
        raise Malformed.one("wrong-type", "Bundle.entry", "Entries must be a list of objects.")
    if len(entries) > MOST_ENTRIES:
        raise TooLarge("too-many-entries", limit=MOST_ENTRIES)
    return value


def cleared(resource: dict[str, Any]) -> tuple[dict[str, Any], list[Issue]]:
    """The resource without the parts of `meta` that only the server writes, its narratives safe, and a warning for each thing that was dropped."""
    resource, warnings = narratives.reduced(resource)
    meta = resource.get("meta")
    if type(meta) is not dict:
        return resource, warnings
    kept = {key: value for key, value in meta.items() if key not in SERVER_META and key.removeprefix("_") not in (*SERVER_META, "security")}
    rest = {key: value for key, value in resource.items() if key != "meta"}
    audience = slot_types(meta)
    if audience:
        kept["security"] = audience
    if "security" in meta and audience != meta["security"]:
        kind = resource["resourceType"]
        warnings.append(Issue("warning", "value", "label-ignored", f"{kind}.meta.security", "Security labels are set by the server."))
    return ({**rest, "meta": kept} if kept else rest), warnings


def slot_types(meta: dict[str, Any]) -> list[Any]:
    """To whom a slot is shown (TRE_R314): labels by their place only, which close nothing and are their author's to say (SAS 1.2.0)."""
    return [label for label in meta.get("security", ()) if type(label) is dict and label.get("system") == TYPE_CRENEAU]
