"""The form of a pathway, checked before sending: required items, conditions, shortest answers (workflows.md 0.7 and 1)."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from maillage.kernel.errors import Invalid
from maillage.referrals.types import Missing

Item = Mapping[str, Any]
MIN_LENGTH: Final = "http://hl7.org/fhir/StructureDefinition/minLength"
CALL_INSTEAD: Final = "/StructureDefinition/call-instead"
_COMPARE: Final = {"=": operator.eq, "!=": operator.ne, ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le}


def missing_items(questionnaire: Item, response: Item | None, priority: str | None = None) -> tuple[Missing, ...]:
    """Items that the form requires and that the answers lack: `required`, `too-short`; `mismatch` when the priority differs from the request's."""
    answers = answers_of(response)
    found = tuple(_missing(questionnaire.get("item", ()), answers))
    given = codes_of(answers.get("priority", ()))
    if priority and given and priority not in given:
        return (*found, Missing("priority", "mismatch"))
    return found


def answers_of(response: Item | None) -> dict[str, list[Any]]:
    """Every answer of a response by linkId, whatever the nesting."""
    found: dict[str, list[Any]] = {}
    for item in _walk((response or {}).get("item", ())):
        values = [value for answer in item.get("answer", ()) if (value := _value(answer)) is not None]
        found.setdefault(str(item.get("linkId")), []).extend(values)
    return found


def _walk(items: Sequence[Item]) -> Iterator[Item]:
    for item in items:
        yield item
        yield from _walk(item.get("item", ()))
        for answer in item.get("answer", ()):
            yield from _walk(answer.get("item", ()))


def _value(answer: Item) -> Any:
    return next((value for key, value in answer.items() if key.startswith("value")), None)


def _missing(items: Sequence[Item], answers: Mapping[str, list[Any]]) -> Iterator[Missing]:
    for item in items:
        if not is_enabled(item, answers):
            continue
        if item["type"] == "group":
            if item.get("required") or _touched(item, answers):
                yield from _missing(item.get("item", ()), answers)
            continue
        yield from _problem(item, answers.get(item["linkId"], []))
        yield from _missing(item.get("item", ()), answers)


def _touched(group: Item, answers: Mapping[str, list[Any]]) -> bool:
    """An optional group that is begun must be finished."""
    return any(answers.get(item["linkId"]) for item in _walk(group.get("item", ())))


def _problem(item: Item, values: Sequence[Any]) -> Iterator[Missing]:
    texts = [value.strip() for value in values if isinstance(value, str)]
    empty = not values or (texts and not any(texts))
    if empty:
        if item.get("required"):
            yield Missing(item["linkId"], "required")
    elif texts and len(texts[0]) < _shortest(item):
        yield Missing(item["linkId"], "too-short")


def _shortest(item: Item) -> int:
    return next((int(ext["valueInteger"]) for ext in item.get("extension", ()) if ext["url"] == MIN_LENGTH), 0)


def is_enabled(item: Item, answers: Mapping[str, list[Any]]) -> bool:
    """Whether the conditions of an item hold: all of them, or any when the form says so."""
    conditions = [_holds(condition, answers.get(condition["question"], [])) for condition in item.get("enableWhen", ())]
    if not conditions:
        return True
    return any(conditions) if item.get("enableBehavior") == "any" else all(conditions)


def _holds(condition: Item, values: Sequence[Any]) -> bool:
    wanted = next(value for key, value in condition.items() if key.startswith("answer"))
    if condition["operator"] == "exists":
        return bool(values) is bool(wanted)
    compare = _COMPARE[condition["operator"]]
    return any(compare(_plain(value), _plain(wanted)) for value in values if type(_plain(value)) is type(_plain(wanted)))


def _plain(value: Any) -> Any:
    """What a condition compares: the code of a coding, the value of a quantity, a number whatever its kind."""
    if isinstance(value, Mapping):
        value = value.get("code", value.get("value"))
    return float(value) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else value


def codes_of(values: Sequence[Any]) -> list[Any]:
    """The codes among answers that are codings, strings as they are."""
    return [_plain(value) for value in values]


def calls_instead(questionnaire: Item, response: Item | None) -> bool:
    """Whether an answer says that there is no form to send but a number to call."""
    answers = answers_of(response)
    marked = [item["linkId"] for item in _walk(questionnaire.get("item", ())) if _is_call_instead(item)]
    return any(True in answers.get(link_id, []) for link_id in marked)


def _is_call_instead(item: Item) -> bool:
    return any(str(ext.get("url", "")).endswith(CALL_INSTEAD) for ext in item.get("extension", ()))


def permission(response: Item | None, link_id: str) -> bool:
    """A permission of the form (to redirect, to advise, to convert): given unless it was refused."""
    return False not in answers_of(response).get(link_id, [])


def unavailabilities(response: Item | None) -> tuple[tuple[date, date], ...]:
    """The periods in which the patient said not to be free, both ends included."""
    answers = answers_of(response)
    starts, ends = answers.get("unavailability-start", []), answers.get("unavailability-end", [])
    periods = tuple((_day(start), _day(end)) for start, end in zip(starts, ends, strict=False))
    if any(end < start for start, end in periods):
        raise Invalid.one("period-ends-before-start", "QuestionnaireResponse.item.where(linkId='unavailability')")
    return periods


def _day(value: Any) -> date:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError as error:
        raise Invalid.one("not-a-date", "QuestionnaireResponse.item.where(linkId='unavailability')", str(value)) from error
