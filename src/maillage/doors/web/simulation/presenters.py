"""Answers of the simulation as lines and plots. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from maillage.doors.web.catalogue import say, word
from maillage.doors.web.language import language, spoken
from maillage.experiments import Experiment
from maillage.simulation import load, words
from maillage.simulation.sentences import LIMITS, tell
from maillage.simulation.words import FORETOLD, LABELS, MAIN, STOPPED, WAYS_OUT

Figure = Mapping[str, float | None]
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 240, 44, 28, 8
PLOTTED: Final = ("census", "queue:box", "queue:doctor", "boarders", "busy:doctor", "busy:box", "zone:near", "zone:remote")
TONES: Final = {"requested": "wait", "in-progress": "work", "completed": "done", "cancelled": "off", "failed": "bad"}
SIDES: Final = ("Départ", "Comparée")
STAFF: Final = {
    "ioa": "Infirmier d’accueil", "nurse": "Infirmiers", "doctor": "Médecins", "box": "Boxes", "imaging": "Imagerie",
    "og": "Médecin de ville", "uhcd": "UHCD", "bed": "Lits d’aval",
}  # fmt: skip
EXITS: Final = {"home": WAYS_OUT["home"], "og": STAFF["og"], "ward": WAYS_OUT["ward"], "uhcd": WAYS_OUT["uhcd"]}
ZONES: Final = {
    "stretchers": "Brancards",
    "near": "Attente proche",
    "remote": "Attente à distance",
    "unplaced": "Sans place",
    "unwatched": "Sans surveillance",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One experiment of the list."""

    id: str
    title: str
    state: str
    tone: str
    kind: str
    asked_at: Any
    said: str


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a plot, with the band in which eight days of ten lie."""

    label: str
    look: str
    line: str
    band: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure by time of day, and the same as a table."""

    id: str
    title: str
    curves: tuple[Curve, ...]
    ticks: tuple[tuple[float, str], ...]
    hours: tuple[tuple[float, str], ...]
    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def line(experiment: Experiment, titles: Sequence[str]) -> Line:
    """An experiment in the list."""
    return Line(
        experiment.id,
        " / ".join(titles),
        word("experiment-state", experiment.status),
        TONES[experiment.status],
        word("experiment-kind", experiment.kind),
        experiment.asked_at,
        say("simulation.years", n=experiment.done) if experiment.done else "",
    )


def shown(figure: Figure | None) -> str:
    """A mean with its interval."""
    if not figure or figure["mean"] is None:
        return "–"
    if figure["low"] is None or figure["high"] is None:
        return _number(figure["mean"])
    return f"{_number(figure['mean'])} [{_number(figure['low'])} ; {_number(figure['high'])}]"


def number(value: float) -> str:
    """A number as the language of the page writes it."""
    return words.number(value, language())


def _number(value: float | None) -> str:
    return "–" if value is None else number(value)


def gap(figure: Mapping[str, Any] | None) -> str:
    """A difference with its interval, or that none is shown."""
    if not figure or figure["mean"] is None:
        return "–"
    if not figure["shown"]:
        return f"{spoken('aucune différence démontrée')} [{_number(figure['low'])} ; {_number(figure['high'])}]"
    sign = "+" if figure["mean"] >= 0 else "−"
    return f"{sign}{number(abs(figure['mean']))} [{_number(figure['low'])} ; {_number(figure['high'])}]"


