"""Believable answers to the form of any pathway, for people who do not exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Item = dict[str, Any]
PREFERRED = ("none", "none-known", "not-done", "visit", "phone", "own", "autonomous", "no")
TEXTS = {
    "question": "Merci de votre avis : conduite à tenir et délai raisonnable avant une consultation ?",
    "problem": "Symptômes depuis deux mois, examen clinique sans signe de gravité, bilan de ville joint.",
    "treatments": "Paracétamol à la demande, amlodipine 5 mg le matin.",
    "last-endoscopy": "aucune",
    "usual-doctor": "Médecin du centre",
    "phone": "01 99 00 12 34",
    "priority-reason": "Gêne quotidienne, arrêt de travail en cours.",
}
NUMBERS = {"weight": 68, "nodule-size": 9}
FILLER = "Non renseigné ailleurs, à revoir en consultation."


def fill(questionnaire: Mapping[str, Any], priority: str, **texts: str) -> list[Item]:
    """Answer every item that is asked, required or not, as a QuestionnaireResponse.item list; `texts` replaces usual answers by linkId."""
    given: dict[str, list[Any]] = {}
    return _fill(questionnaire["item"], priority, {**TEXTS, **{key.replace("_", "-"): text for key, text in texts.items()}}, given)


def _fill(items: Sequence[Item], priority: str, texts: Mapping[str, str], given: dict[str, list[Any]]) -> list[Item]:
    answered = []
    for item in items:
        if not _asked(item, given) or (item["type"] == "group" and not item.get("required")):
            continue
        if item["type"] == "group":
            answered.append({"linkId": item["linkId"], "item": _fill(item["item"], priority, texts, given)})
        elif item.get("required") and item["type"] != "display":
            answer = _answer(item, priority, texts)
            given[item["linkId"]] = [next(iter(answer.values()))]
            answered.append({"linkId": item["linkId"], "answer": [answer]})
    return answered


def _answer(item: Item, priority: str, texts: Mapping[str, str]) -> Item:
    kind = item["type"]
    if kind == "choice":
        options = [option["valueCoding"] for option in item["answerOption"]]
        wanted = (priority, *PREFERRED)
        return {"valueCoding": next((o for code in wanted for o in options if o["code"] == code), options[0])}
    if kind == "boolean":
        return {"valueBoolean": item["linkId"].startswith(("may-", "phone-verified"))}
    if kind == "date":
        return {"valueDate": "2026-09-15"}
    if kind in ("integer", "decimal"):
        return {f"value{kind.capitalize()}": NUMBERS.get(item["linkId"], 1)}
    return {"valueString": texts.get(item["linkId"], FILLER)}


def _asked(item: Item, given: Mapping[str, list[Any]]) -> bool:
    conditions = item.get("enableWhen", [])
    if not conditions:
        return True
    met = [_met(condition, given.get(condition["question"], [])) for condition in conditions]
    return all(met) if item.get("enableBehavior") == "all" else any(met)


def _met(condition: Item, answers: list[Any]) -> bool:
    wanted = next(value for key, value in condition.items() if key.startswith("answer"))
    if condition["operator"] == "exists":
        return bool(answers) is bool(wanted)
    same = any(_code(answer) == _code(wanted) for answer in answers)
    return same if condition["operator"] == "=" else bool(answers) and not same


def _code(value: Any) -> Any:
    return value["code"] if isinstance(value, dict) else value
