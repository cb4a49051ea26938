"""The verbs of the rooms, and what this door alone offers, as OperationDefinition resources: each `definition` of ours leads somewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from maillage.codes.labels import label
from maillage.doors.fhir.operations.table import INSTANCE, OPERATIONS, OWN, SYSTEM, TYPE, DoorOperation
from maillage.kernel.operations import Operation, Param

COMPLEX = {"Resource": "Resource", "Any": "Resource"}


def operation_definitions(operations: Iterable[Operation]) -> Iterator[dict[str, Any]]:
    """One for each verb, by id."""
    made = [_definition(operation) for operation in operations]
    made += [_of_the_door(operation) for operation in OPERATIONS if operation.definition.startswith(OWN)]
    return iter(sorted(made, key=lambda one: str(one["id"])))


def _definition(operation: Operation) -> dict[str, Any]:
    return {
        **_named(f"{operation.type}-{operation.name}", label("verb", operation.name)),
        "affectsState": operation.writes,
        "code": operation.name,
        "resource": [operation.type],
        "system": False,
        "type": not operation.on_instance,
        "instance": operation.on_instance,
        "parameter": [*(_parameter(param) for param in operation.parameters), _answer("Any")],
    }


def _of_the_door(operation: DoorOperation) -> dict[str, Any]:
    return {
        **_named(operation.definition.removeprefix(OWN), operation.summary_fr),
        "affectsState": "GET" not in operation.methods,
        "code": operation.name,
        "resource": list(operation.types),
        "system": SYSTEM in operation.levels,
        "type": TYPE in operation.levels,
        "instance": INSTANCE in operation.levels,
        "parameter": [*(_parameter(param) for param in operation.parameters), _answer(operation.answers)],
    }


def _named(id: str, title: str) -> dict[str, Any]:
    name = "".join(word.capitalize() for word in id.replace("-", " ").split())
    said = {"id": id, "url": f"{OWN}{id}", "version": "1", "name": name, "title": title, "status": "active", "kind": "operation"}
    return {"resourceType": "OperationDefinition", **said}


def _answer(type: str) -> dict[str, Any]:
    return {"name": "return", "use": "out", "min": 1, "max": "1", "type": type}


def _parameter(param: Param) -> dict[str, Any]:
    made: dict[str, Any] = {"name": param.name, "use": "in", "min": int(param.required), "max": "*" if param.many else "1"}
    if param.values:
        made["documentation"] = f"One of: {', '.join(param.values)}."
    if param.parts:
        return {**made, "part": [_parameter(part) for part in param.parts]}
    return {**made, "type": COMPLEX.get(param.type, param.type)}