def sides(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The scenarios of an answer."""
    return [answer, *([answer["against"]] if answer.get("against") else [])]


def main_rows(answer: Mapping[str, Any]) -> list[tuple[str, str, list[str]]]:
    """Label, unit, a cell for each scenario and for the paired difference. Unseen stands beside the stays."""
    both = sides(answer)
    rows = []
    for name, (label, unit) in MAIN.items():
        cells = [shown(one["figures"].get(name)) for one in both]
        rows.append((spoken(label), spoken(unit), [*cells, *([gap(answer["difference"].get(name))] if len(both) > 1 else [])]))
    return rows


def by_class(one: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Of each level: delay to a doctor, share within the FRENCH delay, stay, unseen."""
    names = ("door:{}_mean", "door:{}_p90", "door_within:{}", "stay:{}_p50", "unseen:{}")
    return [(word("triage-level", cls), [shown(one["figures"].get(name.format(cls))) for name in names]) for cls in load("ed").classes]


def by_exit(one: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Of each way out: its share, the median stay, three of four, nine of ten."""
    return [
        (label, [shown(one["figures"].get(key)) for key in (f"share:{name}", *(f"stay:{name}_{part}" for part in ("p50", "p75", "p90")))])
        for name, label in EXITS.items()
    ]


def by_resource(one: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Of each resource: use, minutes without a patient, overtime."""
    return [(label, [shown(one["figures"].get(f"{what}:{name}")) for what in ("use", "idle", "overtime")]) for name, label in STAFF.items()]


def by_zone(one: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Of each waiting zone: the number present nineteen quarters of an hour out of twenty, the most."""
    found = [(label, [one["figures"].get(f"zone:{name}_{part}") for part in ("p95", "max")]) for name, label in ZONES.items()]
    return [(label, [shown(cell) for cell in cells]) for label, cells in found if any(cells)]


def plots(answer: Mapping[str, Any]) -> list[Plot]:
    """The curves by time of day, both scenarios in one frame."""
    both = sides(answer)
    drawn = answer.get("curves", [])
    return [
        _plot(name, [(one["title"], curves[name]) for one, curves in zip(both, drawn, strict=True)])
        for name in PLOTTED
        if drawn and all(name in curves and max(curves[name]["high"]) > 0 for curves in drawn)
    ]


def _plot(name: str, curves: list[tuple[str, Mapping[str, list[float]]]]) -> Plot:
    top = max(1.0, 1.1 * max(max(curve["high"] + curve["mean"]) for _, curve in curves))
    names = [spoken(side) for side in (SIDES if len(curves) > 1 else ("Moyenne (8 jours sur 10)",))]
    rows = [
        (
            f"{hour} h",
            tuple(
                say(
                    "simulation.band",
                    mean=number(curve["mean"][4 * hour]),
                    low=f"{curve['low'][4 * hour]:.0f}",
                    high=f"{curve['high'][4 * hour]:.0f}",
                )
                for _, curve in curves
            ),
        )
        for hour in range(24)
    ]
    return Plot(
        id=name.replace(":", "-"),
        title=spoken(LABELS[name]),
        curves=tuple(
            _curve(say("simulation.side", side=spoken(side), title=spoken(title)), look, curve, top)
            for (title, curve), look, side in zip(curves, ("first", "second"), SIDES, strict=False)
        ),
        ticks=tuple((_y(top * share, top), number(top * share)) for share in (0.0, 0.25, 0.5, 0.75, 1.0)),
        hours=tuple((_x(4 * hour), f"{hour} h") for hour in range(0, 24, 4)),
        heads=(spoken("Heure"), *names),
        rows=tuple(rows),
    )


def _curve(title: str, look: str, curve: Mapping[str, list[float]], top: float) -> Curve:
    there = [f"{_x(n):.1f},{_y(value, top):.1f}" for n, value in enumerate(curve["low"])]
    back = [f"{_x(n):.1f},{_y(value, top):.1f}" for n, value in enumerate(curve["high"])]
    return Curve(
        title, look, " ".join(f"{_x(n):.1f},{_y(value, top):.1f}" for n, value in enumerate(curve["mean"])), " ".join(there + back[::-1])
    )


def _x(quarter: int) -> float:
    return round(LEFT + quarter * (WIDTH - LEFT - 8) / 95, 1)


def _y(value: float, top: float) -> float:
    return round(HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP), 1)


@dataclass(frozen=True, slots=True)
class Weight:
    """How much an assumption weighs: its bars, in hundredths of the widest."""

    label: str
    down: str
    up: str
    left: tuple[float, float]
    right: tuple[float, float]


def weights(answer: Mapping[str, Any], most: int = 12) -> list[Weight]:
    """The assumptions, the heaviest first, as bars around zero."""
    bars = answer["sensitivity"][:most]
    widest = max([abs(bar[side]["mean"] or 0.0) for bar in bars for side in ("down", "up")], default=1.0) or 1.0
    return [
        Weight(
            word("parameter", bar["parameter"]), shown(bar["down"]), shown(bar["up"]),
            _bar(bar["down"]["mean"] or 0.0, widest), _bar(bar["up"]["mean"] or 0.0, widest),
        )
        for bar in bars
    ]  # fmt: skip


def _bar(value: float, widest: float) -> tuple[float, float]:
    """Where a bar begins, and its length, around 100."""
    length = round(abs(value) / widest * 96, 1)
    return (100.0 if value > 0 else 100.0 - length, length)


def team(values: Mapping[str, float]) -> list[tuple[str, str]]:
    """A team in words."""
    return [(word("parameter", key), number(value)) for key, value in values.items()]


def tried(answer: Mapping[str, Any]) -> list[tuple[str, str, str, list[str]]]:
    """Each team that was tried: in words, its cost, whether it holds, its limited figures."""
    return [
        (
            ", ".join(f"{label} {value}" for label, value in team(each["values"])),
            number(each["cost"]),
            spoken("tient" if each["holds"] else "ne tient pas"),
            [say("simulation.at-most", mean=_number(mean), high=_number(high)) for mean, high in each["figures"].values()],
        )
        for each in answer["staffing"]["tried"]
    ]


def conclusion(answer: Mapping[str, Any]) -> list[str]:
    """What a result amounts to, in the language of the page."""
    return [tell(each, language()) for each in answer["conclusion"]]


def limits_of(answer: Mapping[str, Any] | None) -> list[str]:
    """What is said with every result."""
    found = [each for one in sides(answer) for each in one.get("limits", ())] if answer else []
    return list(dict.fromkeys(tell(each, language()) for each in found or LIMITS))


def trace(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """By what every figure of the page can be found again."""
    both = sides(answer)
    said = [("Scénario", " ; ".join(say("simulation.hash", of=one["scenario"], hash=one["scenario_hash"]) for one in both))]
    said += [("Graine", str(answer["seed"])), ("Version du code", answer["code_hash"])]
    if "replications" in answer:
        said.append(("Années simulées", f"{answer['replications']} ({spoken(STOPPED[answer['stopped']])})"))
        said.append(("Durée d’une année", say("simulation.length", days=answer["days"], warm=answer["warm_up_days"], found=_warm(answer))))
        assumed = answer["assumptions"]
        said.append(("Hypothèses", say("simulation.assumed", some=assumed["assumed"], all=assumed["parameters"])))
    return said


def _warm(answer: Mapping[str, Any]) -> str:
    if answer["warm_up_found"] is None:
        return say("simulation.warm.never")
    return say("simulation.warm.over" if answer["warm_up_warns"] else "simulation.warm", days=f"{answer['warm_up_found']:.0f}")


# --- forecasts -------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Outlook:
    """A forecast as lines: by hour, by day, this evening, beds, and how good it was."""

    hours: list[tuple[str, list[str]]]
    days: list[tuple[str, list[str]]]
    evening: str
    beds: list[tuple[str, list[str]]]
    scores: list[tuple[str, list[str], bool]]
    few: bool
    """Fewer than one eligible person an hour: whoever owns the rule should know."""


def outlook(answer: Mapping[str, Any]) -> Outlook:
    """The lines of a forecast."""
    pairs = zip(answer["arrivals"], answer["eligible"], strict=True)
    return Outlook(
        [(f"{_day(came['at'])}, {came['at'][11:13].lstrip('0') or '0'} h", [_band(came), _band(fit)]) for came, fit in pairs],
        [
            (say("simulation.day-from", day=_day(one["at"]), hour=one["at"][11:13].lstrip("0") or "0"), [_band(one)])
            for one in answer["days"]
        ],
        _band(answer["evening"]),
        [(say("simulation.within", hours=one["hours"]), [_band(one)]) for one in answer["beds"]],
        [_score(one) for one in answer["scores"]],
        answer["evening"]["median"] < 6,
    )


def _day(at: str) -> str:
    return f"{at[8:10]}/{at[5:7]}"


def _band(one: Mapping[str, int]) -> str:
    return f"{one['median']} [{one['low']} ; {one['high']}]"


def _score(one: Mapping[str, Any]) -> tuple[str, list[str], bool]:
    cells = [number(one["loss"]), number(one["loss_of_memory"]), f"{number(100 * one['coverage'])} %", str(one["count"])]
    return say("simulation.ahead", what=spoken(FORETOLD[one["measure"]]), hours=one["hours"]), cells, one["believed"]


def outlook_trace(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """By what a forecast is found again."""
    return [
        ("Comptes", say("simulation.hash", of=say("simulation.weeks", n=answer["weeks"]), hash=answer["scenario_hash"])),
        ("Version du code", answer["code_hash"]),
        ("Part éligible observée", f"{number(100 * answer['eligible_share'])} %"),
        ("Présents à la dernière heure", str(answer["present"])),
    ]
