"""The published R4 definitions in, the compact tables of `maillage.codes.r4` out."""

from __future__ import annotations

from typing import Any

import msgspec
from r4_search import SearchCompiler
from r4_structures import Structures
from r4_terminology import compile_terminology
from r4_valuesets import Terminology

FHIR_VERSION = "4.0.1"
FOLDER = "dist/fhir/r4/"
SOURCES = tuple(
    FOLDER + name
    for name in (
        "v2-tables.json",
        "v3-codesystems.json",
        "valuesets.json",
        "profiles-types.json",
        "profiles-resources.json",
        "search-parameters.json",
    )
)


def compile_tables(sources: dict[str, bytes]) -> dict[str, bytes]:
    """`structures.msgpack`, `search.msgpack` and `terminology.msgpack`; the same bytes for the same definitions."""
    terms, definitions, parameters, compartments = _read(sources)
    structures = Structures(definitions, Terminology(terms))
    search = SearchCompiler(structures.nodes, structures.resources)
    search.add_all(parameters)
    encode = msgspec.msgpack.Encoder().encode
    tables = {
        "version": FHIR_VERSION,
        "resources": structures.resources,
        "nodes": structures.nodes,
        "invariants": structures.invariants,
        "bindings": structures.bindings,
        "not_expanded": structures.not_expanded,
    }
    searched = {
        "parameters": search.parameters,
        "composites": search.composites,
        "repeating": search.repeating,
        "names": search.names,
        "compartments": compartments,
        "left_out": search.left_out,
    }
    return {
        "structures.msgpack": encode(tables),
        "search.msgpack": encode(searched),
        "terminology.msgpack": compile_terminology(terms),
    }


Resources = list[dict[str, Any]]


def _read(sources: dict[str, bytes]) -> tuple[Resources, Resources, Resources, dict[str, dict[str, list[str]]]]:
    """Terminology, structures, search parameters, and the parameters that put a type into each compartment.

    The package mixes in a few items of other FHIR versions: they are dropped.
    """
    resources: dict[str, list[dict[str, Any]]] = {
        name: [entry["resource"] for entry in msgspec.json.decode(sources[name])["entry"]] for name in SOURCES
    }
    terms = [r for name in SOURCES[:3] for r in resources[name]]
    structures = [r for name in SOURCES[3:5] for r in resources[name] if r["resourceType"] == "StructureDefinition"]
    kept = [r for r in structures if r.get("fhirVersion") == FHIR_VERSION and r["kind"] in ("resource", "complex-type")]
    parameters = [r for r in resources[SOURCES[5]] if r.get("version") == FHIR_VERSION]
    compartments = {
        r["code"]: {entry["code"]: entry["param"] for entry in r["resource"] if "param" in entry}
        for r in resources[SOURCES[4]]
        if r["resourceType"] == "CompartmentDefinition"
    }
    return terms, kept, parameters, compartments
