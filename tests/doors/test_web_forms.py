"""Answers read back from forms, and pathways as forms."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from maillage import directory
from maillage.directory import pathways
from maillage.doors.web.forms import Choice, Field, Reader, day_of_address, read_day, redisplay, summary
from maillage.doors.web.referrals import questionnaire
from maillage.doors.web.view import Rejected, Values
from maillage.kernel.errors import Invalid

START = Field("start", "Début", "datetime", True)


def read(field: Field, **values: str) -> object:
    reader = Reader(Values(list(values.items())))
    answer = reader.read(field)
    reader.done()
    return answer


def test_types_are_read() -> None:
    assert read(Field("d", "Jour", "date"), d="2026-03-12") == date(2026, 3, 12)
    assert read(Field("d", "Jour", "date"), d="12/03/2026") == date(2026, 3, 12)
    assert read(Field("n", "Nombre", "number"), n="12") == 12
    assert read(Field("t", "Texte"), t="  ") is None
    assert read(Field("c", "Cases", "checks", choices=(Choice("a", "A"), Choice("b", "B"))), c="a") == ["a"]
    assert read(START, **{"start-jour": "2026-03-12", "start-heure": "14:30"}) == datetime(2026, 3, 12, 13, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "values", "reason"),
    [
        (Field("t", "T", required=True), {}, "required"),
        (Field("t", "T", minlength=20), {"t": "court"}, "too-short:20"),
        (Field("t", "T", maxlength=2), {"t": "long"}, "too-long:2"),
        (Field("d", "D", "date"), {"d": "demain"}, "bad-date"),
        (Field("d", "D", "date"), {"d": "9999-12-31"}, "date-out-of-range"),
        (START, {"start-jour": "0001-01-01", "start-heure": "00:00"}, "date-out-of-range"),
        (Field("n", "N", "number"), {"n": "-1"}, "bad-number"),
        (Field("r", "R", "radio", True, choices=(Choice("a", "A"),)), {}, "required-choice"),
        (Field("r", "R", "radio", choices=(Choice("a", "A"),)), {"r": "z"}, "unknown-choice"),
        (START, {"start-jour": "2026-03-12", "start-heure": "25:00"}, "bad-time"),
        (START, {"start-jour": "2026-03-29", "start-heure": "02:30"}, "local-time-gap"),
        (START, {"start-jour": "2026-10-25", "start-heure": "02:30"}, "local-time-doubled"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(field: Field, values: dict[str, str], reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(field, **values)
    assert [(issue.reason, issue.expression) for issue in caught.value.issues] == [(reason, field.name)]
    rejected = Rejected(caught.value.issues, Values(list(values.items())))
    [shown] = redisplay([field], rejected)
    assert shown.error
    [(anchor, sentence)] = summary(rejected, [shown])
    assert anchor.startswith(f"f-{field.name}")
    assert sentence.startswith(field.label)


def test_the_doubled_hour_is_asked_for() -> None:
    values = {"start-jour": "2026-10-25", "start-heure": "02:30", "start-fold": "1"}
    assert read(START, **values) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("name", pathways.names())
def test_a_pathway_is_a_form_and_the_form_a_response(name: str) -> None:
    form = pathways.questionnaire(name)
    groups = questionnaire.groups(form, None)
    fields = [question.field for group in groups for question in group.questions]
    assert len({field.name for field in fields}) == len(fields)
    assert next(field for field in fields if field.name == "priority").chosen == ()
    values = Values(
        [(field.name, field.choices[0].value if field.choices else ("2026-03-12" if field.kind == "date" else "12")) for field in fields]
    )
    items = questionnaire.response_items(form, values)
    answers = questionnaire.answers_of(items)
    assert set(directory.required_items(form)) <= set(answers)
    again = [question.field for group in questionnaire.groups(form, answers) for question in group.questions]
    assert {field.name: field.chosen or field.value for field in again if field.chosen or field.value}.keys() == {
        field.name for field in fields
    }
    assert questionnaire.shown(form, items)


def test_an_answer_that_cannot_be_read_comes_back_at_its_field() -> None:
    form = {
        "item": [
            {"linkId": "n", "text": "Poids", "type": "decimal"},
            {"linkId": "i", "text": "Nombre", "type": "integer"},
            {"linkId": "d", "text": "Date", "type": "date"},
            {"linkId": "t", "text": "Texte", "type": "text", "maxLength": 5},
            {"linkId": "b", "text": "Oui ?", "type": "boolean"},
        ]
    }
    wrong = {"n": "lourd", "i": "1e400", "d": "0001-01-01", "t": "bien trop", "b": "peut-être"}
    with pytest.raises(Invalid) as caught:
        questionnaire.response_items(form, Values(list(wrong.items())))
    assert {issue.expression: issue.reason for issue in caught.value.issues} == {
        "n": "bad-decimal",
        "i": "bad-integer",
        "d": "date-out-of-range",
        "t": "too-long:5",
        "b": "unknown-choice",
    }
    [item] = questionnaire.response_items(form, Values([("n", "72,5"), ("d", "")]))
    assert item["answer"] == [{"valueDecimal": 72.5}]


def test_nothing_is_chosen_in_the_place_of_who_answers_whatever_the_form_says() -> None:
    choice = {
        "linkId": "c",
        "text": "C",
        "type": "choice",
        "answerOption": [{"valueCoding": {"code": "a", "display": "A"}, "initialSelected": True}],
    }
    gate = {"linkId": "g", "text": "G", "type": "boolean", "initial": [{"valueBoolean": False}]}
    text = {"linkId": "t", "text": "T", "type": "string", "initial": [{"valueString": "proposé"}]}
    [group] = questionnaire.groups({"item": [choice, gate, text]}, None)
    assert [(question.field.chosen, question.field.value) for question in group.questions] == [((), ""), ((), ""), ((), "proposé")]


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-03-12", date(2026, 3, 12)),
        ("12/03/2026", date(2026, 3, 12)),
        ("1/3/2026", date(2026, 3, 1)),
        ("12.03.2026", date(2026, 3, 12)),
        ("1900-01-01", date(1900, 1, 1)),
        ("12/03/26", "bad-date"),
        ("20260312", "bad-date"),
        ("2026-02-30", "bad-date"),
        ("٢٠٢٦-03-12", "bad-date"),
        ("0000-01-01", "bad-date"),
        ("0001-01-01", "date-out-of-range"),
        ("9999-12-31", "date-out-of-range"),
        ("1899-12-31", "date-out-of-range"),
        ("2200-01-01", "date-out-of-range"),
    ],
)
def test_a_written_day_is_read_in_one_way(written: str, day: date | str) -> None:
    assert read_day(written) == day
    assert day_of_address(written) == (day if isinstance(day, date) else None)
