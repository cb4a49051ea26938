"""Answers against the form: every value that the form does not ask for is named."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.factories.referrals import answers, with_answer, without

from maillage.demonstration.forms import NUMBERS, fill
from maillage.directory import pathways
from maillage.referrals.rules import missing_items, wrong_answers
from maillage.referrals.types import Missing

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
ANSWERS = "https://maillage.invalid/fhir/CodeSystem/form-answer"
HGE = pathways.questionnaire("hge")


def coded(code: str, system: str = ANSWERS) -> dict[str, Any]:
    return {"valueCoding": {"system": system, "code": code}}


def wrong(items: Any, *forms: Any) -> tuple[Missing, ...]:
    return wrong_answers(forms or (HGE,), {"item": items}, NOW)


@pytest.mark.parametrize("name", pathways.names())
@pytest.mark.parametrize("priority", ["routine", "urgent", "asap"])
def test_a_right_form_has_nothing_wrong(name: str, priority: str) -> None:
    form = pathways.questionnaire(name)
    assert wrong(answers(form, priority), form) == ()
    assert wrong(fill(form, priority), form) == ()


def test_the_demonstration_has_a_believable_number_for_each_that_is_asked() -> None:
    items = [item for name in pathways.names() for item in pathways.walk(pathways.questionnaire(name)["item"])]
    asked = {item["linkId"] for item in items if item["type"] in ("integer", "decimal") and item.get("required")}
    assert asked == NUMBERS.keys()


@pytest.mark.parametrize("response", [None, {}, {"item": []}])
def test_no_answer_is_not_a_wrong_one(response: Any) -> None:
    assert wrong_answers([HGE], response, NOW) == ()


@pytest.mark.parametrize(
    ("link_id", "given", "problem"),
    [
        ("act", [{"valueInteger": 7}], "wrong-type"),
        ("act", [{"valueString": "visit"}], "wrong-type"),
        ("act", [{"valueCoding": "visit"}], "wrong-type"),
        ("act", [{}], "wrong-type"),
        ("act", [{"valueCoding": {"system": ANSWERS, "code": "visit"}, "valueString": "visit"}], "wrong-type"),
        ("act", [coded("martian")], "not-an-option"),
        ("act", [coded("visit", "urn:x")], "not-an-option"),
        ("act", [{"valueCoding": {"code": "visit"}}], "not-an-option"),
        ("act", [coded("visit"), coded("advice")], "repeated"),
        ("antithrombotic", [{"valueInteger": 1}], "wrong-type"),
        ("antithrombotic", [{"valueString": "true"}], "wrong-type"),
        ("antithrombotic", [{"valueBoolean": True}, {"valueBoolean": False}], "repeated"),
        ("question", [{"valueBoolean": True}], "wrong-type"),
        ("question", [{"valueString": True}], "wrong-type"),
        ("question", [{"valueString": "x" * 2001}], "too-long"),
        ("question", [{"valueString": "x" * 2000}], None),
        ("red-flags", [coded("none"), coded("mass")], "exclusive"),
        ("red-flags", [coded("none")], None),
        ("red-flags", [coded("mass"), coded("jaundice")], None),
        ("red-flags", [coded("none"), coded("none")], None),
        ("fit-date", [{"valueDate": "0001-01-01"}], "date-out-of-range"),
        ("fit-date", [{"valueDate": "9999-12-31"}], "date-out-of-range"),
        ("fit-date", [{"valueDate": "2026"}], "not-a-date"),
        ("fit-date", [{"valueString": "2026-11-02"}], "wrong-type"),
        ("phone", [{"valueString": "abc"}], "not-in-form"),
        ("phone", [{"valueString": "06 39 98"}], "not-in-form"),
        ("phone", [{"valueString": "+33 (0)1 99 00 12 34"}], None),
        ("phone", [{"valueString": "0199001234"}], None),
        ("phone", [{"valueString": " 01.99.00.12.34 "}], None),
        ("phone-verified", [{"valueBoolean": False}], "must-be-true"),
        ("phone-verified", [{"valueBoolean": True}], None),
        ("request", [{"valueString": "a group"}], "wrong-type"),
    ],
)
def test_each_wrong_answer_is_named(link_id: str, given: list[Any], problem: str | None) -> None:
    assert wrong(with_answer(answers(HGE), link_id, *given)) == ((Missing(link_id, problem),) if problem else ())


def test_a_question_that_nobody_asked_is_named() -> None:
    assert wrong([*answers(HGE), {"linkId": "martian", "answer": [{"valueString": "x"}]}]) == (Missing("martian", "unknown-item"),)
    assert wrong([*answers(HGE), {"answer": [{"valueString": "x"}]}]) == (Missing("None", "unknown-item"),)


def test_two_services_asked_at_once_share_one_set_of_answers() -> None:
    other = pathways.questionnaire("medecine-interne")
    both = [*answers(HGE), *(item for item in answers(other) if item["linkId"] in ("act", "specific"))]
    assert Missing("act", "repeated") in wrong(both)
    assert Missing("course", "unknown-item") in wrong(both)
    assert wrong(both, HGE, other) == ()
    martian = with_answer(both, "act", coded("martian"))
    assert wrong(martian, HGE, other) == (Missing("act", "not-an-option"),)


def test_an_item_given_twice_is_answered_twice() -> None:
    given = [*answers(HGE), {"linkId": "act", "answer": [coded("visit")]}]
    assert wrong(given) == (Missing("act", "repeated"),)


def test_a_group_that_repeats_takes_its_answers_again() -> None:
    away = {
        "linkId": "unavailability",
        "item": [
            {"linkId": "unavailability-start", "answer": [{"valueDate": "2026-12-01"}]},
            {"linkId": "unavailability-end", "answer": [{"valueDate": "2026-12-05"}]},
        ],
    }
    assert wrong([*answers(HGE), away, away]) == ()
    twice = {**away, "item": [{"linkId": "unavailability-start", "answer": [{"valueDate": "2026-12-01"}, {"valueDate": "2026-12-02"}]}]}
    assert wrong([*answers(HGE), twice]) == (Missing("unavailability-start", "repeated"),)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("decimal", {"valueDecimal": Decimal("70.5")}, {"valueDecimal": "70"}),
        ("decimal", {"valueInteger": 70}, {"valueDecimal": True}),
        ("integer", {"valueInteger": 3}, {"valueInteger": 3.5}),
        ("dateTime", {"valueDateTime": "2026-11-02T09:00:00+01:00"}, {"valueDate": "2026-11-02"}),
        ("time", {"valueTime": "09:00:00"}, {"valueString": "09:00:00"}),
        ("url", {"valueUri": "https://example.org"}, {"valueString": "https://example.org"}),
        ("quantity", {"valueQuantity": {"value": 70}}, {"valueDecimal": 70}),
        ("attachment", {"valueAttachment": {"url": "x"}}, {"valueString": "x"}),
        ("reference", {"valueReference": {"reference": "Patient/1"}}, {"valueString": "Patient/1"}),
        ("open-choice", {"valueString": "autre"}, {"valueCoding": {"code": "x"}}),
    ],
)
def test_each_type_of_question(kind: str, good: dict[str, Any], bad: dict[str, Any]) -> None:
    form = {"item": [{"linkId": "q", "type": kind, "answerOption": [coded("a")]}]}
    assert wrong([{"linkId": "q", "answer": [good]}], form) == ()
    assert len(wrong([{"linkId": "q", "answer": [bad]}], form)) == 1


def test_answers_below_an_answer_are_looked_at() -> None:
    form = {"item": [{"linkId": "q", "type": "boolean", "item": [{"linkId": "why", "type": "string", "maxLength": 3}]}]}
    given = [{"linkId": "q", "answer": [{"valueBoolean": True, "item": [{"linkId": "why", "answer": [{"valueString": "long"}]}]}]}]
    assert wrong(given, form) == (Missing("why", "too-long"),)


def test_no_pathway_answers_from_a_value_set() -> None:
    asked = [item for name in pathways.names() for item in pathways.walk(pathways.questionnaire(name)["item"])]
    assert [item["linkId"] for item in asked if "answerValueSet" in item] == []


@pytest.mark.parametrize(("length", "problem"), [(19, "too-short"), (20, None), (21, None)])
def test_a_question_of_exactly_twenty_characters_is_long_enough(length: int, problem: str | None) -> None:
    given = with_answer(answers(HGE), "question", {"valueString": "x" * length})
    assert missing_items(HGE, {"item": given}) == ((Missing("question", problem),) if problem else ())


def test_a_form_without_its_answers_is_missing_not_wrong() -> None:
    assert wrong(without(answers(HGE), "phone")) == ()
