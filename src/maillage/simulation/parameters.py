"""The numbers of a model and of a scenario: each with unit, source and range, and a refusal that says the key, the range, the unit."""

from __future__ import annotations

import hashlib
import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from maillage.simulation import fitted
from maillage.simulation.fitted import Fitted

ASSUMPTION: Final = "ASSUMPTION"
Value = float | str | list[Any]


class Wrong(ValueError):
    """A scenario that cannot be run: the key, and what is wrong with it."""

    def __init__(self, key: str, code: str, detail: str) -> None:
        super().__init__(f"{key}: {detail} [{code}]")
        self.key, self.code, self.detail = key, code, detail


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number, word or list of numbers of the model."""

    key: str
    value: Value
    unit: str
    source: str
    low: float = -math.inf
    high: float = math.inf
    length: int | None = None
    among: tuple[str, ...] = ()
    decision: bool = False
    """Chosen by whoever asks (a team, an hour), not a fact that may be known badly."""

    @property
    def assumed(self) -> bool:
        """No source stands behind it."""
        return ASSUMPTION in self.source

    def checked(self, value: Any) -> Value:
        """The value, or `Wrong` with the key, the range and the unit."""
        if self.among:
            if value not in self.among:
                raise Wrong(self.key, "not-among", f"{value!r} is none of {', '.join(self.among)}")
            return str(value)
        if self.length == 0:
            return self._rows(value)
        if self.length is None:
            return self._number(value)
        if not isinstance(value, list) or len(value) != self.length:
            raise Wrong(self.key, "length", f"{self.length} numbers are expected ({self.unit})")
        return [self._number(item) for item in value]

    def _number(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            raise Wrong(self.key, "not-a-number", f"{value!r} is not a number ({self.unit})")
        if not self.low <= value <= self.high:
            raise Wrong(self.key, "out-of-range", f"{value:g} is not between {self.low:g} and {self.high:g} {self.unit}")
        return value

    def _rows(self, value: Any) -> list[Any]:
        if not isinstance(value, list) or any(not isinstance(row, list) or len(row) != 4 for row in value):
            raise Wrong(self.key, "length", f"lists of 4 numbers are expected ({self.unit})")
        return [[self._number(item) for item in row] for row in value]


@dataclass(frozen=True, slots=True)
class Model:
    """A model as its two files say it."""

    name: str
    title: str
    path: str
    classes: tuple[str, ...]
    parameters: dict[str, Parameter]
    columns: dict[str, dict[str, Any]]
    direct: dict[str, Any]

    def defaults(self) -> dict[str, Value]:
        """The value of every parameter."""
        return {key: parameter.value for key, parameter in self.parameters.items()}


@dataclass(frozen=True, slots=True)
class Scenario:
    """A model with some of its numbers changed."""

    name: str
    title: str
    model: str
    values: dict[str, Value]
    changed: tuple[str, ...]
    question: str = ""
    sites: tuple[Scenario, ...] = ()
    """Departments run side by side; empty when the scenario is one department."""
    calibration: Fitted | None = None
    """How it was fitted to a department's own data; nothing for a scenario that was fitted to none."""

    @property
    def digest(self) -> str:
        """A hash of everything that the result depends on, but the seed and the code."""
        model = load(self.model)
        text = repr(
            (
                model.path,
                model.columns,
                model.direct,
                [(key, _whole(value)) for key, value in sorted(self.values.items())],
                [site.digest for site in self.sites],
            )
        )
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def number(self, key: str) -> float:
        """A parameter that is one number."""
        value = self.values[key]
        if not isinstance(value, int | float):
            raise Wrong(key, "not-a-number", "a list or a word stands where a number is needed")
        return value

    def numbers(self, key: str) -> list[float]:
        """A parameter that is a list of numbers."""
        value = self.values[key]
        return value if isinstance(value, list) else [float(value)]

    def word(self, key: str) -> str:
        """A parameter that is a word."""
        return str(self.values[key])

    def changing(self, values: Mapping[str, Any], name: str = "", title: str = "", question: str = "") -> Scenario:
        """The same with these numbers, checked, in each of its departments; what sets a department apart stays."""
        said = {"title": title or self.title, "model": self.model, "question": question or self.question}
        made = _made(name or self.name, said, {**self.values, **values})
        own = [{key: value for key, value in site.values.items() if value != self.values[key]} for site in self.sites]
        sites = tuple(
            _made(f"{made.name}/{site.name.rpartition('/')[2]}", said, {**made.values, **kept})
            for site, kept in zip(self.sites, own, strict=True)
        )
        return replace(made, sites=sites, calibration=self.calibration)


