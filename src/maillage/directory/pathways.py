"""Pathways as data: a PlanDefinition and a version of a Questionnaire, the common form around the items of the pathway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any

from maillage.codes import systems
from maillage.codes.specialties import coding
from maillage.directory.territory import read_data, service_entries

Resource = dict[str, Any]

CALL_INSTEAD = systems.own_extension("call-instead")
"""On a boolean item: when the answer is yes there is no form, there is a number to call."""


@cache
def names() -> tuple[str, ...]:
    """The pathways that at least one service uses."""
    return tuple(dict.fromkeys(entry.pathway for entry in service_entries()))


def _load(name: str) -> Any:
    return json.loads(read_data(f"pathways/{name}.json"))


def questionnaire_url(name: str) -> str:
    """Canonical of the form of a pathway, without version."""
    return systems.own_canonical("Questionnaire", f"parcours-{name}")


def plan_definition_url(name: str) -> str:
    """Canonical of a pathway, without version."""
    return systems.own_canonical("PlanDefinition", f"parcours-{name}")


@cache
def _questionnaire(name: str) -> Resource:
    own, common = _load(name)["questionnaire"], _load("common")
    act, specific = own["item"]
    version = own["version"]
    head = {
        "resourceType": "Questionnaire",
        "id": f"parcours-{name}-{version}",
        "url": questionnaire_url(name),
        "name": _computer_name(name),
    }
    rest = {key: value for key, value in own.items() if key not in ("resourceType", "item")}
    subject = {"subjectType": ["Patient"]}
    return {**head, **rest, **subject, "item": [act, *common["before"], specific, *common["after"]]}


def questionnaire(name: str) -> Resource:
    """The current version of the form of a pathway, whole."""
    return deepcopy(_questionnaire(name))


def questionnaire_canonical(name: str) -> str:
    """`url|version` of the form of a pathway."""
    return f"{questionnaire_url(name)}|{_questionnaire(name)['version']}"


def plan_definition(name: str) -> Resource:
    """A pathway as a PlanDefinition: ask, decide, see, write back; then the usual exits."""
    own, form = _load(name)["planDefinition"], _questionnaire(name)
    steps = [
        ("ask", "Demander", {"definitionCanonical": questionnaire_canonical(name)}),
        ("decide", "Décider", {}),
        ("see", "Recevoir le patient", {}),
        ("write-back", "Rendre compte et suivre", {}),
    ]
    actions: list[Resource] = [{"id": code, "title": title, **more} for code, title, more in steps]
    for before, after in zip(steps, actions[1:], strict=False):
        after["relatedAction"] = [{"actionId": before[0], "relationship": "after"}]
    exits = [
        {"title": item["display"], "code": [{"coding": [{"system": systems.own_code_system("exit"), **item}]}]} for item in own["exits"]
    ]
    actions[2]["selectionBehavior"] = "any"
    actions[2]["action"] = exits
    return {
        "resourceType": "PlanDefinition",
        "id": f"parcours-{name}",
        "url": plan_definition_url(name),
        "version": form["version"],
        "name": _computer_name(name),
        "title": own["title"],
        "type": {"coding": [{"system": systems.PLAN_DEFINITION_TYPE, "code": "clinical-protocol"}]},
        "status": "active",
        "date": form["date"],
        "description": own["description"],
        "topic": [{"coding": [coding(code)]} for code in own["specialties"]],
        "action": actions,
    }


def _computer_name(name: str) -> str:
    return "Parcours" + "".join(word.capitalize() for word in name.split("-"))


def walk(items: list[Resource]) -> Iterator[Resource]:
    """Every item of a form, depth first."""
    for item in items:
        yield item
        yield from walk(item.get("item", []))


def required_items(form: Resource) -> tuple[str, ...]:
    """The linkIds that must be answered whatever the other answers are."""
    return tuple(_always_required(form["item"]))


def _always_required(items: list[Resource]) -> Iterator[str]:
    for item in items:
        if not item.get("required") or "enableWhen" in item:
            continue
        if item["type"] == "group":
            yield from _always_required(item["item"])
        else:
            yield item["linkId"]


def call_instead_items(form: Resource) -> tuple[str, ...]:
    """The linkIds whose yes means: call, do not send."""
    return tuple(item["linkId"] for item in walk(form["item"]) if any(ext["url"] == CALL_INSTEAD for ext in item.get("extension", [])))
