"""FHIRPath Patch (https://hl7.org/fhir/R4/fhirpatch.html): add, insert, delete, replace, move; each fault names its operation and its path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from maillage.codes.json import decode, encode
from maillage.codes.r4.primitives import CHECKS
from maillage.doors.fhir.patches import paths
from maillage.doors.fhir.patches.paths import Path, Place
from maillage.kernel.errors import Invalid, Issue, Malformed

MOST: Final = 1000
NEEDS: Final = {
    "add": ("name", "value"),
    "insert": ("index", "value"),
    "delete": (),
    "replace": ("value",),
    "move": ("source", "destination"),
}
KINDS: Final = {"type": "valueCode", "path": "valueString", "name": "valueString", "index": "valueInteger", "source": "valueInteger",
    "destination": "valueInteger"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as read; `given` holds the value: the part itself, which says its type."""

    type: str
    path: Path
    where: str
    name: str = ""
    given: Any = None
    numbers: tuple[int, int] = (0, 0)

    def refuse(self, reason: str, details: str) -> Invalid:
        """A fault of playing it."""
        return Invalid(Issue("error", "processing", reason, self.where, f"{self.path.text[:200]}: {details}"))


def compiled(parameters: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The patch as a function. Raises `Malformed` for Parameters that are none."""
    listed = parameters.get("parameter")
    if type(listed) is not list or not listed or len(listed) > MOST:
        raise Malformed.one("patch-form", "Parameters.parameter", f"A FHIRPath Patch has 1 to {MOST} parameters named operation.")
    operations = [_operation(part, f"Parameters.parameter[{place}]") for place, part in enumerate(listed)]

    def change(resource: dict[str, Any]) -> dict[str, Any]:
        whole: dict[str, Any] = decode(encode(resource))
        for operation in operations:
            _PLAYED[operation.type](Place(whole, whole["resourceType"]), operation)
        return whole

    return change


# --- reading ---------------------------------------------------------------------------
def _operation(part: Any, where: str) -> Operation:
    if type(part) is not dict or part.get("name") != "operation" or type(part.get("part")) is not list:
        raise Malformed.one("patch-form", where, "Each parameter is named operation and has parts.")
    given = {item["name"]: item for item in part["part"] if type(item) is dict and type(item.get("name")) is str}
    kind = _simple(given, "type", where)
    if kind not in NEEDS:
        raise Malformed.one("patch-form", where, f"The type of an operation is one of {', '.join(NEEDS)}.")
    for name in ("path", *NEEDS[kind]):
        if name not in given:
            raise Malformed.one("patch-form", where, f"{kind} needs the part {name}.")
    numbers = [_simple(given, name, where) for name in NEEDS[kind] if name in ("index", "source", "destination")]
    return Operation(
        kind,
        paths.compiled(_simple(given, "path", where), where),
        where,
        _simple(given, "name", where) if "name" in NEEDS[kind] else "",
        given.get("value"),
        (numbers[0] if numbers else 0, numbers[-1] if numbers else 0),
    )


def _simple(given: dict[str, Any], name: str, where: str) -> Any:
    value = given.get(name, {}).get(KINDS[name])
    right = type(value) is int and 0 <= value < 1_000_000 if KINDS[name] == "valueInteger" else type(value) is str and bool(value)
    if not right:
        raise Malformed.one("patch-form", where, f"The part {name} has a {KINDS[name]}.")
    return value


# --- values ----------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Value:
    """What is to be written: its type suffix (`Quantity`; empty for an object in parts), the value, and the extension of a primitive."""

    suffix: str
    value: Any
    beside: Any = None


def _value(operation: Operation, type_: str) -> Value:
    """The value of an operation; one written in parts is read as the element's own structure."""
    part = operation.given
    keys = [key for key in part if key.startswith("value")]
    others = [key for key in part if key.startswith("_value")]
    if len(keys) + ("part" in part) + ("resource" in part) > 1 or (not keys and not others and not {"part", "resource"} & part.keys()):
        raise operation.refuse("patch-value", "the part value has one value, or parts.")
    if "resource" in part:
        return Value("", part["resource"])
    if "part" in part:
        return Value("", _from_parts(part["part"], type_, operation))
    suffix = (keys[0] if keys else others[0][1:])[5:]
    return Value(suffix, part[keys[0]] if keys else None, part.get(f"_value{suffix}"))


def _from_parts(parts: Any, type_: str, operation: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {}
    inside = "" if type_ in CHECKS else type_  # a primitive has no parts
    for part in parts if type(parts) is list else ():
        name = part.get("name") if type(part) is dict else None
        fields = paths.fields_named(inside, name) if inside and type(name) is str else []
        if not fields:
            raise operation.refuse("patch-value", f"there is no element {str(name)[:60]} here.")
        value = _value(Operation(operation.type, operation.path, operation.where, given=part), fields[0][1].type)
        _write(made, str(name), fields, value, operation)
    return made


def _write(owner: dict[str, Any], name: str, fields: list[tuple[str, Any]], value: Value, operation: Operation) -> None:
    """Add a value under an element's name: at the end of a list, or where nothing is yet."""
    key = _key(name, fields, value, operation)
    field = dict(fields)[key]
    if field.handler in ("values", "elements", "resources"):
        _insert(owner, key, len(owner.get(key) or owner.get("_" + key) or ()), value)
    elif any(taken in owner or "_" + taken in owner for taken, _ in fields):
        raise operation.refuse("patch-add", f"{name} is there already and stands once.")
    else:
        owner |= {name: part for name, part in ((key, value.value), ("_" + key, value.beside)) if part is not None}


def _key(name: str, fields: list[tuple[str, Any]], value: Value, operation: Operation) -> str:
    if len(fields) == 1 and not fields[0][1].choice:
        return fields[0][0]
    key = name + value.suffix
    if key not in dict(fields):
        raise operation.refuse("patch-value", f"{name} cannot be a {value.suffix or 'structure'}.")
    return key


def _insert(owner: dict[str, Any], key: str, index: int, value: Value) -> None:
    """Into a list, and into the list of extensions beside it when there is one."""
    other = "_" + key
    length = len(owner.get(key) or owner.get(other) or ())
    if other in owner or value.beside is not None:
        owner.setdefault(other, [None] * length).insert(index, value.beside)
    if key in owner or value.value is not None:
        owner.setdefault(key, [None] * length).insert(index, value.value)


# --- the operations ----------------------------------------------------------------------
def _one(root: Place, operation: Operation) -> Place:
    found = operation.path.find(root)
    if len(found) != 1:
        raise operation.refuse("patch-path", "nothing is there." if not found else f"{len(found)} elements are there; one is needed.")
    return found[0]


def _collection(root: Place, operation: Operation) -> tuple[dict[str, Any], str, str]:
    """The object, the key and the type of a list that the path names."""
    if not operation.path.name:
        raise operation.refuse("patch-path", "the path ends with the name of a list.")
    parents = operation.path.parents(root)
    if len(parents) != 1:
        raise operation.refuse("patch-path", f"{len(parents)} elements hold this list; one is needed.")
    fields = paths.fields_named(parents[0].type, operation.path.name) if parents[0].type else []
    if not fields or fields[0][1].handler not in ("values", "elements", "resources"):
        raise operation.refuse("patch-path", "this is no list.")
    return parents[0].value, fields[0][0], fields[0][1].type


def _add(root: Place, operation: Operation) -> None:
    place = _one(root, operation)
    fields = paths.fields_named(place.type, operation.name) if place.type else []
    if not fields:
        raise operation.refuse("patch-add", f"there is no element {operation.name[:60]} here.")
    _write(place.value, operation.name, fields, _value(operation, fields[0][1].type), operation)


def _insert_at(root: Place, operation: Operation) -> None:
    owner, key, type_ = _collection(root, operation)
    length = len(owner.get(key) or owner.get("_" + key) or ())
    if operation.numbers[0] > length:
        raise operation.refuse("patch-index", f"the list has {length} elements.")
    _insert(owner, key, operation.numbers[0], _value(operation, type_))


def _delete(root: Place, operation: Operation) -> None:
    """What is not there needs no deletion; several are refused."""
    found = operation.path.find(root)
    if not found:
        return
    place = _one(root, operation)
    if not place.key:
        raise operation.refuse("patch-path", "the resource itself is deleted by DELETE.")
    for key in (place.key, "_" + place.key):
        if place.index is None:
            place.owner.pop(key, None)
        elif key in place.owner:
            del place.owner[key][place.index]
            if not any(item is not None for item in place.owner[key]):
                del place.owner[key]


def _replace(root: Place, operation: Operation) -> None:
    place = _one(root, operation)
    if not place.key:
        raise operation.refuse("patch-path", "the resource itself is replaced by PUT.")
    name = operation.path.name or place.key
    value = _value(operation, place.type)
    owner, other = place.owner, "_" + place.key
    if place.index is not None:
        owner[place.key][place.index] = value.value
        if other in owner or value.beside is not None:
            owner.setdefault(other, [None] * len(owner[place.key]))[place.index] = value.beside
            if not any(item is not None for item in owner[other]):
                del owner[other]
        return
    key = place.key
    if name != place.key and operation.path.name:  # a choice: the new value may have another type
        parent = operation.path.parents(root)[0]
        key = _key(name, paths.fields_named(parent.type, name), value, operation)
    owner.pop(place.key)
    owner.pop(other, None)
    owner |= {written: part for written, part in ((key, value.value), ("_" + key, value.beside)) if part is not None}


def _move(root: Place, operation: Operation) -> None:
    owner, key, _ = _collection(root, operation)
    length = len(owner.get(key) or owner.get("_" + key) or ())
    source, destination = operation.numbers
    if source >= length or destination >= length:
        raise operation.refuse("patch-index", f"the list has {length} elements.")
    for name in (key, "_" + key):
        if name in owner:
            owner[name].insert(destination, owner[name].pop(source))


_PLAYED: Final[dict[str, Callable[[Place, Operation], None]]] = {
    "add": _add,
    "insert": _insert_at,
    "delete": _delete,
    "replace": _replace,
    "move": _move,
}
