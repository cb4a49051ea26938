"""The verbs of the rooms as OperationDefinition resources: each `definition` of the capabilities leads somewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from maillage.codes.labels import label
from maillage.codes.systems import ROOT
from maillage.kernel.operations import Operation, Param

COMPLEX = {"Resource": "Resource", "Any": "Resource"}


def operation_definitions(operations: Iterable[Operation]) -> Iterator[dict[str, Any]]:
    """One for each verb, by id."""
    made = [_definition(operation) for operation in operations]
    return iter(sorted(made, key=lambda one: str(one["id"])))


def _definition(operation: Operation) -> dict[str, Any]:
    id = f"{operation.type}-{operation.name}"
    answers = {"name": "return", "use": "out", "min": 1, "max": "1", "type": "Any"}
    return {
        "resourceType": "OperationDefinition",
        "id": id,
        "url": f"{ROOT}/OperationDefinition/{id}",
        "version": "1",
        "name": "".join(word.capitalize() for word in id.replace("-", " ").split()),
        "title": label("verb", operation.name),
        "status": "active",
        "kind": "operation",
        "affectsState": operation.writes,
        "code": operation.name,
        "resource": [operation.type],
        "system": False,
        "type": not operation.on_instance,
        "instance": operation.on_instance,
        "parameter": [*(_parameter(param) for param in operation.parameters), answers],
    }


def _parameter(param: Param) -> dict[str, Any]:
    made: dict[str, Any] = {"name": param.name, "use": "in", "min": int(param.required), "max": "*" if param.many else "1"}
    if param.values:
        made["documentation"] = f"One of: {', '.join(param.values)}."
    if param.parts:
        return {**made, "part": [_parameter(part) for part in param.parts]}
    return {**made, "type": COMPLEX.get(param.type, param.type)}
