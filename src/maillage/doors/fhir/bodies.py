"""Resources in request bodies: decoded with care, validated, cleared of what only the server may write."""

from __future__ import annotations

from typing import Any

from maillage.codes import r4
from maillage.codes.json import decode
from maillage.doors.fhir.http import Request
from maillage.doors.fhir.negotiation import check_sent
from maillage.kernel.errors import Invalid, Issue, Malformed, TooLarge

SYNTAX = frozenset({"structure", "required", "value"})
SERVER_META = ("versionId", "lastUpdated")
MOST_ENTRIES = 1000


def read_json(request: Request) -> Any:
    """The body as a value. Raises `Unsupported`, `Malformed`."""
    if request.resource is not None:
        return request.resource
    check_sent(request)
    if not request.body.strip():
        raise Malformed.one("body-missing", details="A resource is expected in the body.")
    return decode(request.body)


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
    """The resource without the parts of `meta` that only the server writes, and a warning when a label was dropped."""
    meta = resource.get("meta")
    if type(meta) is not dict:
        return resource, []
    kept = {key: value for key, value in meta.items() if key not in SERVER_META and key.removeprefix("_") not in (*SERVER_META, "security")}
    rest = {key: value for key, value in resource.items() if key != "meta"}
    warnings = []
    if "security" in meta:
        kind = resource["resourceType"]
        warnings.append(Issue("warning", "value", "label-ignored", f"{kind}.meta.security", "Security labels are set by the server."))
    return ({**rest, "meta": kept} if kept else rest), warnings
