"""OpenAPI 3.1 of what is served: one path for each interaction of the CapabilityStatement, one for each operation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from maillage.codes.labels import label
from maillage.doors.fhir.documentation import shapes
from maillage.doors.fhir.documentation.shapes import JsonSchema, body, path_parameter, query_parameter, responses
from maillage.doors.fhir.operations.table import INSTANCE, SYSTEM, TYPE, DoorOperation
from maillage.doors.fhir.operations.table import OPERATIONS as PUBLISHED
from maillage.kernel.operations import Operation

ID = path_parameter("id", "Identifiant de la ressource.")
VERSION = path_parameter("vid", "Numéro de version.", pattern="^[0-9]{1,9}$")
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "pattern": '^W/"[0-9]{1,9}"$'},
    "description": "Version sur laquelle la décision est prise.",
}
CONTROLS = (("_count", "Taille d’une page (200 au plus)."), ("_sort", "Ordre : paramètres séparés par des virgules, - pour décroissant."))


def describe(statement: dict[str, Any], operations: Iterable[Operation]) -> JsonSchema:
    """The whole description."""
    kinds = {resource["type"]: resource for resource in statement["rest"][0]["resource"]}
    paths: JsonSchema = {"/metadata": {"get": _one("Capacités du serveur.", "metadata", ["Système"], security=[])}}
    paths["/"] = {"post": {**_one("Lot ou transaction.", "batch", ["Système"]), "requestBody": body("Bundle")}}
    for kind, resource in kinds.items():
        paths |= _paths(kind, resource)
    for published in PUBLISHED:
        _add_published(paths, published, kinds)
    for operation in operations:
        _add_verb(paths, operation)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "maillage : interface FHIR R4",
            "version": "1",
            "description": "Coordination des soins d’un territoire. Le CapabilityStatement (/metadata) fait foi.",
            "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        },
        "servers": [{"url": statement["implementation"]["url"]}],
        "security": [{"jeton": []}],
        "tags": [{"name": "Système"}, *({"name": kind} for kind in kinds)],
        "paths": paths,
        "components": {
            "securitySchemes": {"jeton": {"type": "http", "scheme": "bearer", "description": "Jeton de portées SMART system/*."}},
            "schemas": shapes.SCHEMAS,
        },
    }


def _one(summary: str, id: str, tags: list[str], parameters: Iterable[JsonSchema] = (), **more: Any) -> JsonSchema:
    listed = list(parameters)
    described = {"summary": summary, "operationId": id, "tags": tags, "responses": responses()}
    return {**described, **({"parameters": listed} if listed else {}), **more}


def _paths(kind: str, resource: dict[str, Any]) -> JsonSchema:
    served = {interaction["code"] for interaction in resource["interaction"]}
    tags = [kind]
    searched = [query_parameter(p["name"], p["type"]) for p in resource.get("searchParam", ())]
    searched += [query_parameter(name, "string", told) for name, told in CONTROLS]
    whole: JsonSchema = {}
    if "search-type" in served:
        whole["get"] = _one("Chercher.", f"search-{kind}", tags, searched)
    if "create" in served:
        whole["post"] = _one("Créer.", f"create-{kind}", tags, requestBody=body(kind))
    one: JsonSchema = {"get": _one("Lire.", f"read-{kind}", tags, [ID])}
    if "update" in served:
        one["put"] = _one("Remplacer.", f"update-{kind}", tags, [ID, IF_MATCH], requestBody=body(kind))
    if "patch" in served:
        one["patch"] = _one("Modifier en partie.", f"patch-{kind}", tags, [ID, IF_MATCH], requestBody=shapes.patch())
    if "delete" in served:
        one["delete"] = _one("Supprimer.", f"delete-{kind}", tags, [ID, IF_MATCH])
    paths = {f"/{kind}": whole, f"/{kind}/{{id}}": one}
    if "history-instance" in served:
        paths[f"/{kind}/{{id}}/_history"] = {"get": _one("Toutes les versions.", f"history-{kind}", tags, [ID])}
    if "vread" in served:
        paths[f"/{kind}/{{id}}/_history/{{vid}}"] = {"get": _one("Lire une version.", f"vread-{kind}", tags, [ID, VERSION])}
    return paths


def _add_published(paths: JsonSchema, operation: DoorOperation, kinds: Iterable[str]) -> None:
    if SYSTEM in operation.levels:
        paths[f"/${operation.name}"] = _asked(operation, f"{operation.name}-system", ["Système"], [])
    for kind in kinds:
        if not operation.serves(kind):
            continue
        if TYPE in operation.levels:
            paths[f"/{kind}/${operation.name}"] = _asked(operation, f"{operation.name}-{kind}", [kind], [])
        if INSTANCE in operation.levels:
            paths[f"/{kind}/{{id}}/${operation.name}"] = _asked(operation, f"{operation.name}-{kind}-id", [kind], [ID])


def _asked(operation: DoorOperation, id: str, tags: list[str], where: list[JsonSchema]) -> JsonSchema:
    described: JsonSchema = {}
    if "GET" in operation.methods:
        simple = [query_parameter(p.name, p.type, required=p.required) for p in operation.parameters if shapes.is_simple(p)]
        described["get"] = _one(operation.summary_fr, f"{id}-get", tags, [*where, *simple])
    if "POST" in operation.methods:
        sent = shapes.parameters(operation.parameters)
        described["post"] = _one(operation.summary_fr, f"{id}-post", tags, where, requestBody=sent)
    return described


def _add_verb(paths: JsonSchema, operation: Operation) -> None:
    summary = label("verb", operation.name).rstrip(".") + "."
    where = [ID] if operation.on_instance else []
    path = f"/{operation.type}/{'{id}/' if operation.on_instance else ''}${operation.name}"
    id = f"{operation.name}-{operation.type}"
    described = paths.setdefault(path, {})
    if not operation.writes:
        simple = [query_parameter(p.name, p.type, required=p.required) for p in operation.parameters if shapes.is_simple(p)]
        described["get"] = _one(summary, f"{id}-get", [operation.type], [*where, *simple])
    moved = operation.writes and operation.on_instance and operation.answer_type in ("", operation.type)
    headers = [*where, *([IF_MATCH] if moved else [])]
    described["post"] = _one(summary, f"{id}-post", [operation.type], headers, requestBody=shapes.parameters(operation.parameters))
