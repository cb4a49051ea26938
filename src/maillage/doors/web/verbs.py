"""A verb's form made from its Operation, and its parameters read back from the form: the same verbs as the FHIR door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from itertools import groupby
from typing import Any

from maillage.codes import labels
from maillage.doors.web.catalogue import say, word
from maillage.doors.web.forms import Choice, Field, Reader
from maillage.doors.web.view import Values, View
from maillage.kernel.errors import Conflict, NotFound
from maillage.kernel.operations import Operation, Param
from maillage.kernel.period import wall_to_utc

ROWS = 3
MAIN = frozenset(
    {"send", "accept", "book", "send-outcome", "acknowledge", "answer-info", "mark-seen", "publish", "confirm-room", "arrive", "fulfil"}
)
DANGEROUS = frozenset(
    {"decline", "withdraw", "request-cancellation", "close-opposed", "enter-in-error", "cancel", "cancel-session", "cancel-appointment"}
)
_CODE_KINDS = ("reason", "side", "recommendation", "outcome", "priority", "decision", "hold", "owner", "class", "resolution", "word")
_LONG = frozenset({"comment", "text", "answer", "contact"})
_NEVER_ASKED = frozenset(
    {"document", "title", "appointment-id", "encounter-id", "encounter", "document-id", "abort-id", "requester-org", "based-on", "task"}
)
_IN_ROWS = {"textarea": "text"}
"""Rows are short: one line each."""
_DATES = frozenset({"due", "wanted-by"})
"""Instants that people give as a day: its working hours end at six."""
_FIELD_KINDS = {
    "date": "date",
    "time": "time",
    "dateTime": "datetime",
    "instant": "datetime",
    "integer": "number",
    "positiveInt": "number",
    "boolean": "checkbox",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """How the page wants a form asked: lists of choices, proposed values, known rows, parameters that are not asked, other labels."""

    choices: Mapping[str, Sequence[Choice]] = field(default_factory=dict)
    proposed: Mapping[str, Any] = field(default_factory=dict)
    rows: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict)


def rank(verb: str) -> int:
    """What is usually done comes first, what ends things comes last."""
    return 0 if verb in MAIN else 2 if verb in DANGEROUS else 1


def plain(name: str) -> str:
    """A parameter's name as we compare it, however it is spelt: `followUp`, `follow-up`, `follow_up`."""
    return "".join(f"-{char.lower()}" if char.isupper() else char for char in name).replace("_", "-").strip("-")


def fields(operation: Operation, asked: Asked | None = None, *, scope: str = "") -> list[Field]:
    """The questions of a verb, in the order of its parameters."""
    asked = asked or Asked()
    found: list[Field] = []
    for param in operation.parameters:
        name = plain(param.name)
        if name in _NEVER_ASKED or name in asked.hidden:
            continue
        if param.parts:
            found += _rows(param, name, asked, scope)
        else:
            made = _field(param, name, asked, scope)
            found.append(replace(made, label=asked.labels.get(name, made.label)))
    return found


def by_row(asked: Sequence[Field]) -> list[tuple[str, list[Field]]]:
    """The questions, neighbours of one row together under its title."""
    return [(row, list(group)) for row, group in groupby(asked, key=lambda one: one.row)]


def _rows(param: Param, name: str, asked: Asked, scope: str) -> list[Field]:
    presets = asked.rows.get(name)
    count = len(presets) if presets is not None else ROWS
    found: list[Field] = []
    for row in range(count):
        preset = presets[row] if presets is not None else {}
        for part in param.parts:
            inside, title = f"{name}-{row + 1}-{plain(part.name)}", preset.get("label") or say(f"row.{name}", number=row + 1)
            made = replace(_field(part, plain(part.name), asked, scope), name=inside, row=title)
            made = replace(made, label=asked.labels.get(f"{name}.{plain(part.name)}", made.label))
            if plain(part.name) in preset:
                found.append(replace(made, kind="hidden", value=preset[plain(part.name)]))
            else:
                found.append(
                    replace(
                        made,
                        kind=_IN_ROWS.get(made.kind, made.kind),
                        inline=True,
                        marked=presets is not None,
                        required=made.required and presets is not None,
                    )
                )
    return found


