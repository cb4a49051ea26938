"""JSON Schema of what goes in and out: resources by their type alone, Parameters by the parameters of each operation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from maillage.kernel.operations import Param

JsonSchema = dict[str, Any]
FHIR: Final = "application/fhir+json"

SIMPLE: Final[dict[str, JsonSchema]] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "minimum": -2147483648, "maximum": 2147483647},
    "positiveInt": {"type": "integer", "minimum": 1, "maximum": 2147483647},
    "unsignedInt": {"type": "integer", "minimum": 0, "maximum": 2147483647},
    "decimal": {"type": "number"},
    "date": {"type": "string", "format": "date"},
    "dateTime": {"type": "string", "format": "date-time"},
    "instant": {"type": "string", "format": "date-time"},
    "time": {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"},
    **{name: {"type": "string", "minLength": 1} for name in ("code", "string", "id", "uri", "url", "canonical", "markdown")},
}
REFERENCE: Final[JsonSchema] = {
    "type": "object",
    "properties": {"reference": {"type": "string", "examples": ["Patient/1"]}},
    "required": ["reference"],
}

SCHEMAS: Final[JsonSchema] = {
    "Resource": {
        "type": "object",
        "properties": {"resourceType": {"type": "string"}, "id": {"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"}},
        "required": ["resourceType"],
    },
    "OperationOutcome": {
        "type": "object",
        "properties": {
            "resourceType": {"const": "OperationOutcome"},
            "issue": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": {
                        "severity": {"enum": ["fatal", "error", "warning", "information"]},
                        "code": {"type": "string"},
                        "diagnostics": {"type": "string"},
                        "expression": {"type": "array", "items": {"type": "string"}},
                    },
                    "required": ["severity", "code"],
                },
            },
        },
        "required": ["resourceType", "issue"],
    },
}


def responses() -> JsonSchema:
    """Every answer is a resource; every refusal an OperationOutcome with its reason."""
    right = {"description": "La ressource demandée, ou rien (204, 304).", "content": _content({"$ref": "#/components/schemas/Resource"})}
    wrong = {"description": "Le refus et sa raison.", "content": _content({"$ref": "#/components/schemas/OperationOutcome"})}
    return {"2XX": right, "304": {"description": "Inchangée."}, "4XX": wrong, "503": wrong}


def body(kind: str) -> JsonSchema:
    """A resource of one type."""
    typed = {"type": "object", "properties": {"resourceType": {"const": kind}}, "required": ["resourceType"]}
    return {"required": True, "content": _content(typed)}


def patch() -> JsonSchema:
    """A JSON Patch document."""
    step = {
        "type": "object",
        "properties": {
            "op": {"enum": ["add", "remove", "replace", "move", "copy", "test"]},
            "path": {"type": "string"},
            "from": {"type": "string"},
            "value": {},
        },
        "required": ["op", "path"],
    }
    return {"required": True, "content": {"application/json-patch+json": {"schema": {"type": "array", "items": step}}}}


def _content(schema: JsonSchema) -> JsonSchema:
    return {FHIR: {"schema": schema}}


def path_parameter(name: str, told: str, pattern: str = "^[A-Za-z0-9.-]{1,64}$") -> JsonSchema:
    """A part of the path."""
    return {"name": name, "in": "path", "required": True, "description": told, "schema": {"type": "string", "pattern": pattern}}


def query_parameter(name: str, kind: str, told: str = "", *, required: bool = False) -> JsonSchema:
    """A parameter of the query; search parameters are text in the notation of their kind."""
    made: JsonSchema = {"name": name, "in": "query", "required": required, "schema": SIMPLE.get(kind, {"type": "string"})}
    made["description"] = told or f"{kind}."
    return made


def is_simple(param: Param) -> bool:
    """Whether it can be given in a URL."""
    return not param.parts and (param.type in SIMPLE or param.type == "Reference")


def parameters(declared: Iterable[Param]) -> JsonSchema:
    """A Parameters resource that may hold these, and no other."""
    listed = list(declared)
    items: JsonSchema = {"oneOf": [_part(param) for param in listed]} if listed else {"not": {}}
    schema: JsonSchema = {
        "type": "object",
        "properties": {"resourceType": {"const": "Parameters"}, "parameter": {"type": "array", "minItems": 1, "items": items}},
        "required": ["resourceType", *(["parameter"] if any(param.required for param in listed) else [])],
    }
    if not listed:
        del schema["properties"]["parameter"]
    return {"required": any(param.required for param in listed), "content": _content(schema)}


def _part(param: Param) -> JsonSchema:
    name: JsonSchema = {"const": param.name}
    if param.parts:
        inner = {"type": "array", "items": {"oneOf": [_part(part) for part in param.parts]}}
        return {"type": "object", "properties": {"name": name, "part": inner}, "required": ["name", "part"]}
    key, schema = _value(param)
    return {"type": "object", "properties": {"name": name, key: schema}, "required": ["name", key], "additionalProperties": False}


def _value(param: Param) -> tuple[str, JsonSchema]:
    if param.type == "Reference":
        return "valueReference", REFERENCE
    if param.type in SIMPLE:
        schema: JsonSchema = {"enum": list(param.values)} if param.values else SIMPLE[param.type]
        return "value" + param.type[:1].upper() + param.type[1:], schema
    if param.type in ("Meta", "Coding", "CodeableConcept"):
        return "value" + param.type, {"type": "object"}
    return "resource", {"$ref": "#/components/schemas/Resource"}
