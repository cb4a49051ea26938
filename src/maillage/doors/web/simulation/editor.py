"""The editor of a scenario: every number of the model as a question, with its unit, its range and its source; read back with errors beside the field."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from maillage.doors.web.catalogue import say, word
from maillage.doors.web.forms import Choice, Field, Reader
from maillage.doors.web.language import language, spoken
from maillage.doors.web.typography import NARROW
from maillage.doors.web.view import Values
from maillage.simulation import Model, Parameter, Scenario, load, problems

DECIDED: Final = (
    ("Activité", ("arrivals.volume", "direct.per_day", "direct.from", "direct.to", "arrivals.calendar")),
    ("Accueil et infirmiers", ("ioa.base", "ioa.extra", "ioa.hours", "nurse.base", "nurse.extra", "nurse.hours")),
    ("Médecins", ("doctor.base", "doctor.extra", "doctor.hours", "doctor.policy", "doctor.hand_over", "doctor.second_first", "doctor.ageing")),
    ("Boxes et imagerie", ("box.base", "box.reserve", "imaging.base", "imaging.extra", "imaging.hours")),
    ("Lits et UHCD", ("bed.base", "bed.order", "uhcd.base", "discharge.on")),
    ("Médecin de ville", ("og.base", "og.extra", "og.hours", "og.covered", "og.wait", "og.longest", "og.wind_down")),
    ("Zones d’attente", ("zones.on", "stretchers.places", "near.places", "remote.places", "remote.watch")),
)  # fmt: skip
SUPPOSED: Final = (
    ("Arrivées", ("arrivals.reference", "arrivals.share", "arrivals.hour", "arrivals.weekday", "arrivals.dispersion")),
    ("Patience et délais", ("patience.mean", "delay.doctor", "direct.wait", "reevaluation.after", "reevaluation.minutes")),
    ("Durées des soins", ("triage.mean", "triage.cv", "care.mean", "care.cv", "contact1.mean", "contact1.cv", "contact2.mean", "contact2.cv")),
    ("Examens", ("imaging.share", "laboratory.share", "image.mean", "image.cv", "lab.mean", "lab.cv", "observe.mean", "observe.cv")),
    ("Orientation et aval", ("ward.share", "uhcd.share", "transfer.mean", "transfer.cv", "uhcd.stay", "uhcd.stay_cv", "uhcd.cut", "uhcd.to_ward",
                             "los.mean", "los.cv", "discharge.from", "discharge.to", "cleaning.minutes", "bed.filled")),
    ("Tri vers le médecin de ville", ("og.fit", "og.declined", "og.returned", "og.care", "og.care_cv")),
    ("Trajets et brancards", ("zones.lying", "near.walk", "remote.walk")),
)  # fmt: skip
TITLE: Final = Field("title", "Nom du scénario", required=True, maxlength=120)
QUESTION: Final = Field("question", "Question posée", hint="Ce que vous voulez savoir, en une phrase.", maxlength=300)
SEED: Final = Field(
    "seed", "Graine", "number", hint="La même graine donne les mêmes patients, donc les mêmes chiffres.", value="2026", marked=False
)
RUNS: Final = Field("runs", "Années simulées", "number", hint="De 2 à 1000. Vide : jusqu’à la précision voulue.", marked=False)
CEILING: Final = 1.6
DAYS: Final = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")


@dataclass(frozen=True, slots=True)
class Section:
    """Some questions under one title; `open` when there is an error inside, or something that was changed."""

    title: str
    rows: tuple[tuple[str, str, tuple[Field, ...]], ...]
    """Of each parameter: title of the row when it has several numbers, what stands under it, its fields."""
    open: bool


def number(value: float) -> str:
    """A number as the editor shows it."""
    return "∞" if math.isinf(value) else f"{value:.10g}".replace(".", ",")


def name_in_form(key: str) -> str:
    """How the form calls a parameter: a point would make it a path."""
    return key.replace(".", "-")


def fields_of(parameter: Parameter, model: Model, value: Any) -> list[Field]:
    """The questions of one parameter."""
    label, name = word("parameter", parameter.key), name_in_form(parameter.key)
    if parameter.among:
        choices = tuple(Choice(each, word("simulation-choice", each)) for each in parameter.among)
        return [Field(name, label, "radio", choices=choices, chosen=(str(value),), marked=False)]
    if parameter.unit == "0 or 1":
        return [Field(name, label, "checkbox", value="true" if value else "", marked=False)]
    if parameter.length == 0:
        text = "\n".join(" ; ".join(number(item) for item in row) for row in value)
        return [Field(name, label, "textarea", value=text, hint=_hint(parameter), marked=False)]
    if parameter.length is None:
        return [_asked(name, label, number(value), _hint(parameter))]
    return [
        replace(_asked(f"{name}-{n}", each, number(item), ""), row=label)
        for n, (each, item) in enumerate(zip(_names(parameter, model), value, strict=True))
    ]


def _asked(name: str, label: str, value: str, hint: str) -> Field:
    return Field(name, label, value=value, hint=hint, inputmode="decimal", marked=False, maxlength=12)


def _names(parameter: Parameter, model: Model) -> list[str]:
    """What each number of a list is of."""
    by_length = {
        2: [say("simulation.from"), say("simulation.to")],
        7: [spoken(day) for day in DAYS],
        24: [f"{hour} h" for hour in range(24)],
    }
    return by_length.get(parameter.length or 0) or [word("triage-level", name) for name in model.classes]


def _hint(parameter: Parameter) -> str:
    """Unit and range; where there is no source, that it is an assumption."""
    said = f"{word('unit', parameter.unit).capitalize()}, {_range(parameter)}."
    return f"{said} {spoken('Hypothèse.')}" if parameter.assumed and not parameter.decision else said


def _range(parameter: Parameter) -> str:
    return say("simulation.range", low=_grouped(parameter.low), high=_grouped(parameter.high))


def _grouped(value: float) -> str:
    """A number to be read, not typed."""
    if math.isfinite(value) and value >= 10_000:
        return f"{int(value):,}".replace(",", NARROW)
    return number(value).replace(",", "." if language() == "en" else ",")


def sections(scenario: Scenario, named: tuple[tuple[str, tuple[str, ...]], ...], shown: dict[str, Field] | None = None) -> list[Section]:
    """The questions of these sections, as the scenario answers them or as a form that came back did."""
    model, made = load(scenario.model), []
    for title, keys in named:
        rows, wrong = [], False
        for key in keys:
            parameter = model.parameters[key]
            asked = [(shown or {}).get(field.name, field) for field in fields_of(parameter, model, scenario.values[key])]
            wrong = wrong or any(field.error for field in asked)
            several = len(asked) > 1
            rows.append((word("parameter", key) if several else "", _hint(parameter) if several else "", tuple(asked)))
        made.append(Section(spoken(title), tuple(rows), wrong))
    return made


def all_fields(scenario: Scenario) -> Iterator[Field]:
    """Every question about the model."""
    model = load(scenario.model)
    for _, keys in (*DECIDED, *SUPPOSED):
        for key in keys:
            yield from fields_of(model.parameters[key], model, scenario.values[key])


def read(scenario: Scenario, values: Values, reader: Reader) -> dict[str, Any]:
    """The numbers that the form gives; what is wrong is noted beside its field."""
    model, found = load(scenario.model), dict[str, Any]()
    for _, keys in (*DECIDED, *SUPPOSED):
        for key in keys:
            found[key] = _read(model.parameters[key], model, values, reader)
    if not reader.issues:
        _together(found, model, reader)
    return found


def _read(parameter: Parameter, model: Model, values: Values, reader: Reader) -> Any:
    name = name_in_form(parameter.key)
    if parameter.among:
        [field] = fields_of(parameter, model, "")
        return reader.read(replace(field, required=True))
    if parameter.unit == "0 or 1":
        return int(values.get(name) == "true")
    if parameter.length == 0:
        return _rows(parameter, values.get(name, ""), reader)
    if parameter.length is None:
        return _one(parameter, name, parameter.value, values, reader)
    defaults = parameter.value if isinstance(parameter.value, list) else []
    return [_one(parameter, f"{name}-{n}", like, values, reader) for n, like in enumerate(defaults)]


def _one(parameter: Parameter, name: str, like: Any, values: Values, reader: Reader) -> float:
    """One number, whole where the model's is: the same numbers give the same hash."""
    try:
        value = _number(values.get(name, ""))
    except ValueError:
        reader.fail(name, "simulation-number")
        return 0.0
    if not parameter.low <= value <= parameter.high:
        reader.fail(name, f"simulation-range:{_range(parameter)} {word('unit', parameter.unit)}".rstrip())
    return int(value) if isinstance(like, int) and value.is_integer() else value


