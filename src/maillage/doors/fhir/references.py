"""References inside a resource: found with their path, made relative to us, replaced in a Bundle, checked against what the caller sees."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from maillage import record
from maillage.codes.r4 import parse
from maillage.codes.r4.nodes import NODES, Field
from maillage.codes.r4.tables import resource_type_set
from maillage.doors.fhir.context import Context
from maillage.kernel.errors import Issue
from maillage.record import SERVED

Present = frozenset[tuple[str, str]]
"""(type, id) of what a resource refers to and its writer may see."""

PATIENT_KEYS = ("subject", "patient", "for", "beneficiary", "individual")


def walk(value: Any, path: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Every object that holds a literal `reference`, with its FHIRPath."""
    todo: list[tuple[Any, str]] = [(value, path)]
    while todo:
        item, where = todo.pop()
        if type(item) is dict:
            if type(item.get("reference")) is str:
                yield item, f"{where}.reference"
            todo += [(child, f"{where}.{key}") for key, child in item.items() if type(child) in (dict, list)]
        elif type(item) is list:
            todo += [(child, f"{where}[{place}]") for place, child in enumerate(item)]


def named(value: Any) -> Iterator[str]:
    """The same references in the same order, without their paths: for who asks for them most often."""
    todo: list[Any] = [value]
    while todo:
        item = todo.pop()
        if type(item) is dict:
            if type(reference := item.get("reference")) is str:
                yield reference
            todo += [child for child in item.values() if type(child) is dict or type(child) is list]
        else:
            todo += [child for child in item if type(child) is dict or type(child) is list]


def replace(value: Any, change: Callable[[str], str]) -> Any:
    """A copy of the value in which every literal reference went through `change`; so did URLs and narrative that name an entry."""
    if type(value) is dict:
        return {key: change(child) if key == "reference" and type(child) is str else replace(child, change) for key, child in value.items()}
    if type(value) is list:
        return [replace(child, change) for child in value]
    return value


def relative(resource: dict[str, Any], base: str) -> dict[str, Any]:
    """Absolute references to this very server written as relative ones."""
    if not base:
        return resource
    start = base.rstrip("/") + "/"

    def change(reference: str) -> str:
        return reference.removeprefix(start)

    if not any(reference.startswith(start) for reference in named(resource)):
        return resource
    changed: dict[str, Any] = replace(resource, change)
    return changed


_URIS: Final = frozenset({"uri", "url", "oid", "uuid", "canonical"})


def renamed(resource: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A copy in which each reference, each URI and each link of a narrative that is one of the names is what the name stands for."""
    kind = resource.get("resourceType")
    if not names or kind not in resource_type_set():
        return resource
    return _renamed(resource, str(kind), names)


def _renamed(value: dict[str, Any], type_: str, names: Mapping[str, str]) -> dict[str, Any]:
    fields = NODES[type_].fields
    return {key: _renamed_at(key, child, fields.get(key), names) for key, child in value.items()}


def _renamed_at(key: str, child: Any, field: Field | None, names: Mapping[str, str]) -> Any:
    if field is None:
        return child
    if type(child) is list:
        return [_renamed_at(key, item, field, names) for item in child]
    if type(child) is dict:
        inner = child.get("resourceType") if field.handler in ("resource", "resources") else field.type
        return _renamed(child, inner, names) if inner in resource_type_set() or inner == field.type else child
    if type(child) is not str:
        return child
    if key == "reference" or field.type in _URIS:
        return names.get(child, child)
    if field.type == "xhtml":
        for name in names:
            if name in child:
                child = child.replace(f'"{name}"', f'"{names[name]}"').replace(f"'{name}'", f"'{names[name]}'")
    return child


async def check(context: Context, resource: dict[str, Any]) -> tuple[list[Issue], Present]:
    """What relative references lead to, and a warning for each that leads nowhere for this caller: absent and invisible alike.

    What another entry of the same transaction makes is there when the transaction is: no warning.
    """
    wanted = _literal(resource)
    coming = {key for key in wanted if "/".join(key) in context.coming}
    await look_up(context, [key for key in wanted if key not in coming])
    present = coming | {key for key in wanted if context.asked.get(key)}
    absent = [key for key in wanted if key not in present]
    return (_told(resource, absent) if absent else []), frozenset(present)


def _told(resource: dict[str, Any], absent: Collection[tuple[str, str]]) -> list[Issue]:
    """A warning for each that is absent, at the first path that names it."""
    found: dict[tuple[str, str], str] = {}
    for item, path in walk(resource, resource["resourceType"]):
        if (key := _ours(item["reference"])) in absent:
            found.setdefault(key, path)
    told = "Nothing of that name is here, or nothing that you may see."
    return [Issue("warning", "not-found", "reference-unknown", path, told) for path in found.values()]


def _ours(reference: str) -> tuple[str, str]:
    """The type and the id of a reference to a resource of ours; two empty texts for another one."""
    target = parse(reference)
    return (target.type, target.id) if target.kind == "literal" and not target.base and target.type in SERVED else ("", "")


def _literal(resource: dict[str, Any]) -> list[tuple[str, str]]:
    """The types and ids that a resource names as ours, each once."""
    return [key for key in dict.fromkeys(map(_ours, named(resource))) if key[0]]


async def look_up(context: Context, keys: Iterable[tuple[str, str]]) -> None:
    """Ask once in a transaction whether the caller sees what is referred to."""
    by_type: dict[str, list[str]] = {}
    for kind, id in keys:
        if (kind, id) not in context.asked:
            by_type.setdefault(kind, []).append(id)
    present = await record.present(context.tx, by_type, context.visible)
    context.asked |= {(kind, id): (kind, id) in present for kind, ids in by_type.items() for id in ids}


async def look_up_all(context: Context, resources: Iterable[Any]) -> None:
    """The same for all the resources of a Bundle, in one statement."""
    served = [one for one in resources if type(one) is dict and one.get("resourceType") in SERVED]
    await look_up(context, [key for one in served for key in _literal(one) if "/".join(key) not in context.coming])


def patient_of(resource: dict[str, Any], present: Present) -> str | None:
    """The patient whom the resource is about, when the caller may see this patient."""
    for reference in _patient_references(resource):
        target = parse(reference)
        if target.type == "Patient" and not target.base:
            return target.id if ("Patient", target.id) in present else None
    return None


def _patient_references(resource: dict[str, Any]) -> Iterator[str]:
    for key in PATIENT_KEYS:
        item = resource.get(key)
        if type(item) is dict and type(item.get("reference")) is str:
            yield item["reference"]
    for part in resource.get("participant", ()) if type(resource.get("participant")) is list else ():
        actor = part.get("actor") if type(part) is dict else None
        if type(actor) is dict and type(actor.get("reference")) is str:
            yield actor["reference"]
