"""Invariants of Questionnaire and QuestionnaireResponse."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from maillage.codes.r4.invariants.reading import Place, Places, Resource, Test, count, has, has_choice, objects, text

_WITH_OPTIONS: Final = ("choice", "open-choice", "decimal", "integer", "date", "dateTime", "time", "string", "quantity")
_WITH_LENGTH: Final = ("boolean", "decimal", "integer", "string", "text", "url", "open-choice")


def _links(value: Resource) -> list[str]:
    found, todo = [], objects(value, "item")
    while todo:
        item = todo.pop()
        if "linkId" in item:
            found.append(text(item, "linkId"))
        todo += objects(item, "item")
    return found


def _distinct_links(value: Resource) -> Iterable[Place]:
    links = _links(value)
    return () if len(links) == len(set(links)) else [("item.linkId", -1)]


def _display_bare(*names: str) -> Test:
    return lambda v: text(v, "type") != "display" or not has(v, *names)


def _nested(value: Resource) -> bool:
    kind = text(value, "type")
    return (kind != "group" or has(value, "item")) and (kind != "display" or not has(value, "item"))


def _exists_is_boolean(value: Resource) -> bool:
    return text(value, "operator") != "exists" or not has_choice(value, "answer") or has(value, "answerBoolean")


TESTS: Final[dict[tuple[str, str], Test]] = {
    ("Questionnaire.item", "que-1"): _nested,
    ("Questionnaire.item", "que-3"): _display_bare("code"),
    ("Questionnaire.item", "que-4"): lambda v: not (has(v, "answerOption") and has(v, "answerValueSet")),
    ("Questionnaire.item", "que-5"): lambda v: text(v, "type") in _WITH_OPTIONS or not has(v, "answerOption", "answerValueSet"),
    ("Questionnaire.item", "que-6"): _display_bare("required", "repeats"),
    ("Questionnaire.item", "que-8"): lambda v: text(v, "type") not in ("group", "display") or not has(v, "initial"),
    ("Questionnaire.item", "que-9"): _display_bare("readOnly"),
    ("Questionnaire.item", "que-10"): lambda v: text(v, "type") in _WITH_LENGTH or not has(v, "maxLength"),
    ("Questionnaire.item", "que-11"): lambda v: not (has(v, "answerOption") and has(v, "initial")),
    ("Questionnaire.item", "que-12"): lambda v: count(v, "enableWhen") <= 2 or has(v, "enableBehavior"),
    ("Questionnaire.item", "que-13"): lambda v: v.get("repeats") is True or count(v, "initial") <= 1,
    ("Questionnaire.item.enableWhen", "que-7"): _exists_is_boolean,
    ("QuestionnaireResponse.item", "qrs-1"): lambda v: not (has(v, "answer") and has(v, "item")),
}

PLACES: Final[dict[tuple[str, str], Places]] = {("Questionnaire", "que-2"): _distinct_links}
