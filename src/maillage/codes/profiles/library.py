"""The loaded profiles, compiled when they are first asked for."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import Any

from maillage.codes.aliases import canonical
from maillage.codes.profiles.nodes import Node, compile_snapshot
from maillage.codes.profiles.walk import R4, Walk
from maillage.codes.r4.tables import resource_type_set
from maillage.codes.terminology import Terminology
from maillage.kernel.errors import Issue

Resource = dict[str, Any]


class Profiles:
    """StructureDefinitions by URL, without version and through aliases."""

    def __init__(self, definitions: Iterable[Resource] = (), terminology: Terminology | None = None) -> None:
        self._definitions = {canonical(one["url"]): one for one in definitions if one.get("derivation") == "constraint"}
        self._nodes: dict[str, Node] = {}
        self.terminology = terminology or Terminology()

    def __bool__(self) -> bool:
        return bool(self._definitions)

    # --- what the walk asks -------------------------------------------------------------
    def node(self, url: str) -> Node | None:
        """The tree of a profile."""
        bare = canonical(url)
        if bare not in self._nodes:
            definition = self._definitions.get(bare)
            if definition is None:
                return None
            self._nodes[bare] = compile_snapshot(definition)
        return self._nodes[bare]

    def type_of(self, url: str) -> str:
        """The type that a profile constrains, R4 itself included; empty when it is not known."""
        bare = canonical(url)
        if bare.startswith(R4) and "/" not in bare[len(R4) :] and bare[len(R4) :] in resource_type_set() | {"Resource"}:
            return bare[len(R4) :]
        found = self._definitions.get(bare)
        return str(found["type"]) if found else ""

    def contexts(self, url: str) -> tuple[tuple[str, str], ...]:
        """Where an extension may stand: (type, expression)."""
        found = self._definitions.get(canonical(url), {})
        return tuple((one.get("type", ""), one.get("expression", "")) for one in found.get("context", []))

    def contains(self, url: str, system: str, code: str) -> bool | None:
        """Whether a value set holds a code."""
        return self.terminology.contains(url, system, code)

    # --- what the door asks ---------------------------------------------------------------
    def resources(self) -> Iterator[Resource]:
        """The definitions, by URL."""
        return (self._definitions[url] for url in sorted(self._definitions))

    def validate(self, resource: Resource, url: str, *, without: Container[str] = ()) -> list[Issue]:
        """Every finding about a valid R4 resource against one profile; an unknown profile is information.

        `without` names invariants that the caller looks at by other means.
        """
        kind, bare = resource["resourceType"], canonical(url)
        if self.type_of(bare) == kind and bare.startswith(R4):
            return []
        tree = self.node(bare)
        if tree is None:
            return [Issue("information", "informational", "profile-unknown", f"{kind}.meta.profile", f"{url[:200]} is not loaded here.")]
        if self.type_of(bare) != kind:
            told = f"{bare} is a profile of {self.type_of(bare)}."
            return [Issue("error", "structure", "profile-of-another-type", f"{kind}.meta.profile", told)]
        return Walk(self, resource, without).resource(tree)

    def validate_claims(self, resource: Resource, *, without: Container[str] = ()) -> list[Issue]:
        """Every finding against the profiles that the resource claims in `meta.profile`."""
        meta = resource.get("meta")
        claimed = meta.get("profile") if type(meta) is dict else None
        found: dict[tuple[str, str, str], Issue] = {}
        for url in claimed if type(claimed) is list else ():
            for issue in self.validate(resource, str(url), without=without):
                found.setdefault((issue.reason, issue.expression, issue.details), issue)
        return list(found.values())
