"""FHIR R4 4.0.1: structures, validation, values of the search parameters. Compiled from the published definitions at set-up."""

from __future__ import annotations

from maillage.codes.r4.dates import interval
from maillage.codes.r4.references import Target, parse
from maillage.codes.r4.search import SearchParameter, search_parameters, search_values
from maillage.codes.r4.tables import DefinitionsMissing, Element, Structure, resource_types, structure
from maillage.codes.r4.validation import validate
from maillage.codes.r4.values import Amount, Ref, Span, Token, Value

__all__ = [
    "Amount",
    "DefinitionsMissing",
    "Element",
    "Ref",
    "SearchParameter",
    "Span",
    "Structure",
    "Target",
    "Token",
    "Value",
    "interval",
    "parse",
    "resource_types",
    "search_parameters",
    "search_values",
    "structure",
    "validate",
]
