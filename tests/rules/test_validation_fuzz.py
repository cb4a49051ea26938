"""No JSON makes the validator or the search values fall over."""

import copy
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from maillage.codes.json import decode, encode
from maillage.codes.r4 import resource_types, search_parameters, structure, validate
from maillage.codes.r4.search import search_values

KEYS = sorted({key for name in ("Patient", "Observation", "Bundle", "Extension", "Timing.repeat", "Questionnaire.item", "Reference")
               for element in structure(name).elements for key, _ in element.json_keys()})  # fmt: skip
TEXTS = st.sampled_from(
    ["", "x", "2026-11-22", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.9-14:00", "Patient/1", "#a", "final", "\x00"]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.decimals(allow_nan=True) | TEXTS | st.text(max_size=8)
KEY = st.sampled_from(KEYS) | st.sampled_from(["_" + key for key in KEYS[:40]]) | st.text(max_size=4)
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=5), max_leaves=25)

WHOLE: list[dict[str, Any]] = [
    {
        "resourceType": "Patient",
        "contained": [{"resourceType": "Organization", "id": "o", "name": "x"}],
        "managingOrganization": {"reference": "#o"},
        "name": [{"given": ["a", None], "_given": [None, {"extension": [{"url": "http://a", "valueCode": "b"}]}]}],
        "birthDate": "1974-12-25",
        "deceasedDateTime": "2026-11-22T09:30:00+01:00",
    },
    {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": "urn:uuid:a", "resource": {"resourceType": "Task", "status": "draft", "intent": "order"}, "request": {"method": "POST", "url": "Task"}}
        ],
    },
    {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8302-2"}]},
        "valueQuantity": {"value": Decimal("4.20"), "comparator": "<", "unit": "mm"},
        "effectiveTiming": {"event": ["2026-11-22"], "repeat": {"boundsPeriod": {"start": "2026"}, "duration": 1, "durationUnit": "h"}},
    },
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inside for place in places(item, (*path, key)))]


@given(st.sampled_from(resource_types()), st.dictionaries(KEY, ANYTHING, max_size=6))
@settings(max_examples=300, deadline=None)
def test_any_content_gets_an_answer(name: str, content: dict[str, Any]) -> None:
    resource = {**content, "resourceType": name}
    issues = validate(resource)
    assert len(issues) <= 100
    assert all(issue.severity == "error" and issue.reason and issue.details for issue in issues)
    search_values(resource)


@given(ANYTHING)
@settings(max_examples=150, deadline=None)
def test_anything_at_all_gets_an_answer(value: Any) -> None:
    assert isinstance(validate(value), list)


@given(st.sampled_from(WHOLE), st.data())
@settings(max_examples=300, deadline=None)
def test_a_right_resource_with_one_part_replaced_gets_an_answer(whole: dict[str, Any], data: st.DataObject) -> None:
    resource = copy.deepcopy(whole)
    path = data.draw(st.sampled_from(places(resource)[1:]))
    target: Any = resource
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = data.draw(ANYTHING)
    validate(resource)
    if isinstance(resource["resourceType"], str) and resource["resourceType"] in resource_types():
        for parameter in search_parameters(resource["resourceType"]):
            parameter.values(resource)


def test_the_whole_resources_are_right_and_survive_a_round_trip() -> None:
    for resource in WHOLE:
        assert validate(resource) == []
        assert decode(encode(resource)) == resource


def test_a_deep_tree_is_no_danger() -> None:
    item: dict[str, Any] = {"linkId": "a", "type": "string"}
    for _ in range(3000):
        item = {"linkId": "b", "type": "group", "item": [item]}
    assert validate({"resourceType": "Questionnaire", "status": "draft", "item": [item]})
