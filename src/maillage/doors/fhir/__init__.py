"""The FHIR R4 interface: `FhirDoor` is an ASGI application for `/fhir`."""

from __future__ import annotations

from maillage.doors.fhir.door import FhirDoor

__all__ = ["FhirDoor"]
