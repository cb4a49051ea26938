"""The answers to a form against the form itself: known questions, the type that each asks, its options, its length, how many answers it takes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from maillage.kernel.bounds import date_problem
from maillage.referrals.types import Missing

Item = Mapping[str, Any]
REGEX: Final = "http://hl7.org/fhir/StructureDefinition/regex"
EXCLUSIVE: Final = "http://hl7.org/fhir/StructureDefinition/questionnaire-optionExclusive"
MUST_BE_TRUE: Final = "/StructureDefinition/must-be-true"

_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "boolean": ("valueBoolean",),
    "decimal": ("valueDecimal", "valueInteger"),
    "integer": ("valueInteger",),
    "date": ("valueDate",),
    "dateTime": ("valueDateTime",),
    "time": ("valueTime",),
    "string": ("valueString",),
    "text": ("valueString",),
    "url": ("valueUri",),
    "choice": ("valueCoding",),
    "open-choice": ("valueCoding", "valueString"),
    "attachment": ("valueAttachment",),
    "reference": ("valueReference",),
    "quantity": ("valueQuantity",),
}
"""The element in which each type of question is answered; groups and displays take no answer."""
_PYTHON: Final[Mapping[str, tuple[type, ...]]] = {
    "valueBoolean": (bool,),
    "valueDecimal": (int, float, Decimal),
    "valueInteger": (int,),
    "valueCoding": (Mapping,),
    "valueQuantity": (Mapping,),
    "valueAttachment": (Mapping,),
    "valueReference": (Mapping,),
}


def wrong_answers(questionnaires: Sequence[Item], response: Item | None, now: datetime) -> tuple[Missing, ...]:
    """What no form of the request asks for, or not so: each with its linkId.

    When several services are asked at once, one set of answers serves all of their forms: an answer is right when one of them takes it.
    """
    asked = _Asked(questionnaires)
    found: dict[Missing, None] = {}
    given: Counter[str] = Counter()
    for item in _walk((response or {}).get("item", ())):
        link_id, answers = str(item.get("linkId")), item.get("answer", ())
        given[link_id] += len(answers)
        problems = [tuple(_problems(question, answers, now)) for question in asked.items.get(link_id, ())]
        found |= dict.fromkeys(Missing(link_id, problem) for problem in min(problems, key=len, default=("unknown-item",)))
    for link_id, count in given.items():
        if link_id not in asked.repeated and count > len(asked.items.get(link_id, ())) > 0:
            found.setdefault(Missing(link_id, "repeated"))
    return tuple(found)


class _Asked:
    """The questions of the forms by linkId, and those that may be answered more than once."""

    def __init__(self, questionnaires: Sequence[Item]) -> None:
        self.items: dict[str, list[Item]] = {}
        self.repeated: set[str] = set()
        for form in questionnaires:
            self._add(form.get("item", ()), repeats=False)

    def _add(self, items: Sequence[Item], *, repeats: bool) -> None:
        for item in items:
            again = repeats or bool(item.get("repeats"))
            self.items.setdefault(item["linkId"], []).append(item)
            if again:
                self.repeated.add(item["linkId"])
            self._add(item.get("item", ()), repeats=again)


def _walk(items: Sequence[Item]) -> Iterator[Item]:
    for item in items:
        yield item
        yield from _walk(item.get("item", ()))
        for answer in item.get("answer", ()):
            yield from _walk(answer.get("item", ()))


def _problems(asked: Item, answers: Sequence[Item], now: datetime) -> Iterator[str]:
    if len(answers) > 1 and not asked.get("repeats"):
        yield "repeated"
    for answer in answers:
        if problem := _of_one(asked, answer, now):
            yield problem
    exclusive = [option["valueCoding"]["code"] for option in asked.get("answerOption", ()) if _extension(option, EXCLUSIVE)]
    codes = {coding.get("code") for answer in answers if isinstance(coding := answer.get("valueCoding"), Mapping)}
    if len(codes) > 1 and codes.intersection(exclusive):
        yield "exclusive"


def _of_one(asked: Item, answer: Item, now: datetime) -> str | None:
    keys = [key for key in answer if key.startswith("value")]
    if len(keys) != 1 or keys[0] not in _VALUES.get(asked["type"], ()):
        return "wrong-type"
    key = keys[0]
    value: Any = answer[key]
    if not _is_a(key, value):
        return "wrong-type"
    if key in ("valueDate", "valueDateTime"):
        return _of_date(value, now)
    if key == "valueCoding":
        return None if _is_option(asked, value) else "not-an-option"
    if _extension(asked, MUST_BE_TRUE) and value is not True:
        return "must-be-true"
    return _of_text(asked, value) if isinstance(value, str) else None


def _is_a(key: str, value: object) -> bool:
    return isinstance(value, _PYTHON.get(key, (str,))) and (key == "valueBoolean" or not isinstance(value, bool))


def _of_text(asked: Item, value: str) -> str | None:
    if len(value) > asked.get("maxLength", len(value)):
        return "too-long"
    pattern = _extension(asked, REGEX)
    return None if pattern is None or not value.strip() or re.fullmatch(pattern, value.strip()) else "not-in-form"


def _of_date(value: str, now: datetime) -> str | None:
    """FHIR takes a year or a month alone; what is entered here is a day."""
    try:
        day = date.fromisoformat(value[:10])
    except ValueError:
        return "not-a-date"
    return date_problem(day, now)


def _is_option(asked: Item, value: Item) -> bool:
    """Whether a coding is offered. No pathway answers from a value set (a test holds it), so none is expanded here."""
    told = (value.get("system"), value.get("code"))
    return any(told == (option["valueCoding"].get("system"), option["valueCoding"]["code"]) for option in asked.get("answerOption", ()))


def _extension(element: Item, url: str) -> Any:
    """The value of an extension by the end of its URL, or None."""
    found = (ext for ext in element.get("extension", ()) if str(ext.get("url", "")).endswith(url))
    return next((value for ext in found for key, value in ext.items() if key.startswith("value")), None)
