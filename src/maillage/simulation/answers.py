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
HOLD: Final[Mapping[str, float]] = {"door_p90": 60.0, "unseen": 3.0}
"""What the teams that are searched must hold."""
STOPPED: Final = {
    "precise": "précision atteinte",
    "asked": "nombre demandé",
    "most": "nombre maximal",
    "time": "temps écoulé",
    "": "en cours",
}


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
        "warm_up_found": _plain(warm.days),
        "warm_up_warns": warm.warns,
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
        made += [f"  {said}" for said in warm_up_lines(each)]
    if other:
        made += [f"Écart : « {other.scenario.title} » moins « {study.scenario.title} »"]
        found = compare(study, other, list(MAIN))
        made += [f"  {gap_sentence(label, unit, found[name])}" for name, (label, unit) in MAIN.items()]
    return [*made, *conclusion(study, other), *LIMITS]


def warm_up_lines(study: Study) -> list[str]:
    """How long the runs took to forget how they began, where more should have been left out."""
    found = settled(study)
    if math.isinf(found.days):
        return ["Le service ne se stabilise pas en un an : les moyennes décrivent une file qui s'allonge."]
    return [f"Mise en régime trouvée : {found.days:.0f} jours, plus que les {found.used} écartés."] if found.warns else []


SAID: Final = (("door_mean", "le délai porte-médecin moyen", "min"), ("stay_mean", "la durée de séjour moyenne", "min"),
               ("unseen", "la part de départs sans être vu", "point(s)"), ("boarding_hours", "l'attente d'un lit", "h par jour"))  # fmt: skip
CHARGED: Final = {
    "doctor": "les médecins", "nurse": "les infirmiers", "ioa": "l'infirmier d'accueil", "box": "les boxes", "imaging": "l'imagerie",
    "uhcd": "l'UHCD", "bed": "les lits d'aval",
}  # fmt: skip


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
    shown = {name: plots.day_of(study.total, name) for name in plots.LABELS if name in study.total.crowd}
    return {
        name: {part: [round(float(value), 2) for value in values] for part, values in zip(("mean", "low", "high"), parts, strict=True)}
        for name, parts in ((name, (day.mean, day.low, day.high)) for name, day in shown.items())
    }


def table(found: Mapping[str, Any]) -> str:
    """An answer as lines for a spreadsheet: what each figure is of, then the figure with its interval."""
    rows = ["indicateur;unité;scénario;moyenne;bas;haut;graine;empreinte;code;réplications"]
    for one in (found, found.get("against")):
        if one:
            trace = f"{one['seed']};{one['scenario_hash']};{one['code_hash']};{one['replications']}"
            rows += [f"{_row(name, one['scenario'], figure)};{trace}" for name, figure in one["figures"].items()]
    for name, figure in found.get("difference", {}).items():
        rows.append(f"{_row(name, 'écart', figure)};{found['seed']};;{found['code_hash']};{found['replications']}")
    return "\ufeff" + "\r\n".join(rows) + "\r\n"


def _row(name: str, scenario: str, figure: Mapping[str, float | None]) -> str:
    unit = MAIN[name][1] if name in MAIN else ""
    values = ["" if figure[part] is None else str(figure[part]).replace(".", ",") for part in ("mean", "low", "high")]
    return ";".join([name, unit, scenario, *values])


def weights(bars: Sequence[Bar]) -> list[dict[str, Any]]:
    """The assumptions, heaviest first."""
    return [{"parameter": bar.key, "down": _said(bar.low), "up": _said(bar.high)} for bar in bars]


def weight_lines(bars: Sequence[Bar]) -> list[str]:
    """The five assumptions that weigh most on the delay to a doctor."""
    said = [
        f"  {bar.key} : {number(bar.low.mean)} / {number(bar.high.mean)} min quand il baisse / monte d'un cinquième" for bar in bars[:5]
    ]
    return ["Les cinq hypothèses qui pèsent le plus sur le délai porte-médecin :", *said] if said else []


def team_lines(found: Mapping[str, Any]) -> list[str]:
    """What the search of teams found."""
    if not found:
        return []
    searched, volume = found["staffing"], found["breaking_volume"]
    team = searched["found"]
    said = ", ".join(f"{key} {value}" for key, value in team.items()) if team else "aucune équipe de la grille ne tient les limites"
    broken = "au-delà du plafond simulé" if volume is None else f"à partir de {number(volume)} passages par an"
    return [f"Équipe la moins chère qui tient ({len(searched['tried'])} essayées) : {said}.", f"L'organisation présente cède {broken}."]
