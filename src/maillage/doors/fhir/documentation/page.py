"""The description as one page in French: no script, nothing fetched from elsewhere, readable with a keyboard and a screen reader."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, select_autoescape

from maillage.codes.definitions import Definitions
from maillage.codes.labels import label
from maillage.doors.fhir.kinds import DEFINITIONS
from maillage.doors.fhir.operations.table import OPERATIONS as PUBLISHED
from maillage.kernel.operations import Operation, Param

INTERACTIONS = {
    "read": "lire",
    "vread": "lire une version",
    "update": "remplacer",
    "patch": "modifier en partie",
    "delete": "supprimer",
    "history-instance": "historique",
    "history-type": "historique du type",
    "create": "créer",
    "search-type": "chercher",
}
LEVELS = {"system": "", "type": "[type]/", "instance": "[type]/[id]/"}


@cache
def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def style_hash() -> str:
    """The one style sheet that the page's security policy lets in."""
    digest = hashlib.sha256(_text("page.css").encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def render(statement: dict[str, Any], operations: Iterable[Operation], definitions: Definitions) -> str:
    """The whole page."""
    environment = Environment(autoescape=select_autoescape(default=True), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(_text("page.html"))
    verbs = sorted((_verb(operation) for operation in operations), key=lambda verb: verb["path"])
    return template.render(
        style=_text("page.css"),
        statement=statement,
        base=statement["implementation"]["url"],
        kinds=[_kind(resource) for resource in statement["rest"][0]["resource"] if resource["type"] not in DEFINITIONS],
        definitions=[_kind(resource) for resource in statement["rest"][0]["resource"] if resource["type"] in DEFINITIONS],
        verbs=verbs,
        published=[_published(operation) for operation in PUBLISHED],
        packages=definitions.packages,
    )


def _kind(resource: dict[str, Any]) -> dict[str, Any]:
    told = [INTERACTIONS.get(one["code"], one["code"]) for one in resource["interaction"]]
    searched = [(one["name"], one["type"]) for one in resource.get("searchParam", ())]
    names = sorted({f"${one['name']}" for one in resource.get("operation", ())})
    return {
        "type": resource["type"],
        "interactions": told,
        "parameters": searched,
        "operations": names,
        "decided": "documentation" in resource,
    }


def _verb(operation: Operation) -> dict[str, Any]:
    path = f"{operation.type}/{'[id]/' if operation.on_instance else ''}${operation.name}"
    return {
        "path": path,
        "method": "POST" if operation.writes else "GET, POST",
        "label": label("verb", operation.name),
        "parameters": [_parameter(param) for param in operation.parameters],
    }


def _published(operation: Any) -> dict[str, Any]:
    kinds = ", ".join(operation.types) or "tout type"
    paths = [f"{LEVELS[level]}${operation.name}" for level in operation.levels]
    return {
        "paths": paths,
        "kinds": kinds,
        "method": ", ".join(operation.methods),
        "label": operation.summary_fr,
        "definition": operation.definition,
        "parameters": [_parameter(param) for param in operation.parameters],
    }


def _parameter(param: Param) -> dict[str, Any]:
    inner = [_parameter(part) for part in param.parts]
    return {"name": param.name, "type": param.type, "required": param.required, "many": param.many, "values": param.values, "parts": inner}
