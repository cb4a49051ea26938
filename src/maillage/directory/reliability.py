"""The codes of the identity reliability of a Patient, against those of FR Core 2.2.0. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from maillage.codes import systems
from maillage.codes.aliases import canonical
from maillage.codes.identity import COLLECTION_METHODS, IDENTITY_STATUS, VALIDATION_MODES
from maillage.kernel.errors import Issue

_PARTS: Final = {
    "identityStatus": (systems.FR_IDENTITY_STATUS, IDENTITY_STATUS, "extensible"),
    "validationMode": (systems.FR_IDENTITY_VALIDATION_MODE, VALIDATION_MODES, "required"),
    "methodCollection": (systems.FR_IDENTITY_COLLECTION, COLLECTION_METHODS, "extensible"),
}
"""Part of the extension -> its code system, the codes, the strength of the binding."""


def check_reliability(resource: dict[str, Any]) -> Iterator[Issue]:
    """A code that its system does not hold is an error; one of another system too where the binding is required, else a warning."""
    for path, whole in _extensions(resource, "Patient"):
        if canonical(str(whole.get("url", ""))) == systems.EXT_IDENTITY_RELIABILITY:
            for where, part in _extensions(whole, path):
                if (name := str(part.get("url", ""))) in _PARTS:
                    yield from _check(name, part.get("valueCoding"), f"{where}.valueCoding.code")


def _extensions(holder: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    found = holder.get("extension")
    for place, item in enumerate(found if isinstance(found, list) else []):
        if isinstance(item, dict):
            yield f"{path}.extension[{place}]", item


def _check(name: str, value: Any, expression: str) -> Iterator[Issue]:
    if not isinstance(value, dict) or "code" not in value:
        return
    system, codes, strength = _PARTS[name]
    named = canonical(str(value.get("system", "")))
    ours = named in ("", system)
    if ours and value["code"] in codes:
        return
    severity = "error" if ours or strength == "required" else "warning"
    yield Issue(severity, "code-invalid", "code-unknown", expression, f"{name} is one of {', '.join(codes)}")