def _whole(value: Any) -> Any:
    """A value as it is hashed: six is six, however it was written."""
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@cache
def load(name: str = "ed") -> Model:
    """A model that ships with the program."""
    folder = files("maillage.simulation").joinpath("model")
    raw = tomllib.loads(folder.joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    parameters = {key: _parameter(key, said) for key, said in raw["parameters"].items()}
    path = folder.joinpath(raw["path"]).read_text(encoding="utf-8")
    return Model(name, raw["title"], path, tuple(raw["classes"]), parameters, raw["columns"], raw["direct"])


def _parameter(key: str, said: Mapping[str, Any]) -> Parameter:
    low, high = said.get("range", (-math.inf, math.inf))
    among = tuple(said.get("among", ()))
    made = Parameter(
        key, said["value"], said["unit"], said["source"], low, high, said.get("length"), among, decision=said.get("decision", False)
    )
    made.checked(made.value)
    return made


def problems(values: Mapping[str, Any], model: str = "ed") -> list[Wrong]:
    """Everything that is wrong with these numbers: of each parameter, then of those that only hold together."""
    known = load(model)
    found: list[Wrong] = []
    for key, value in values.items():
        try:
            known.parameters[key].checked(value) if key in known.parameters else _unknown(key, model)
        except Wrong as wrong:
            found.append(wrong)
    if not found:
        try:
            _together({**known.defaults(), **values})
        except Wrong as wrong:
            found.append(wrong)
    return found


def _unknown(key: str, model: str) -> None:
    raise Wrong(key, "unknown-key", f"the model '{model}' has no such parameter")


def _made(name: str, said: Mapping[str, Any], values: Mapping[str, Any]) -> Scenario:
    model = load(said.get("model", "ed"))
    full = model.defaults()
    for key, value in values.items():
        if key not in model.parameters:
            _unknown(key, model.name)
        full[key] = model.parameters[key].checked(value)
    _together(full)
    changed = tuple(key for key in full if full[key] != model.parameters[key].value)
    return Scenario(name, said.get("title", name), model.name, full, changed, said.get("question", ""))


def _together(values: Mapping[str, Any]) -> None:
    """What no parameter can see alone."""
    for key in ("arrivals.share", "arrivals.hour"):
        if abs(sum(values[key]) - 100) > 0.5:
            raise Wrong(key, "sum", f"the sum is {sum(values[key]):g}, 100 % is expected")
    if any(ward + uhcd > 100 for ward, uhcd in zip(values["ward.share"], values["uhcd.share"], strict=True)):
        raise Wrong("uhcd.share", "sum", "with ward.share it passes 100 %")
    if values["discharge.from"] > values["discharge.to"] or values["direct.from"] >= values["direct.to"]:
        raise Wrong("discharge.from", "order", "it comes after discharge.to (or direct.from after direct.to)")


ALLOWED: Final = {"title", "model", "question", "base", "set", "sites", "calibration"}


def read(text: str, name: str) -> Scenario:
    """A scenario from its TOML: title, base (another scenario that ships), set (what changes), sites (departments side by side)."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Wrong(name, "not-toml", str(error)) from error
    for key in raw:
        if key not in ALLOWED:
            raise Wrong(key, "unknown-key", f"a scenario has only {', '.join(sorted(ALLOWED))}")
    base = shipped(raw["base"]) if "base" in raw else None
    values = {**(base.values if base else {}), **raw.get("set", {})}
    made = _made(name, {"model": base.model if base else "ed", **raw}, values)
    sites = tuple(_made(f"{name}/{site['name']}", raw, {**values, **site.get("set", {})}) for site in raw.get("sites", ()))
    return replace(made, sites=sites, calibration=_calibration(raw["calibration"]) if "calibration" in raw else None)


def _calibration(kept: object) -> Fitted:
    if not isinstance(kept, dict):
        raise Wrong("calibration", "not-a-calibration", "a table of figures is expected: fit again, or take this line out")
    try:
        return fitted.read(kept)
    except ValueError as error:
        raise Wrong("calibration", "not-a-calibration", str(error)) from error


def text_of(scenario: Scenario) -> str:
    """The scenario as a file that stands alone: `read` gives the same numbers back, hence the same hash."""
    model = load(scenario.model)
    said = {"title": scenario.title, "question": scenario.question, "model": model.name}
    lines = [f"{key} = {_toml(value)}" for key, value in said.items() if value]
    if scenario.calibration:
        lines += ["[calibration]", *(f"{key} = {_toml(value)}" for key, value in fitted.figures(scenario.calibration).items())]
    lines += ["[set]", *_changes(scenario, model.defaults())]
    for site in scenario.sites:
        changes = ", ".join(_changes(site, scenario.values))
        lines += ["[[sites]]", f"name = {_toml(site.name.rpartition('/')[2])}", f"set = {{ {changes} }}"]
    return "\n".join(lines) + "\n"


def _changes(scenario: Scenario, base: Mapping[str, Value]) -> list[str]:
    return [f"{_toml(key)} = {_toml(value)}" for key, value in scenario.values.items() if value != base[key]]


def _toml(value: Any) -> str:
    """A value as TOML writes it: JSON's texts are TOML's, its numbers too but for the infinite."""
    if isinstance(value, list):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_toml(item)}' for key, item in value.items())} }}"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def shipped_names() -> list[str]:
    """The scenarios that ship with the program."""
    folder = files("maillage.simulation").joinpath("scenarios")
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def shipped(name: str) -> Scenario:
    """A scenario that ships with the program, by name."""
    if name not in shipped_names():
        raise Wrong(name, "unknown-scenario", f"none of {', '.join(shipped_names())}")
    return read(files("maillage.simulation").joinpath("scenarios", f"{name}.toml").read_text(encoding="utf-8"), name)


def find(name: str) -> Scenario:
    """A scenario by name, or by the path of its file."""
    path = Path(name)
    if path.suffix == ".toml":
        return read(path.read_text(encoding="utf-8"), path.stem)
    return shipped(name)
