"""The error-level invariants of R4, written by hand: one test per published key, no expression is interpreted at run time.

The published sentence comes with the definitions. What is not written is listed in `NOT_CHECKED`, and a test compares both with the
definitions, so that nothing is forgotten in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from maillage.codes.r4.invariants import bundles, datatypes, questionnaires, resources
from maillage.codes.r4.invariants.reading import Place, Places, Resource, Test, text
from maillage.codes.r4.tables import invariants_of

TESTS: Final[dict[tuple[str, str], Test]] = {**datatypes.TESTS, **resources.TESTS, **bundles.TESTS, **questionnaires.TESTS}
PLACES: Final[dict[tuple[str, str], Places]] = {**resources.PLACES, **bundles.PLACES, **questionnaires.PLACES}

IN_THE_WALK: Final = {("Reference", "ref-1"), ("Narrative.div", "txt-1"), ("Narrative.div", "txt-2")}
"""Checked where the walk meets them."""

NOT_CHECKED: Final = {
    "CapabilityStatement": "authored by maillage only",
    "ConceptMap": "authoring type, never accepted",
    "Consent ppc-2 ppc-3 ppc-4 ppc-5": "published with a code system named 'something': they can never fail",
    "ElementDefinition": "authoring type, never accepted",
    "ImplementationGuide": "authoring type, never accepted",
    "Measure": "authoring type, never accepted",
    "MeasureReport": "authoring type, never accepted",
    "StructureDefinition": "authoring type, never accepted",
    "StructureMap": "authoring type, never accepted",
    "TerminologyCapabilities": "authoring type, never accepted",
    "TestReport": "authoring type, never accepted",
    "TestScript": "authoring type, never accepted",
    "ValueSet": "authoring type, never accepted",
}

_ELSEWHERE: Final = {
    "Organization": ("Organization.address", "Organization.telecom"),
    "RiskAssessment.prediction": ("RiskAssessment.prediction.probability[x]",),
}
"""Published on an element that is no node: tested on its parent."""

_EXT_1: Final = "Must have either extensions or value[x], not both"


@dataclass(frozen=True, slots=True)
class Rule:
    """`broken` gives each place (FHIRPath segment below the node and index) where the invariant fails; ("", -1) is the node itself."""

    key: str
    human: str
    broken: Callable[[Resource], Iterable[Place]]


def rules_of(node: str) -> tuple[Rule, ...]:
    """The rules of a node of the structures."""
    if node.partition(".")[0] == "Extension":
        rules = (Rule("ext-1", _EXT_1, _here(TESTS["Extension", "ext-1"])),)
        return rules if node == "Extension" else (*rules, Rule("ext-url", "The url of an extension must be absolute", _here(_absolute)))
    found = []
    for path in (node, *_ELSEWHERE.get(node, ())):
        for key, human in invariants_of(path):
            if (path, key) in TESTS:
                found.append(Rule(key, human, _here(TESTS[path, key])))
            elif (path, key) in PLACES:
                found.append(Rule(key, human, PLACES[path, key]))
    return tuple(found)


def _here(test: Test) -> Places:
    nowhere: tuple[Place, ...] = ()
    itself: tuple[Place, ...] = (("", -1),)
    return lambda value: nowhere if test(value) else itself


def _absolute(value: Resource) -> bool:
    return "url" not in value or ":" in text(value, "url")
