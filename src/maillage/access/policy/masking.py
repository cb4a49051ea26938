"""What leaves to somebody who is shown a part only: resources cut to it, and no search by what was cut."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from maillage.access.policy.rules import ADMINISTRATIVE, ALWAYS, NOTHING, WHOLE, policy, shown_in_part, view
from maillage.codes import systems
from maillage.kernel.actor import Actor
from maillage.record import index
from maillage.record.types import SERVED

SUBSETTED = {"system": systems.OBSERVATION_VALUE, "code": "SUBSETTED", "display": "subsetted"}
"""The label of what is shown in part (https://terminology.hl7.org/CodeSystem-v3-ObservationValue.html)."""


def masked(value: Any, actor: Actor) -> Any:
    """An answer as the actor may read it: each resource in it, however deep, cut to what its type shows to the actor's roles."""
    if type(value) is list:
        return [masked(one, actor) for one in value]
    if type(value) is not dict:
        return value
    kind = value.get("resourceType")
    if kind not in policy().types or view(actor, kind) == WHOLE:
        return {key: masked(item, actor) for key, item in value.items()}
    return _labelled(shown_in_part(value) if view(actor, kind) == ADMINISTRATIVE else _bare(value))


def _bare(resource: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in resource.items() if key in ALWAYS}


def _labelled(resource: dict[str, Any]) -> dict[str, Any]:
    meta = resource.get("meta", {})
    others = [label for label in meta.get("security", []) if label.get("code") != SUBSETTED["code"]]
    return {**resource, "meta": {**meta, "security": [*others, SUBSETTED]}}


# --- searches -----------------------------------------------------------------
def withheld_parameters(actor: Actor, kinds: Iterable[str], parameters: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The parameters of a search that look at what is withheld from the actor, through a chain, an order or an include too."""
    asked, searched = list(parameters), list(kinds)
    return tuple(name for name, value in asked if not all(_may_ask(actor, kind, name, value) for kind in searched))


def _may_ask(actor: Actor, kind: str, name: str, value: str) -> bool:
    head = name.partition(":")[0]
    if head == "_sort":
        return all(_shows(actor, kind, part.strip().removeprefix("-")) for part in value.split(","))
    if head in ("_include", "_revinclude"):
        source, _, code = value.partition(":")
        return source in SERVED and code.partition(":")[0] != "*" and _shows(actor, source, code.partition(":")[0])
    return _may_filter(actor, kind, name)


def _may_filter(actor: Actor, kind: str, name: str) -> bool:
    if name.startswith("_has:"):
        _, source, code, rest = (*name.split(":", 3), "", "", "")[:4]
        return _shows(actor, source, code) and _may_filter(actor, source, rest)
    head, dot, rest = name.partition(".")
    code, _, target = head.partition(":")
    if not _shows(actor, kind, code):
        return False
    parameter = index.parameter(kind, code) if dot else None
    return parameter is None or all(_may_filter(actor, one, rest) for one in ([target] if target else index.targets(parameter)))


def _shows(actor: Actor, kind: str, code: str) -> bool:
    """Whether the elements that a parameter looks at are shown to the actor; what is unknown is judged by the search itself."""
    shown = view(actor, kind)
    if kind not in SERVED or shown == NOTHING:
        return False
    parameter = index.parameter(kind, code)
    if shown == WHOLE or parameter is None:
        return True
    return bool(parameter.first_keys) and parameter.first_keys <= policy().administrative.get(kind, frozenset())
