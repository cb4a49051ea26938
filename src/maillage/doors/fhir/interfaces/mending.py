"""Slips of published material that are mended on the way in, each with a warning (the care circle's and the document guide's own samples)."""

from __future__ import annotations

import re
from typing import Any, Final

TRANSLATION: Final = "http://hl7.org/fhir/StructureDefinition/translation"
_POINTER: Final = re.compile(r"^/?(?:DocumentReference[./])?([A-Za-z].*)$")
_INDEX: Final = re.compile(r"\[(\d+)\]")


def without_empty_translations(value: Any) -> tuple[Any, int]:
    """The value without translation extensions whose text is empty, and how many there were."""
    if type(value) is list:
        made = [without_empty_translations(one) for one in value]
        return [one for one, _ in made], sum(count for _, count in made)
    if type(value) is not dict:
        return value, 0
    kept: dict[str, Any] = {}
    dropped = 0
    for key, child in value.items():
        if key == "extension" and type(child) is list:
            whole = [one for one in child if not _is_empty(one)]
            dropped += len(child) - len(whole)
            if not whole:
                continue
            kept[key], more = without_empty_translations(whole)
        else:
            kept[key], more = without_empty_translations(child)
        dropped += more
    return {key: child for key, child in kept.items() if not (key.startswith("_") and child == {})}, dropped


def _is_empty(extension: Any) -> bool:
    """Whether a translation lacks its content."""
    if type(extension) is not dict or extension.get("url") != TRANSLATION:
        return False
    parts = [one for one in extension.get("extension", ()) if type(one) is dict]
    return any(one.get("url") == "content" and one.get("valueString", one.get("valueMarkdown", "")) == "" for one in parts) or not parts


def pointed(operations: Any) -> Any:
    """A JSON Patch whose paths are JSON Pointers, whose texts have no blank around them and whose booleans are booleans."""
    if type(operations) is not list:
        return operations
    return [_operation(one) if type(one) is dict else one for one in operations]


def _operation(one: dict[str, Any]) -> dict[str, Any]:
    made = dict(one)
    if type(one.get("path")) is str and (found := _POINTER.match(one["path"].strip())):
        made["path"] = "/" + _INDEX.sub(r"/\1", found[1]).replace(".", "/")
    if "value" in one:
        made["value"] = _plain(one["value"], boolean=str(made.get("path", "")).endswith("valueBoolean"))
    return made


def _plain(value: Any, *, boolean: bool = False) -> Any:
    if type(value) is str:
        text = value.strip()
        return {"true": True, "false": False}.get(text, text) if boolean else text
    if type(value) is list:
        return [_plain(one) for one in value]
    if type(value) is dict:
        return {key: _plain(child, boolean=key == "valueBoolean") for key, child in value.items()}
    return value
