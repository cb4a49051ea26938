"""The form checked before sending: required, conditions, shortest answers, permissions, periods."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tests.factories.referrals import TEXT, answers, with_answer, without

from maillage.directory import pathways
from maillage.kernel.errors import Invalid
from maillage.referrals.rules import calls_instead, missing_items, permission, unavailabilities
from maillage.referrals.rules.form import is_enabled
from maillage.referrals.types import Missing

YES, NO = {"valueBoolean": True}, {"valueBoolean": False}


def coded(code: str) -> dict[str, Any]:
    return {"valueCoding": {"system": "https://maillage.invalid/fhir/CodeSystem/form-answer", "code": code}}


@pytest.mark.parametrize("name", pathways.names())
@pytest.mark.parametrize("priority", ["routine", "urgent", "asap"])
def test_a_complete_form_lacks_nothing(name: str, priority: str) -> None:
    form = pathways.questionnaire(name)
    assert missing_items(form, {"item": answers(form, priority)}, priority) == ()
    assert not calls_instead(form, {"item": answers(form, priority)})


@pytest.mark.parametrize("name", pathways.names())
def test_each_required_item_is_named_when_it_is_missing(name: str) -> None:
    form = pathways.questionnaire(name)
    for link_id in pathways.required_items(form):
        found = missing_items(form, {"item": without(answers(form), link_id)})
        assert Missing(link_id, "required") in found


def test_an_empty_form_names_them_all() -> None:
    form = pathways.questionnaire("hge")
    for response in (None, {}, {"item": []}):
        assert {item.link_id for item in missing_items(form, response)} >= set(pathways.required_items(form))


def test_the_question_has_twenty_characters() -> None:
    form = pathways.questionnaire("hge")
    short = with_answer(answers(form), "question", {"valueString": "Avis ?"})
    blank = with_answer(answers(form), "question", {"valueString": "   "})
    assert missing_items(form, {"item": short}) == (Missing("question", "too-short"),)
    assert missing_items(form, {"item": blank}) == (Missing("question", "required"),)


def test_an_exam_is_joined_with_its_date_or_not_done_because() -> None:
    form = pathways.questionnaire("medecine-interne")
    not_done = with_answer(answers(form), "cbc-crp-creatinine", coded("not-done"))
    assert missing_items(form, {"item": not_done}) == ()
    unexplained = without(not_done, "cbc-crp-creatinine-reason")
    assert missing_items(form, {"item": unexplained}) == (Missing("cbc-crp-creatinine-reason", "required"),)


def test_a_priority_other_than_the_requests_is_a_mismatch() -> None:
    form = pathways.questionnaire("hge")
    assert missing_items(form, {"item": answers(form, "urgent")}, "routine") == (Missing("priority", "mismatch"),)


def test_limb_threat_is_a_call() -> None:
    form = pathways.questionnaire("vasculaire-thoracique")
    assert calls_instead(form, {"item": with_answer(answers(form), "limb-threat", YES)})


def test_permissions_are_given_unless_refused() -> None:
    form = pathways.questionnaire("hge")
    assert permission(None, "may-redirect")
    assert not permission({"item": with_answer(answers(form), "may-redirect", NO)}, "may-redirect")


def period(start: str, end: str) -> dict[str, Any]:
    parts = [("unavailability-start", start), ("unavailability-end", end)]
    return {"linkId": "unavailability", "item": [{"linkId": name, "answer": [{"valueDate": value}]} for name, value in parts]}


def test_unavailability_is_read() -> None:
    found = unavailabilities({"item": [period("2026-12-01", "2026-12-05"), period("2027-01-02", "2027-01-02")]})
    assert found == ((date(2026, 12, 1), date(2026, 12, 5)), (date(2027, 1, 2), date(2027, 1, 2)))


@pytest.mark.parametrize(("start", "end"), [("2026-12-05", "2026-12-01"), ("demain", "2026-12-01")])
def test_a_period_that_is_none_is_refused(start: str, end: str) -> None:
    with pytest.raises(Invalid) as refused:
        unavailabilities({"item": [period(start, end)]})
    assert refused.value.issues[0].expression == "QuestionnaireResponse.item.where(linkId='unavailability')"


def test_a_period_that_is_begun_is_finished() -> None:
    form = pathways.questionnaire("hge")
    begun = {"linkId": "unavailability", "item": [{"linkId": "unavailability-start", "answer": [{"valueDate": "2026-12-01"}]}]}
    assert missing_items(form, {"item": [*answers(form), begun]}) == (Missing("unavailability-end", "required"),)


@pytest.mark.parametrize(
    ("condition", "values", "enabled"),
    [
        ({"operator": "exists", "answerBoolean": True}, [], False),
        ({"operator": "exists", "answerBoolean": True}, ["x"], True),
        ({"operator": "exists", "answerBoolean": False}, [], True),
        ({"operator": "=", "answerCoding": {"code": "a"}}, [{"code": "a"}], True),
        ({"operator": "!=", "answerCoding": {"code": "a"}}, [{"code": "b"}], True),
        ({"operator": ">", "answerInteger": 3}, [4], True),
        ({"operator": ">=", "answerDecimal": Decimal("3.5")}, [Decimal("3.5")], True),
        ({"operator": "<", "answerQuantity": {"value": 3}}, [{"value": 2}], True),
        ({"operator": "<=", "answerInteger": 3}, ["3"], False),
        ({"operator": "=", "answerBoolean": True}, [1], False),
        ({"operator": "=", "answerString": "x"}, [], False),
    ],
)
def test_conditions(condition: dict[str, Any], values: list[Any], enabled: bool) -> None:
    item = {"enableWhen": [{"question": "q", **condition}]}
    assert is_enabled(item, {"q": values}) is enabled


def test_all_conditions_or_any() -> None:
    conditions = [{"question": name, "operator": "=", "answerBoolean": True} for name in ("a", "b")]
    answered = {"a": [True], "b": [False]}
    assert not is_enabled({"enableWhen": conditions}, answered)
    assert is_enabled({"enableWhen": conditions, "enableBehavior": "any"}, answered)
    assert is_enabled({}, answered)


def test_answers_inside_answers_are_found() -> None:
    form = {"item": [{"linkId": "a", "type": "string", "required": True, "item": [{"linkId": "b", "type": "string", "required": True}]}]}
    nested = {"item": [{"linkId": "a", "answer": [{"valueString": "x", "item": [{"linkId": "b", "answer": [{"valueString": TEXT}]}]}]}]}
    assert missing_items(form, nested) == ()
    assert missing_items(form, {"item": [{"linkId": "a", "answer": [{"valueString": "x"}, {}]}]}) == (Missing("b", "required"),)
