"""FHIR R4 4.0.1: structures, validation, values of the search parameters. Compiled from the published definitions at set-up."""

from __future__ import annotations

from maillage.codes.r4.tables import DefinitionsMissing, Element, Structure, resource_types, structure
from maillage.codes.r4.validation import validate

__all__ = [
    "DefinitionsMissing",
    "Element",
    "Structure",
    "resource_types",
    "structure",
    "validate",
]
