"""What a study answers: one object for programs, lines for people, with what must stand beside every result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from maillage.simulation.compiled import digest
from maillage.simulation.parameters import Scenario, load
from maillage.simulation.sensitivity import Bar
from maillage.simulation.study import Difference, Estimate, Study, compare

MAIN: Final = {
    "door_mean": ("Délai porte-médecin, moyenne", "min"),
    "door_p90": ("Délai porte-médecin, 9e décile", "min"),
    "door_within": ("Vus dans le délai FRENCH", "%"),
    "stay_mean": ("Durée de séjour, moyenne", "min"),
    "stay_p90": ("Durée de séjour, 9e décile", "min"),
    "stay_over_8h": ("Séjours de plus de 8 h", "%"),
    "unseen": ("Partis sans être vus", "%"),
    "boarding_hours": ("Attente d'un lit, dans le service", "h/jour"),
    "boarders_8h": ("Attendent un lit à 8 h", "personnes"),
    "og_taken": ("Pris par le médecin de ville", "%"),
    "og_missed": ("Éligibles non pris", "% des éligibles"),
    "idle:og": ("Médecin de ville sans patient", "h/jour"),
    "use:doctor": ("Occupation des médecins", "%"),
    "use:nurse": ("Occupation des infirmiers", "%"),
    "use:box": ("Occupation des boxes", "%"),
    "use:bed": ("Occupation des lits d'aval", "%"),
}
LIMITS: Final = (
    "Compare des organisations ; ne prédit ni une journée, ni un patient. Un écart simulé n'est pas un effet démontré.",
    "Non calé sur ce service.",
    "La patience est une hypothèse ; lire les départs sans soins à côté des durées.",
    "Simplifié : équipes identiques, sans fatigue ni adaptation ; niveau fixé au tri ; ni âge ni retour ; un ensemble de lits.",
    "Laboratoire sans file ; jours de 24 h. Zones : places et surveillance, non la sûreté des locaux.",
)
STOPPED: Final = {"precise": "précision atteinte", "asked": "nombre demandé", "most": "nombre maximal", "time": "temps écoulé"}


def assumptions(scenario: Scenario) -> tuple[int, int]:
    """How many parameters are assumptions, of how many."""
    parameters = load(scenario.model).parameters.values()
    return sum(parameter.assumed for parameter in parameters), len(parameters)


def answer(study: Study, other: Study | None = None) -> dict[str, Any]:
    """One object: figures with intervals, what they rest on, the comparison."""
    made = _one(study)
    if other:
        found = compare(study, other)
        made["against"] = _one(other)
        made["difference"] = {name: {**_said(d.estimate), "shown": d.shown} for name, d in found.items()}
    return made


def _one(study: Study) -> dict[str, Any]:
    assumed, total = assumptions(study.scenario)
    return {
        "scenario": study.scenario.name,
        "title": study.scenario.title,
        "scenario_hash": study.scenario.digest,
        "code_hash": digest()[:16],
        "seed": study.seed,
        "replications": len(study.figures),
        "days": study.days,
        "warm_up_days": study.warm_up,
        "stopped": study.stopped,
        "assumptions": {"assumed": assumed, "parameters": total},
        "changed": {key: study.scenario.values[key] for key in study.scenario.changed},
        "figures": {name: _said(found) for name, found in study.estimates().items()},
        "limits": list(LIMITS),
    }


def _said(found: Estimate) -> dict[str, Any]:
    return {key: _plain(value) for key, value in (("mean", found.mean), ("low", found.low), ("high", found.high))}


def _plain(value: float) -> float | None:
    """JSON has no infinity."""
    return round(value, 6) if math.isfinite(value) else None


def number(value: float) -> str:
    """A number as a French page writes it."""
    if not math.isfinite(value):
        return "–"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 1 else 2
    return f"{value:.{digits}f}".replace(".", ",")


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
    if other:
        made += [f"Écart : « {other.scenario.title} » moins « {study.scenario.title} »"]
        found = compare(study, other, list(MAIN))
        made += [f"  {gap_sentence(label, unit, found[name])}" for name, (label, unit) in MAIN.items()]
    return [*made, *LIMITS]


def weights(bars: Sequence[Bar]) -> list[dict[str, Any]]:
    """The assumptions, heaviest first."""
    return [{"parameter": bar.key, "down": _said(bar.low), "up": _said(bar.high)} for bar in bars]


def weight_lines(bars: Sequence[Bar]) -> list[str]:
    """The five assumptions that weigh most on the delay to a doctor."""
    said = [
        f"  {bar.key} : {number(bar.low.mean)} / {number(bar.high.mean)} min quand il baisse / monte d'un cinquième" for bar in bars[:5]
    ]
    return ["Les cinq hypothèses qui pèsent le plus sur le délai porte-médecin :", *said] if said else []
