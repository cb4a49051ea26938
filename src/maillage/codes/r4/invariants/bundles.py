"""Invariants of Bundle: what each kind of bundle must and must not hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from maillage.codes.r4.invariants.reading import Place, Places, Resource, Test, has, objects, part, text

ASKING: Final = ("batch", "transaction", "history")
ANSWERING: Final = ("batch-response", "transaction-response", "history")


def _first_is(value: Resource, kind: str, type_: str) -> bool:
    if text(value, "type") != kind:
        return True
    entries = objects(value, "entry")
    return bool(entries) and text(part(entries[0], "resource"), "resourceType") == type_


def _with(name: str, kinds: tuple[str, ...]) -> Places:
    """Each entry has the element exactly in bundles of these kinds."""

    def places(value: Resource) -> Iterable[Place]:
        expected = text(value, "type") in kinds
        return [("entry", i) for i, entry in enumerate(objects(value, "entry")) if has(entry, name) != expected]

    return places


def _twice(value: Resource) -> Iterable[Place]:
    seen: set[tuple[str, str]] = set()
    found: list[Place] = []
    for index, entry in enumerate(objects(value, "entry")):
        key = (text(entry, "fullUrl"), text(part(part(entry, "resource"), "meta"), "versionId"))
        if key[0] and key in seen:
            found.append(("entry", index))
        seen.add(key)
    return () if text(value, "type") == "history" else found


def _identified(value: Resource) -> bool:
    identifier = part(value, "identifier")
    return text(value, "type") != "document" or (has(identifier, "system") and has(identifier, "value"))


TESTS: Final[dict[tuple[str, str], Test]] = {
    ("Bundle", "bdl-1"): lambda v: not has(v, "total") or text(v, "type") in ("searchset", "history"),
    ("Bundle", "bdl-2"): lambda v: text(v, "type") == "searchset" or not any(has(e, "search") for e in objects(v, "entry")),
    ("Bundle", "bdl-9"): _identified,
    ("Bundle", "bdl-10"): lambda v: text(v, "type") != "document" or has(v, "timestamp"),
    ("Bundle", "bdl-11"): lambda v: _first_is(v, "document", "Composition"),
    ("Bundle", "bdl-12"): lambda v: _first_is(v, "message", "MessageHeader"),
    ("Bundle.entry", "bdl-5"): lambda v: has(v, "resource", "request", "response"),
    ("Bundle.entry", "bdl-8"): lambda v: "/_history/" not in text(v, "fullUrl"),
}

PLACES: Final[dict[tuple[str, str], Places]] = {
    ("Bundle", "bdl-3"): _with("request", ASKING),
    ("Bundle", "bdl-4"): _with("response", ANSWERING),
    ("Bundle", "bdl-7"): _twice,
}
