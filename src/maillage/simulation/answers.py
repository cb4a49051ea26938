"""What a study answers: one object for programs, lines for people, with what must stand beside every result."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from maillage.simulation import plots
from maillage.simulation.compiled import version
from maillage.simulation.parameters import Scenario, load
from maillage.simulation.sensitivity import Bar
from maillage.simulation.study import Difference, Estimate, Study, compare
from maillage.simulation.warmup import settled
from maillage.simulation.words import CHARGED, HOLD, LABELS, MAIN, STOPPED, limits, number, table

__all__ = ["HOLD", "MAIN", "STOPPED", "limits", "number", "table"]


def assumptions(scenario: Scenario) -> tuple[int, int]:
    """How many parameters are assumptions, of how many."""
    parameters = load(scenario.model).parameters.values()
    return sum(parameter.assumed for parameter in parameters), len(parameters)


def answer(study: Study, other: Study | None = None) -> dict[str, Any]:
    """One object: figures with intervals, what they rest on, the comparison, what it amounts to in words."""
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
        "limits": list(limits(study.scenario.calibration)),
    }


def _said(found: Estimate) -> dict[str, Any]:
    return {key: plain(value) for key, value in (("mean", found.mean), ("low", found.low), ("high", found.high))}


def plain(value: float) -> float | None:
    """A number that JSON can say: it has no infinity."""
    return round(value, 6) if math.isfinite(value) else None


def sentence(label: str, unit: str, found: Estimate) -> str:
    """A figure with its interval."""
    return f"{label} : {number(found.mean)} {unit} [{number(found.low)} ; {number(found.high)}]"


def gap_sentence(label: str, unit: str, found: Difference) -> str:
    """A difference with its interval, or that none is shown."""
    sign = "+" if found.estimate.mean >= 0 else "−"
    size = number(abs(found.estimate.mean))
    interval = f"[{number(found.estimate.low)} ; {number(found.estimate.high)}]"
    return f"{label} : {sign}{size} {unit} {interval}" if found.shown else f"{label} : aucune différence démontrée {interval}"


def lines(study: Study, other: Study | None = None) -> list[str]:
    """What a person reads on the terminal."""
    made = []
    for each in (study, other) if other else (study,):
        assumed, total = assumptions(each.scenario)
        made += [each.scenario.title]
        made += [f"  {sentence(label, unit, each.estimate(name))}" for name, (label, unit) in MAIN.items()]
        made += [f"  {len(each.figures)} années simulées ({STOPPED[each.stopped]}), graine {each.seed}, scénario {each.scenario.digest}"]
        made += [f"  {assumed} paramètres sur {total} sont des hypothèses."]
        made += [f"  {said}" for said in warm_up_lines(each)]
    if other:
        made += [f"Écart : « {other.scenario.title} » moins « {study.scenario.title} »"]
        found = compare(study, other, list(MAIN))
        made += [f"  {gap_sentence(label, unit, found[name])}" for name, (label, unit) in MAIN.items()]
    return [*made, *conclusion(study, other), *limits(*(each.scenario.calibration for each in ((study, other) if other else (study,))))]


def warm_up_lines(study: Study) -> list[str]:
    """How long the runs took to forget how they began, where more should have been left out."""
    found = settled(study)
    if math.isinf(found.days):
        return ["Le service ne se stabilise pas en un an : les moyennes décrivent une file qui s'allonge."]
    return [f"Mise en régime trouvée : {found.days:.0f} jours, plus que les {found.used} écartés."] if found.warns else []


SAID: Final = (("door_mean", "Le délai porte-médecin moyen", "min"), ("stay_mean", "La durée de séjour moyenne", "min"),
               ("unseen", "La part de départs sans être vu", "points"), ("boarding_hours", "L'attente d'un lit", "h par jour"))  # fmt: skip


def conclusion(study: Study, other: Study | None = None) -> list[str]:
    """What a director may read aloud: each figure with its uncertainty, a difference only where one is shown."""
    if other is None:
        return [_alone(study), _held(study), _loaded(study)]
    found = compare(study, other, [name for name, _, _ in SAID], comparisons=len(SAID))
    said = [_changed(words, unit, found[name]) for name, words, unit in SAID]
    idle = other.estimate("idle:og")
    evening = [f"Le médecin de ville y est sans patient {number(idle.mean)} h par jour."] if idle.mean > 0 else []
    return [f"Avec « {other.scenario.title} » plutôt que « {study.scenario.title} » :", *said, *evening, _held(other), _loaded(other)]


def _alone(study: Study) -> str:
    door, late, gone = (study.estimate(name) for name in ("door_mean", "door_p90", "unseen"))
    return (
        f"Un médecin est vu après {number(door.mean)} min en moyenne ({between(door)}) ; un patient sur dix attend plus de "
        f"{number(late.mean)} min ; {number(gone.mean)} % partent sans être vus ({between(gone)})."
    )


def between(found: Estimate) -> str:
    """The interval in words."""
    return f"entre {number(max(0.0, found.low) if found.mean >= 0 else found.low)} et {number(found.high)}"


def _changed(words: str, unit: str, found: Difference) -> str:
    if not found.shown:
        return f"{words} : aucune différence démontrée (écart entre {number(found.estimate.low)} et {number(found.estimate.high)} {unit})."
    low, high = sorted((abs(found.estimate.low), abs(found.estimate.high)))
    verb = "baisse" if found.estimate.mean < 0 else "augmente"
    return f"{words} {verb} de {number(abs(found.estimate.mean))} {unit} (entre {number(low)} et {number(high)})."


def _held(study: Study) -> str:
    """Whether the limits that teams are searched with are held, with 95 % confidence."""
    if all(study.estimate(name, 0.90).high <= most for name, most in HOLD.items()):
        return "Neuf patients sur dix voient un médecin en moins de 60 min et moins de 3 % partent sans être vus : tenu, à 95 %."
    if any(study.estimate(name, 0.90).low > most for name, most in HOLD.items()):
        return "Neuf patients sur dix vus en moins de 60 min et moins de 3 % de départs sans être vu : non tenu, à 95 %."
    return "Neuf patients sur dix vus en moins de 60 min et moins de 3 % de départs sans être vu : on ne peut pas trancher."


def _loaded(study: Study) -> str:
    """Which resource gives first."""
    name = max(CHARGED, key=lambda each: study.estimate(f"use:{each}").mean)
    return f"Le plus chargé : {CHARGED[name]}, occupés à {number(study.estimate(f'use:{name}').mean)} %."


def curves(study: Study) -> dict[str, dict[str, list[float]]]:
    """The curves by time of day, for pages that draw them themselves."""
    shown = {name: plots.day_of(study.total, name) for name in LABELS if name in study.total.crowd}
    return {
        name: {part: [round(float(value), 2) for value in values] for part, values in zip(("mean", "low", "high"), parts, strict=True)}
        for name, parts in ((name, (day.mean, day.low, day.high)) for name, day in shown.items())
    }


def team_lines(found: Mapping[str, Any]) -> list[str]:
    """What the search of teams found."""
    if not found:
        return []
    searched, volume = found["staffing"], found["breaking_volume"]
    team = searched["found"]
    said = ", ".join(f"{key} {value}" for key, value in team.items()) if team else "aucune équipe de la grille ne tient les limites"
    broken = "au-delà du plafond simulé" if volume is None else f"à partir de {number(volume)} passages par an"
    return [f"Équipe la moins chère qui tient ({len(searched['tried'])} essayées) : {said}.", f"L'organisation présente cède {broken}."]


def weights(bars: Sequence[Bar]) -> list[dict[str, Any]]:
    """The assumptions, heaviest first."""
    return [{"parameter": bar.key, "down": _said(bar.low), "up": _said(bar.high)} for bar in bars]


def weight_lines(bars: Sequence[Bar]) -> list[str]:
    """The five assumptions that weigh most on the delay to a doctor."""
    said = [
        f"  {bar.key} : {number(bar.low.mean)} / {number(bar.high.mean)} min quand il baisse / monte d'un cinquième" for bar in bars[:5]
    ]
    return ["Les cinq hypothèses qui pèsent le plus sur le délai porte-médecin :", *said] if said else []
