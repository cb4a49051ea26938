"""Every code system and value set that is held: those of R4, ours, and those of the packages that were added."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final

import msgspec

from maillage.codes.aliases import canonical
from maillage.codes.json import decode
from maillage.codes.r4.tables import FOLDER, DefinitionsMissing
from maillage.codes.terminology import expansion
from maillage.codes.terminology.expansion import CannotExpand, Expansion
from maillage.codes.terminology.own import own_systems
from maillage.codes.terminology.systems import CodeSystem, read_system

KINDS: Final = ("CodeSystem", "ValueSet")
Resource = dict[str, Any]


@cache
def _published() -> dict[str, dict[str, bytes]]:
    path = FOLDER / "terminology.msgpack"
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=dict[str, dict[str, bytes]])
    except FileNotFoundError as error:
        raise DefinitionsMissing("the code systems of R4 are not there: run `make setup`") from error


@cache
def _own() -> dict[str, Resource]:
    return {canonical(resource["url"]): resource for resource in own_systems()}


class Terminology:
    """What is added comes first, then ours, then R4; URLs are compared without version and through their aliases."""

    def __init__(self, resources: Iterable[Resource] = ()) -> None:
        self._added: dict[tuple[str, str], Resource] = {}
        self._lists: dict[str, Expansion] = {}
        self._systems: dict[str, CodeSystem | None] = {}
        self._expanded: dict[str, Expansion] = {}
        self._ids: dict[str, dict[str, str]] = {}
        for resource in resources:
            self._add(resource)

    def _add(self, resource: Resource) -> None:
        kind, url = resource["resourceType"], canonical(resource["url"])
        if kind == "ValueSet" and "expansion" in resource:
            self._lists[url] = expansion.read_expansion(resource)
            if (kind, url) in self._added or "compose" not in resource:
                self._added.setdefault((kind, url), resource)
                return
        there = self._added.get((kind, url))
        if there is None or "compose" not in there:
            self._added[kind, url] = resource

    def resource(self, kind: str, url: str) -> Resource | None:
        """A CodeSystem or ValueSet by its URL, whole."""
        bare = canonical(url)
        if (kind, bare) in self._added:
            return self._added[kind, bare]
        if kind == "CodeSystem" and bare in _own():
            return _own()[bare]
        raw = _published()[kind].get(bare)
        return decode(raw) if raw is not None else None

    def by_id(self, kind: str, id: str) -> Resource | None:
        """The same by its id."""
        url = self._index(kind).get(id)
        return self.resource(kind, url) if url else None

    def all(self, kind: str) -> Iterator[Resource]:
        """Every one of a kind that can be read, by id."""
        index = self._index(kind)
        return (found for id in sorted(index) if (found := self.resource(kind, index[id])))

    def _index(self, kind: str) -> dict[str, str]:
        if kind not in self._ids:
            ids: dict[str, str] = {}
            for url, raw in _published()[kind].items():
                ids[msgspec.json.decode(raw, type=_Identified).id] = url
            if kind == "CodeSystem":
                ids |= {resource["id"]: url for url, resource in _own().items()}
            ids |= {resource["id"]: url for (type_, url), resource in self._added.items() if type_ == kind and "id" in resource}
            self._ids[kind] = ids
        return self._ids[kind]

    # --- what expansions ask -----------------------------------------------------
    def system(self, url: str) -> CodeSystem | None:
        """A code system by URL, compiled when it is first asked for."""
        bare = canonical(url)
        if bare not in self._systems:
            resource = self.resource("CodeSystem", bare)
            made = read_system(resource) if resource else None
            if made is None and len(self._systems) > 5000:
                return None  # names that nobody publishes are not remembered without end
            self._systems[bare] = made
        return self._systems[bare]

    def value_set(self, url: str) -> Resource | None:
        """A value set by URL; a code system gives the one that holds all its codes."""
        found = self.resource("ValueSet", url)
        if found is not None:
            return found
        system = canonical(url).removesuffix("?fhir_vs")
        if url.endswith("?fhir_vs") and self.system(system):
            return {"resourceType": "ValueSet", "url": url, "status": "active", "compose": {"include": [{"system": system}]}}
        return None

    def published_expansion(self, url: str) -> Expansion | None:
        """A list that came with a package."""
        return self._lists.get(canonical(url))

    # --- answers -------------------------------------------------------------------
    def expand(self, url: str) -> Expansion:
        """Every code of a value set. Raises `CannotExpand`."""
        bare = canonical(url)
        if bare not in self._expanded:
            published = self.published_expansion(bare)
            if published is not None and published.complete:
                return published
            resource = self.value_set(bare)
            if resource is None:
                raise CannotExpand(bare)
            self._expanded[bare] = expansion.expand(self, resource)
        return self._expanded[bare]

    def expand_resource(self, resource: Resource) -> Expansion:
        """Every code of a ValueSet that is not held. Raises `CannotExpand`."""
        return expansion.expand(self, resource)

    def contains(self, url: str, system: str, code: str) -> bool | None:
        """Whether a value set holds a code; None when that cannot be told here."""
        return expansion.contains(self, url, (system, code))

    def contains_in(self, resource: Resource, system: str, code: str) -> bool | None:
        """The same for a ValueSet that is not held."""
        return expansion.contains_in(self, resource, (system, code))


class _Identified(msgspec.Struct):
    id: str
