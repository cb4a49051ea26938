"""`_summary` and `_elements`: what stays of a resource, and that a part says that it is one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from maillage.codes.r4 import resource_types, structure
from maillage.doors.fhir.projections import SUBSETTED, project

OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o1",
    "meta": {"versionId": "2", "tag": [{"system": "urn:t", "code": "a"}]},
    "implicitRules": "urn:r",
    "text": {"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'>x</div>"},
    "extension": [{"url": "urn:x", "valueString": "x"}],
    "modifierExtension": [{"url": "urn:m", "valueBoolean": True}],
    "status": "final",
    "_status": {"extension": [{"url": "urn:why", "valueString": "w"}]},
    "code": {"coding": [{"system": "http://loinc.org", "code": "8302-2"}]},
    "valueQuantity": {"value": Decimal("1.80"), "unit": "m"},
    "note": [{"text": "long"}],
    "component": [{"code": {"text": "c"}, "valueString": "v", "interpretation": [{"text": "i"}]}],
}


def kept(**asked: Any) -> set[str]:
    made = project(OBSERVATION, **{"summary": None, "elements": None, **asked})
    assert SUBSETTED in made["meta"]["tag"]
    return set(made) - {"resourceType", "id", "meta"}


def test_a_summary_holds_the_summary_elements_at_every_depth() -> None:
    assert kept(summary="true") == {"implicitRules", "modifierExtension", "status", "_status", "code", "valueQuantity", "component"}
    made = project(OBSERVATION, summary="true", elements=None)
    assert made["component"] == [{"code": {"text": "c"}, "valueString": "v"}]
    assert made["valueQuantity"] == OBSERVATION["valueQuantity"]
    assert made["meta"]["versionId"] == "2"


def test_the_content_of_an_attachment_is_no_summary() -> None:
    document = {
        "resourceType": "DocumentReference",
        "status": "current",
        "content": [{"attachment": {"contentType": "text/plain", "data": "QQ=="}}],
    }
    assert project(document, summary="true", elements=None)["content"] == [{"attachment": {"contentType": "text/plain"}}]


def test_text_leaves_narrative_and_what_is_mandatory() -> None:
    assert kept(summary="text") == {"text", "status", "_status", "code"}


def test_data_leaves_all_but_the_narrative() -> None:
    assert kept(summary="data") == set(OBSERVATION) - {"resourceType", "id", "meta", "text"}


@pytest.mark.parametrize("summary", ["false", "count", None])
def test_a_whole_resource_is_not_marked(summary: str | None) -> None:
    assert project(OBSERVATION, summary=summary, elements=None) is OBSERVATION
    assert project(OBSERVATION, summary=summary, elements=()) is OBSERVATION


@pytest.mark.parametrize(
    ("elements", "more"),
    [
        (("note",), {"note"}),
        (("Observation.note", "Patient.name"), {"note"}),
        (("value",), {"valueQuantity"}),
        (("value[x]",), {"valueQuantity"}),
        (("valueQuantity",), {"valueQuantity"}),
        (("valueString",), set()),
        (("component.code",), {"component"}),
        (("nothing", "", "__class__"), set()),
        (("text",), {"text"}),
    ],
)
def test_elements_come_with_what_is_mandatory_or_changes_the_meaning(elements: tuple[str, ...], more: set[str]) -> None:
    always = {"implicitRules", "modifierExtension", "status", "_status", "code"}
    assert kept(elements=elements) == always | more
    assert kept(elements=elements, summary="true") == always | more


def test_the_tag_stands_once_and_the_original_is_untouched() -> None:
    once = project(OBSERVATION, summary="data", elements=None)
    twice = project(once, summary="data", elements=None)
    assert twice["meta"]["tag"] == [{"system": "urn:t", "code": "a"}, SUBSETTED]
    assert OBSERVATION["meta"]["tag"] == [{"system": "urn:t", "code": "a"}]


def test_every_type_can_be_projected() -> None:
    for name in resource_types():
        made = project({"resourceType": name, "id": "x"}, summary="true", elements=None)
        assert set(made) == {"resourceType", "id", "meta"}
        assert any(element.summary for element in structure(name).elements)
