"""Patches (https://hl7.org/fhir/R4/http.html#patch): JSON Patch and FHIRPath Patch, each read once into a function from a resource to the next one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from maillage.doors.fhir.bodies import read_json, strictly
from maillage.doors.fhir.http import Request
from maillage.doors.fhir.negotiation import JSON_TYPES, XML_TYPES, check_options, media
from maillage.doors.fhir.patches import fhirpath_patch, json_patch
from maillage.kernel.errors import Malformed, Unsupported

Change = Callable[[dict[str, Any]], dict[str, Any]]

JSON_PATCH: Final = "application/json-patch+json"
FORMATS: Final = (JSON_PATCH, "application/fhir+json", "application/fhir+xml")


def read(request: Request) -> Change:
    """The change that a body asks for. Raises `Unsupported` (415), `Malformed` with the place of the first fault."""
    if request.resource is not None:
        return of(request.resource)
    sent = media(request.header("content-type"))
    if sent.type == JSON_PATCH:
        check_options(sent)
        if not request.body.strip():
            raise Malformed.one("body-missing", details="A patch is expected in the body.")
        return json_patch.compiled(strictly(request.body))
    if sent.type not in JSON_TYPES and sent.type not in XML_TYPES:
        raise Unsupported("patch-type-not-served")
    return of(read_json(request))


def of(resource: Any) -> Change:
    """The change in a Parameters resource, or in a Binary that holds a JSON Patch, as a Bundle carries it."""
    kind = resource.get("resourceType") if type(resource) is dict else None
    if kind == "Binary":
        return json_patch.of_binary(resource)
    if kind != "Parameters":
        raise Malformed.one("resource-type", "Parameters", "A FHIRPath Patch is a Parameters resource.")
    return fhirpath_patch.compiled(resource)


__all__ = ["FORMATS", "JSON_PATCH", "Change", "of", "read"]
