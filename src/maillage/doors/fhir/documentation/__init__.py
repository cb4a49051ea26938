"""The interface described: OpenAPI for programs, a page for people. Both are made of the CapabilityStatement and of the operations that are served."""

from __future__ import annotations

from maillage.codes.json import decode, encode
from maillage.doors.fhir.context import Registry
from maillage.doors.fhir.documentation.openapi import describe
from maillage.doors.fhir.documentation.page import render, style_hash
from maillage.doors.fhir.http import Response
from maillage.doors.fhir.interactions import capabilities


def document(registry: Registry, base: str, name: str) -> Response:
    """`metadata`, `openapi.json` or `docs`."""
    statement = capabilities.statement(registry, base)
    if name == "metadata":
        return Response(200, statement)
    operations = tuple(registry.operations.values())
    if name == "openapi.json":
        return Response(200, encode(describe(decode(statement), operations)), {"content-type": "application/json; charset=utf-8"})
    page = render(decode(statement), operations, registry.definitions)
    policy = f"default-src 'none'; style-src '{style_hash()}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    return Response(200, page.encode(), {"content-type": "text/html; charset=utf-8", "content-security-policy": policy})


__all__ = ["describe", "document", "render"]
