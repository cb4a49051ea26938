"""A pathway's Questionnaire as fields on a page, and the fields read back as the items of a QuestionnaireResponse. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from maillage.doors.web.catalogue import listed, say
from maillage.doors.web.forms import Choice, Field, Reader, read_day
from maillage.doors.web.language import spoken
from maillage.doors.web.presenters import short_date
from maillage.doors.web.view import Values

Item = dict[str, Any]
ROWS_OF_REPEATS = 3
CALL_INSTEAD = "/StructureDefinition/call-instead"
_MIN_LENGTH = "/minLength"
_KINDS = {"string": "text", "text": "textarea", "date": "date", "integer": "number", "decimal": "text", "boolean": "radio"}
_YES_NO = (Choice("true", "Oui"), Choice("false", "Non"))
"""Said in the language of the page where the field is drawn."""


@dataclass(frozen=True, slots=True)
class Question:
    """A field with the condition under which it must be answered, said in words."""

    field: Field
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A fieldset: its title and its questions."""

    title: str
    questions: tuple[Question, ...]
    optional: bool = False

    @property
    def begun(self) -> bool:
        """Whether something in it is answered, or wrong: it is not folded away then."""
        return any(one.field.value or one.field.chosen or one.field.error for one in self.questions)


def groups(form: Item, answers: Mapping[str, list[Any]] | None) -> list[Group]:
    """The form as fieldsets. `answers` are those of a draft, by field name; None is a new form, with the proposals of the form itself."""
    texts = {item["linkId"]: item for item in _leaves(form["item"])}
    found: list[Group] = []
    loose = [item for item in form["item"] if item["type"] != "group"]
    if loose:
        found.append(Group("Objet de la demande", tuple(_question(item, "", texts, answers) for item in loose)))
    for item in form["item"]:
        if item["type"] == "group":
            found += _group(item, texts, answers)
    return found


def _group(group: Item, texts: Mapping[str, Item], answers: Mapping[str, list[Any]] | None) -> Iterator[Group]:
    rows = ROWS_OF_REPEATS if group.get("repeats") else 1
    for row in range(1, rows + 1):
        suffix = f"__{row}" if row > 1 else ""
        title = spoken(group["text"]) if rows == 1 else say("form.row", title=spoken(group["text"]), number=row)
        questions = tuple(_question(item, suffix, texts, answers) for item in _leaves(group["item"]))
        optional = bool(group.get("repeats")) or not group.get("required")
        if optional:
            questions = tuple(Question(replace(question.field, required=False), question.condition) for question in questions)
        yield Group(title, questions, optional)


def _leaves(items: list[Item]) -> Iterator[Item]:
    for item in items:
        if item["type"] == "group":
            yield from _leaves(item["item"])
        else:
            yield item


def _question(item: Item, suffix: str, texts: Mapping[str, Item], answers: Mapping[str, list[Any]] | None) -> Question:
    condition = _condition(item, texts)
    field = field_of(item, suffix)
    if condition:
        field = replace(field, required=False, marked=False)
    if answers is None:
        proposed = _proposed(item)
        return Question(field.started(proposed) if proposed else field, condition)
    given = answers.get(field.name, [])
    if not given:
        return Question(field, condition)
    return Question(field.started(given if field.kind == "checks" else given[0]), condition)


def field_of(item: Item, suffix: str = "") -> Field:
    """One item as a field: its name is its linkId."""
    choices: tuple[Choice, ...] = ()
    kind = _KINDS.get(item["type"], "text")
    if item["type"] == "choice":
        choices = tuple(Choice(option["valueCoding"]["code"], spoken(option["valueCoding"]["display"])) for option in item["answerOption"])
        kind = "checks" if item.get("repeats") else "radio"
    elif item["type"] == "boolean":
        choices = _YES_NO
    label, hint = _split_hint(item["text"])
    if shortest(item):
        hint = f"{hint} {say('form.shortest', number=shortest(item))}".strip()
    return Field(
        item["linkId"] + suffix,
        label,
        kind,
        bool(item.get("required")),
        hint,
        choices,
        maxlength=int(item.get("maxLength", 0)) if kind != "textarea" else 0,
        inline=kind == "radio" and sum(len(choice.label) for choice in choices) < 60,
        inputmode="decimal" if item["type"] == "decimal" else "",
    )


def _split_hint(text: str) -> tuple[str, str]:
    """A label and what stands in brackets at its end: `Traitements (« aucun » est une réponse)`."""
    label, bracket, rest = text.partition(" («")
    return (spoken(label), spoken(f"«{rest.rstrip(')')}.")) if bracket else (spoken(text), "")


def shortest(item: Item) -> int:
    """The least number of characters that the form asks for."""
    return next((int(ext["valueInteger"]) for ext in item.get("extension", ()) if ext["url"].endswith(_MIN_LENGTH)), 0)


def _proposed(item: Item) -> str:
    """What the form itself proposes to write. Nothing is ever chosen in the user's place, whatever the form says."""
    if item["type"] in ("choice", "boolean"):
        return ""
    return next((_plain(value) for value in item.get("initial", ())), "")


