"""The types that this door serves beside those that are stored."""

from __future__ import annotations

DEFINITIONS = frozenset({"CodeSystem", "OperationDefinition", "StructureDefinition", "ValueSet"})
"""Definitions: read only, the same for everybody, made of what is known and not of what was written."""