def _number(text: str) -> float:
    plain = re.sub(r"[\s\u00a0\u202f]", "", text).replace(",", ".")
    if plain in {"∞", "illimité"}:
        return math.inf
    if not re.fullmatch(r"-?\d{1,9}(\.\d{1,6})?", plain, re.ASCII):
        raise ValueError(plain)
    return float(plain)


def _rows(parameter: Parameter, text: str, reader: Reader) -> list[list[float]]:
    """Lines of four numbers."""
    try:
        rows = [[_number(item) for item in line.split(";")] for line in text.splitlines() if line.strip()]
    except ValueError:
        rows = [[]]
    if len(rows) > 100 or problems({parameter.key: rows}):
        reader.fail(name_in_form(parameter.key), "simulation-rows")
        return []
    return rows


_SUMS: Final = {"arrivals.share": "simulation-sum", "arrivals.hour": "simulation-sum", "uhcd.share": "simulation-over"}


def _together(found: dict[str, Any], model: Model, reader: Reader) -> None:
    """What no field can see alone."""
    for wrong in problems(found, model.name):
        several = (model.parameters[wrong.key].length or 0) > 1
        name = name_in_form(wrong.key)
        reader.fail(f"{name}-0" if several else name, _SUMS.get(wrong.key, "simulation-order"))
    if found["arrivals.volume"] > CEILING * found["arrivals.reference"]:
        reader.fail("arrivals-volume", "simulation-ceiling")


def name_of(title: str) -> str:
    """A short name for files and tables, from a title."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", title.lower()) if not unicodedata.combining(char))
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "scenario"