def _condition(item: Item, texts: Mapping[str, Item]) -> str:
    """The condition in words: `Si « Traitement antithrombotique » : oui`."""
    by_question: dict[str, list[str]] = {}
    for rule in item.get("enableWhen", ()):
        by_question.setdefault(rule["question"], []).append(_answer_words(texts[rule["question"]], rule))
    joined = listed(
        say("form.condition", question=spoken(texts[question]["text"]), answer=listed(words, "list.or"))
        for question, words in by_question.items()
    )
    return say("form.if", conditions=joined) if joined else ""


def _answer_words(question: Item, rule: Item) -> str:
    value = _plain({key: value for key, value in rule.items() if key.startswith("answer")})
    options = {option["valueCoding"]["code"]: option["valueCoding"]["display"] for option in question.get("answerOption", ())}
    told = {"true": say("form.yes"), "false": say("form.no")}
    words = spoken(options.get(value, told.get(value, value))).lower()
    return words if rule["operator"] == "=" else say("form.other-than", answer=words)


def _plain(value: Mapping[str, Any]) -> str:
    """The one value of an answer, as a form would carry it."""
    found = next((content for key, content in value.items() if key.startswith(("value", "answer"))), "")
    if isinstance(found, Mapping):
        return str(found.get("code", found.get("value", "")))
    return str(found).lower() if isinstance(found, bool) else str(found)


def answers_of(items: list[Item]) -> dict[str, list[str]]:
    """The answers of a response by field name; the rows of a repeated group are numbered."""
    found: dict[str, list[str]] = {}
    seen: dict[str, int] = {}
    for item in items:
        seen[item["linkId"]] = seen.get(item["linkId"], 0) + 1
        suffix = f"__{seen[item['linkId']]}" if seen[item["linkId"]] > 1 else ""
        for leaf in _answered(item):
            found.setdefault(leaf["linkId"] + suffix, []).extend(_plain(answer) for answer in leaf.get("answer", ()))
    return found


def _answered(item: Item) -> Iterator[Item]:
    if "answer" in item:
        yield item
    for child in item.get("item", ()):
        yield from _answered(child)


def response_items(form: Item, values: Values) -> list[Item]:
    """What was answered, as QuestionnaireResponse items; unanswered questions and empty groups are left out.

    Raises `Invalid` with each answer that cannot be read as what it answers, at its field: nothing that was written is dropped in silence.
    """
    reader = Reader(values)
    found: list[Item] = []
    for item in form["item"]:
        if item["type"] != "group":
            found += _answer_item(item, "", reader)
            continue
        for row in range(1, (ROWS_OF_REPEATS if item.get("repeats") else 1) + 1):
            inside = [answered for leaf in _leaves(item["item"]) for answered in _answer_item(leaf, f"__{row}" if row > 1 else "", reader)]
            if inside:
                found.append({"linkId": item["linkId"], "text": item["text"], "item": inside})
    reader.done()
    return found


def _answer_item(item: Item, suffix: str, reader: Reader) -> list[Item]:
    name = item["linkId"] + suffix
    answers: list[Item] = []
    for text in (text.strip() for text in reader.values.getlist(name) if text.strip()):
        answer = _answer(item, text)
        if isinstance(answer, str):
            reader.fail(name, answer)
        else:
            answers.append(answer)
    return [{"linkId": item["linkId"], "text": item["text"], "answer": answers}] if answers else []


def _answer(item: Item, text: str) -> Item | str:
    """One answer in its FHIR type, or why it cannot be read."""
    kind = item["type"]
    if kind == "choice":
        coding = next((option["valueCoding"] for option in item["answerOption"] if option["valueCoding"]["code"] == text), None)
        return {"valueCoding": coding} if coding else "unknown-choice"
    if kind == "boolean":
        return {"valueBoolean": text == "true"} if text in ("true", "false") else "unknown-choice"
    if kind in ("integer", "decimal"):
        return _number(kind, re.sub(r"\s", "", text).replace(",", ".")) or f"bad-{kind}"
    if kind == "date":
        day = read_day(text)
        return day if isinstance(day, str) else {"valueDate": day.isoformat()}
    most = int(item.get("maxLength", len(text)))
    return {"valueString": text} if len(text) <= most else f"too-long:{most}"


def _number(kind: str, text: str) -> Item | None:
    if not re.fullmatch(r"-?\d{1,9}" if kind == "integer" else r"-?\d{1,9}(\.\d{1,6})?", text, re.ASCII):
        return None
    return {"valueInteger": int(text)} if kind == "integer" else {"valueDecimal": float(text)}


def shown(form: Item, items: list[Item]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The answers as they are read: title of the group, then (question, answer in words)."""
    answers = answers_of(items)
    found: list[tuple[str, list[tuple[str, str]]]] = []
    for group in groups(form, answers):
        rows = [(question.field.label, _words(question.field)) for question in group.questions]
        rows = [(label, text) for label, text in rows if text]
        if rows:
            found.append((group.title, rows))
    return found


def _words(field: Field) -> str:
    if field.choices:
        return ", ".join(spoken(choice.label) for choice in field.choices if choice.value in field.chosen)
    day = read_day(field.value) if field.kind == "date" else ""
    return short_date(day) if isinstance(day, date) else field.value