def _field(param: Param, name: str, asked: Asked, scope: str) -> Field:
    given = asked.choices.get(name)
    choices = tuple(given) if given is not None else tuple(Choice(value, code_word(value)) for value in param.values)
    kind = "date" if name in _DATES else "euros" if name.endswith("-cents") else _FIELD_KINDS.get(param.type, "text")
    if choices:
        kind = "checks" if param.many else "select" if len(choices) > 14 and name != "slot" else "radio"
    elif param.many or name in _LONG or param.type == "markdown":
        kind = "textarea"
    made = Field(
        name,
        word("field", name),
        kind,
        param.required or name in asked.required,
        hint="Un par ligne." if param.many and not choices else "",
        choices=choices,
        rows=10 if name == "text" and "recommendation" not in asked.choices else 3,
        scope=scope,
    )
    return made.started(asked.proposed.get(name))


def code_word(code: str) -> str:
    """The label of a code, whatever kind of word it is."""
    kind = next((kind for kind in _CODE_KINDS if labels.entry(kind, code)), "reason")
    return word(kind, code)


def read(operation: Operation, asked: Asked, values: Values) -> dict[str, Any]:
    """The parameters that the form answers, by the operation's own names. Raises `Invalid` with every error."""
    reader = Reader(values)
    found: dict[str, Any] = {}
    for param in operation.parameters:
        name = plain(param.name)
        if name in _NEVER_ASKED or name in asked.hidden:
            continue
        value = _read_rows(param, name, asked, reader) if param.parts else _read_one(param, _field(param, name, asked, ""), reader)
        if value not in (None, "", []):
            found[param.name.replace("-", "_")] = value
    reader.done()
    return found


def _read_one(param: Param, asked: Field, reader: Reader) -> Any:
    value = reader.read(asked)
    if asked.kind == "date" and param.type != "date":
        return _end_of(value)
    if param.many and not asked.choices:
        return [line.strip() for line in (value or "").splitlines() if line.strip()]
    return value


def _end_of(day: date | None) -> datetime | None:
    """The instant at which a day's work ends in Paris."""
    return wall_to_utc(day, time(18)) if day else None


def _read_rows(param: Param, name: str, asked: Asked, reader: Reader) -> list[dict[str, Any]]:
    presets = asked.rows.get(name)
    rows: list[dict[str, Any]] = []
    for row in range(len(presets) if presets is not None else ROWS):
        answers: dict[str, Any] = {}
        for part in param.parts:
            made = _field(part, plain(part.name), asked, "")
            made = replace(made, name=f"{name}-{row + 1}-{plain(part.name)}", required=made.required and presets is not None)
            answers[part.name] = _read_one(part, made, reader)
        if any(value not in (None, "", []) for value in answers.values()):
            rows.append({key: value for key, value in answers.items() if value is not None})
    return rows


def find(view: View, kind: str, verb: str) -> Operation:
    """The operation of a verb on a type. Raises `NotFound` for what is not offered."""
    operation = view.door.operation(kind, verb)
    if operation is None or not operation.on_instance or not operation.writes:
        raise NotFound("verb", verb)
    return operation


def require_version(view: View, current: int, **changed: Any) -> None:
    """Raise `Conflict("stale")` unless the form was made from the present version; `changed` says what happened meanwhile."""
    given = view.given("_version")
    if given and given != str(current):
        raise Conflict("stale", **changed)


async def run(view: View, kind: str, id: str, verb: str, asked: Asked | None = None, **more: Any) -> Any:
    """Read the form and play the verb on the version that the user saw."""
    operation = find(view, kind, verb)
    known = {plain(param.name): param.name.replace("-", "_") for param in operation.parameters}
    parameters = read(operation, asked or Asked(), view.values)
    parameters |= {known[name]: value for name, value in more.items() if name in known}
    return await operation.call(view.tx, id, version=version_of(view), **parameters)


def version_of(view: View) -> int | None:
    """The version from which the form was made."""
    version = view.given("_version")
    return int(version) if version.isascii() and version.isdigit() and len(version) < 10 else None


async def available(view: View, kind: str, id: str) -> dict[str, tuple[str, ...]]:
    """The verbs legal now for this user and what each still needs: the only source of buttons."""
    operation = view.door.operation(kind, "available-actions")
    if operation is None:
        return {}
    answer = await operation.call(view.tx, id)
    found: dict[str, tuple[str, ...]] = {}
    for parameter in answer.get("parameter", []):
        parts = parameter.get("part", [])
        verb = parameter.get("valueCode") or next((str(part["valueCode"]) for part in parts if part["name"] == "verb"), "")
        if view.door.operation(kind, verb):
            found[verb] = tuple(str(part["valueCode"]) for part in parts if part["name"] == "missing")
    return found
