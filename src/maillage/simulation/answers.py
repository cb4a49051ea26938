"""What a study answers: one object for programs, lines for people, with what must stand beside every result."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from maillage.simulation import plots
from maillage.simulation.compiled import version
from maillage.simulation.parameters import Scenario, load
from maillage.simulation.sensitivity import Bar
from maillage.simulation.sentences import Said, limits, said, spoken, tell
from maillage.simulation.spreadsheet import table
from maillage.simulation.study import Difference, Estimate, Study, compare
from maillage.simulation.warmup import settled
from maillage.simulation.words import CHARGED, HOLD, LABELS, MAIN, STOPPED, number

__all__ = ["HOLD", "MAIN", "STOPPED", "limits", "number", "table"]


def assumptions(scenario: Scenario) -> tuple[int, int]:
    """How many parameters are assumptions, of how many."""
    parameters = load(scenario.model).parameters.values()
    return sum(parameter.assumed for parameter in parameters), len(parameters)


def answer(study: Study, other: Study | None = None) -> dict[str, Any]:
    """One object: figures with intervals, what they rest on, the comparison, what it amounts to as sentences to be."""
    made = _one(study)
    made["conclusion"] = conclusion(study, other)
    if other:
        found = compare(study, other)
        made["against"] = _one(other)
        made["difference"] = {name: {**_said(d.estimate), "shown": d.shown} for name, d in found.items()}
    return made


def _one(study: Study) -> dict[str, Any]:
    assumed, total = assumptions(study.scenario)
    warm = settled(study)
    return {
        "scenario": study.scenario.name,
        "title": study.scenario.title,
        "scenario_hash": study.scenario.digest,
        "code_hash": version(),
        "seed": study.seed,
        "replications": len(study.figures),
        "days": study.days,
        "warm_up_days": study.warm_up,
        "stopped": study.stopped,
        "assumptions": {"assumed": assumed, "parameters": total},
        "changed": {key: study.scenario.values[key] for key in study.scenario.changed},
        "figures": {name: _said(found) for name, found in study.estimates().items()},
        "warm_up_found": plain(warm.days),
        "warm_up_warns": warm.warns,
        "limits": limits(study.scenario.calibration),
    }


def _said(found: Estimate) -> dict[str, Any]:
    return {key: plain(value) for key, value in (("mean", found.mean), ("low", found.low), ("high", found.high))}


def plain(value: float) -> float | None:
    """A number that JSON can say: it has no infinity."""
    return round(value, 6) if math.isfinite(value) else None


def figure(unit: str, found: Estimate, lang: str = "fr") -> str:
    """A figure with its interval."""
    return f"{number(found.mean, lang)} {spoken(unit, lang)} {_interval(found, lang)}"


def gap(unit: str, found: Difference, lang: str = "fr") -> str:
    """A difference with its interval, or that none is shown."""
    if not found.shown:
        return f"{spoken('aucune différence démontrée', lang)} {_interval(found.estimate, lang)}"
    sign = "+" if found.estimate.mean >= 0 else "−"
    return f"{sign}{number(abs(found.estimate.mean), lang)} {spoken(unit, lang)} {_interval(found.estimate, lang)}"


def _interval(found: Estimate, lang: str) -> str:
    return f"[{number(found.low, lang)} ; {number(found.high, lang)}]"


def colon(label: str, text: str, lang: str = "fr") -> str:
    """A label and what it is of."""
    return f"{spoken(label, lang)}{' :' if lang == 'fr' else ':'} {text}"


def lines(study: Study, other: Study | None = None, lang: str = "fr") -> list[str]:
    """What a person reads on the terminal."""
    made = []
    for each in (study, other) if other else (study,):
        made += [spoken(each.scenario.title, lang)]
        made += [f"  {colon(label, figure(unit, each.estimate(name), lang), lang)}" for name, (label, unit) in MAIN.items()]
        made += [f"  {_played(each, lang)}", f"  {assumed_line(each.scenario, lang)}"]
        made += [f"  {line}" for line in warm_up_lines(each, lang)]
    if other:
        made += [tell(said("gap", other=other.scenario.title, first=study.scenario.title), lang)]
        found = compare(study, other, list(MAIN))
        made += [f"  {colon(label, gap(unit, found[name], lang), lang)}" for name, (label, unit) in MAIN.items()]
    return [*made, *told(study, other, lang), *told_limits(study, other, lang)]


def _played(study: Study, lang: str) -> str:
    years, stopped = str(len(study.figures)), STOPPED[study.stopped]
    return tell(said("played", years=years, stopped=stopped, seed=str(study.seed), hash=study.scenario.digest), lang)


def assumed_line(scenario: Scenario, lang: str = "fr") -> str:
    """How many parameters are assumptions, of how many, in words."""
    assumed, total = assumptions(scenario)
    return tell(said("assumed", assumed=str(assumed), total=str(total)), lang)


def title(study: Study, other: Study | None = None, lang: str = "fr") -> str:
    """The title of a report."""
    return spoken(" et ", lang).join(spoken(each.scenario.title, lang) for each in ((study, other) if other else (study,)))


def told(study: Study, other: Study | None = None, lang: str = "fr") -> list[str]:
    """The conclusion in words."""
    return [tell(each, lang) for each in conclusion(study, other)]


def told_limits(study: Study, other: Study | None = None, lang: str = "fr") -> list[str]:
    """The limits in words."""
    return [tell(each, lang) for each in limits(*(each.scenario.calibration for each in ((study, other) if other else (study,))))]


def warm_up_lines(study: Study, lang: str = "fr") -> list[str]:
    """How long the runs took to forget how they began, where more should have been left out."""
    found = settled(study)
    if math.isinf(found.days):
        return [tell(said("warm-up.never"), lang)]
    return [tell(said("warm-up.over", days=f"{found.days:.0f}", used=str(found.used)), lang)] if found.warns else []


SAID: Final = ("door_mean", "stay_mean", "unseen", "boarding_hours")
"""The figures of which a comparison says whether they change."""


def conclusion(study: Study, other: Study | None = None) -> list[Said]:
    """What a director may read aloud: each figure with its uncertainty, a difference only where one is shown."""
    if other is None:
        return [_alone(study), _held(study), _loaded(study)]
    found = compare(study, other, list(SAID), comparisons=len(SAID))
    idle = other.estimate("idle:og")
    evening = [said("idle", hours=plain(idle.mean))] if idle.mean > 0 else []
    head = said("against", other=other.scenario.title, first=study.scenario.title)
    return [head, *(_changed(name, found[name]) for name in SAID), *evening, _held(other), _loaded(other)]


def _alone(study: Study) -> Said:
    door, late, gone = (study.estimate(name) for name in ("door_mean", "door_p90", "unseen"))
    return said("alone", late=plain(late.mean), **_between("door", door), **_between("gone", gone))


def _between(name: str, found: Estimate) -> dict[str, float | None]:
    """A mean and the ends of its interval; what cannot be negative is not said to be."""
    low = max(0.0, found.low) if found.mean >= 0 else found.low
    return {name: plain(found.mean), f"{name}_low": plain(low), f"{name}_high": plain(found.high)}


def _changed(name: str, found: Difference) -> Said:
    if not found.shown:
        return said(f"same.{name}", low=plain(found.estimate.low), high=plain(found.estimate.high))
    low, high = sorted((abs(found.estimate.low), abs(found.estimate.high)))
    verb = "less" if found.estimate.mean < 0 else "more"
    return said(f"{verb}.{name}", size=plain(abs(found.estimate.mean)), low=plain(low), high=plain(high))


def _held(study: Study) -> Said:
    """Whether the limits that teams are searched with are held, with 95 % confidence."""
    if all(study.estimate(name, 0.90).high <= most for name, most in HOLD.items()):
        return said("held.yes")
    return said("held.no" if any(study.estimate(name, 0.90).low > most for name, most in HOLD.items()) else "held.open")


def _loaded(study: Study) -> Said:
    """Which resource gives first."""
    name = max(CHARGED, key=lambda each: study.estimate(f"use:{each}").mean)
    return said(f"loaded.{name}", use=plain(study.estimate(f"use:{name}").mean))


def curves(study: Study) -> dict[str, dict[str, list[float]]]:
    """The curves by time of day, for pages that draw them themselves."""
    shown = {name: plots.day_of(study.total, name) for name in LABELS if name in study.total.crowd}
    return {
        name: {part: [round(float(value), 2) for value in values] for part, values in zip(("mean", "low", "high"), parts, strict=True)}
        for name, parts in ((name, (day.mean, day.low, day.high)) for name, day in shown.items())
    }


def team_lines(found: Mapping[str, Any], lang: str = "fr", named: Callable[[str], str] = str) -> list[str]:
    """What the search of teams found; `named`: how a parameter is called."""
    if not found:
        return []
    searched, volume = found["staffing"], found["breaking_volume"]
    tried, team = str(len(searched["tried"])), ", ".join(f"{named(key)} {value}" for key, value in (searched["found"] or {}).items())
    first = said("team.found", tried=tried, team=team) if team else said("team.none", tried=tried)
    second = said("breaks.never") if volume is None else said("breaks.at", volume=volume)
    return [tell(each, lang) for each in (first, second)]


def weights(bars: Sequence[Bar]) -> list[dict[str, Any]]:
    """The assumptions, heaviest first."""
    return [{"parameter": bar.key, "down": _said(bar.low), "up": _said(bar.high)} for bar in bars]


def weight_lines(bars: Sequence[Bar], lang: str = "fr", named: Callable[[str], str] = str) -> list[str]:
    """The five assumptions that weigh most on the delay to a doctor; `named`: how a parameter is called."""
    each = [tell(said("weight", parameter=named(bar.key), down=plain(bar.low.mean), up=plain(bar.high.mean)), lang) for bar in bars[:5]]
    return [tell(said("weights"), lang), *(f"  {line}" for line in each)] if each else []
