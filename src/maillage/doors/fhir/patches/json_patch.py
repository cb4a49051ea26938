"""JSON Patch (RFC 6902): the six operations, played on a copy; each fault names its operation and its pointer."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from maillage.codes.json import decode
from maillage.kernel.errors import Invalid, Malformed

MOST: Final = 1000
NEEDS: Final = {
    "add": ("path", "value"),
    "remove": ("path",),
    "replace": ("path", "value"),
    "move": ("path", "from"),
    "copy": ("path", "from"),
    "test": ("path", "value"),
}
Pointer = tuple[str, ...]


class _Nothing(Exception):
    """A pointer leads nowhere; carries the sentence."""


def of_binary(resource: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The patch in a Binary, as the specification carries it in Bundles."""
    if str(resource.get("contentType", "")).partition(";")[0].strip() != "application/json-patch+json":
        raise Malformed.one("patch-type-not-served", "Binary.contentType", "A Binary carries application/json-patch+json.")
    try:
        data = base64.b64decode(str(resource.get("data", "")), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed.one("format", "Binary.data", "The data is base64.") from error
    return compiled(decode(data))


def compiled(document: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The patch as a function. Raises `Malformed` for a document that is none."""
    if type(document) is not list or len(document) > MOST:
        raise Malformed.one("patch-form", details=f"A JSON Patch is a list of at most {MOST} operations.")
    operations = [_operation(place, item) for place, item in enumerate(document)]

    def change(resource: dict[str, Any]) -> dict[str, Any]:
        whole: Any = _copy(resource)
        for place, operation in enumerate(operations):
            try:
                whole = _PLAYED[operation["op"]](whole, operation)
            except _Nothing as nothing:
                raise Invalid.one("patch-" + operation["op"], details=f"Operation {place}, {operation['op']}: {nothing}") from nothing
        if type(whole) is not dict:
            raise Invalid.one("patch-identity", details="A patch leaves a resource, not something else.")
        return whole

    return change


def _operation(place: int, item: Any) -> dict[str, Any]:
    op = item.get("op") if type(item) is dict else None
    if type(op) is not str or op not in NEEDS:
        raise _malformed(place, f"op is one of {', '.join(NEEDS)}.")
    for name in NEEDS[op]:
        if name not in item:
            raise _malformed(place, f"{op} needs {name}.")
    read = {"op": op, "value": item.get("value"), "path": _pointer(place, item["path"])}
    if "from" in NEEDS[op]:
        read["from"] = _pointer(place, item["from"])
        if op == "move" and read["path"][: len(read["from"])] == read["from"] and read["path"] != read["from"]:
            raise _malformed(place, "a value cannot move into itself.")
    return read


def _malformed(place: int, sentence: str) -> Exception:
    return Malformed.one("patch-form", details=f"Operation {place}: {sentence}")


def _pointer(place: int, text: Any) -> Pointer:
    """RFC 6901."""
    if type(text) is not str or (text and not text.startswith("/")) or len(text) > 2000:
        raise _malformed(place, "a JSON Pointer is empty or starts with a slash.")
    parts = text.split("/")[1:]
    if any("~" in part.replace("~0", "").replace("~1", "") for part in parts):
        raise _malformed(place, "in a JSON Pointer, ~ is written ~0 and / is written ~1.")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)


def _shown(pointer: Pointer) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in pointer)[:200] or "the whole resource"


def _copy(value: Any) -> Any:
    if type(value) is dict:
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if type(value) is list else value


def _index(key: str, length: int, pointer: Pointer) -> int:
    if not (key == "0" or (key.isascii() and key.isdigit() and not key.startswith("0"))) or len(key) > 9 or int(key) >= length:
        raise _Nothing(f"{_shown(pointer)} is not a place in a list of {length}.")
    return int(key)


def _get(whole: Any, pointer: Pointer) -> Any:
    value = whole
    for depth, key in enumerate(pointer):
        here = pointer[: depth + 1]
        if type(value) is list:
            value = value[_index(key, len(value), here)]
        elif type(value) is dict and key in value:
            value = value[key]
        else:
            raise _Nothing(f"there is nothing at {_shown(here)}.")
    return value


def _put(whole: Any, pointer: Pointer, value: Any, *, insert: bool) -> Any:
    """The whole with a value at a place: inserted in a list, or instead of what is there."""
    if not pointer:
        return value
    parent, key = _get(whole, pointer[:-1]), pointer[-1]
    if type(parent) is list:
        if insert:
            parent.insert(len(parent) if key == "-" else _index(key, len(parent) + 1, pointer), value)
        else:
            parent[_index(key, len(parent), pointer)] = value
    elif type(parent) is dict:
        parent[key] = value
    else:
        raise _Nothing(f"{_shown(pointer[:-1])} holds a simple value.")
    return whole


def _add(whole: Any, operation: dict[str, Any]) -> Any:
    return _put(whole, operation["path"], _copy(operation["value"]), insert=True)


def _remove(whole: Any, operation: dict[str, Any]) -> Any:
    return _take(whole, operation["path"])


def _take(whole: Any, pointer: Pointer) -> Any:
    _get(whole, pointer)
    if not pointer:
        return None
    parent = _get(whole, pointer[:-1])
    if type(parent) is list:
        del parent[int(pointer[-1])]
    else:
        del parent[pointer[-1]]
    return whole


def _replace(whole: Any, operation: dict[str, Any]) -> Any:
    _get(whole, operation["path"])
    return _put(whole, operation["path"], _copy(operation["value"]), insert=False)


def _move(whole: Any, operation: dict[str, Any]) -> Any:
    value = _get(whole, operation["from"])
    if operation["from"] == operation["path"]:
        return whole
    return _put(_take(whole, operation["from"]), operation["path"], value, insert=True)


def _copied(whole: Any, operation: dict[str, Any]) -> Any:
    return _put(whole, operation["path"], _copy(_get(whole, operation["from"])), insert=True)


def _test(whole: Any, operation: dict[str, Any]) -> Any:
    if not equal(_get(whole, operation["path"]), operation["value"]):
        raise _Nothing(f"{_shown(operation['path'])} has another value.")
    return whole


def equal(one: Any, other: Any) -> bool:
    """Equal as JSON is: numbers by their value, and true is not 1."""
    if isinstance(one, Decimal | int | float) and isinstance(other, Decimal | int | float):
        return isinstance(one, bool) == isinstance(other, bool) and one == other
    if type(one) is not type(other):
        return False
    if type(one) is dict:
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if type(one) is list:
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


_PLAYED: Final[dict[str, Callable[[Any, dict[str, Any]], Any]]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copied,
    "test": _test,
}
