"""FHIR XML both ways (https://hl7.org/fhir/R4/xml.html), driven by the tables that the validation uses (docs/adr/0006-xml.md)."""

from __future__ import annotations

from maillage.doors.fhir.xml.reading import read
from maillage.doors.fhir.xml.writing import write

__all__ = ["read", "write"]
