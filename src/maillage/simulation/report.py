"""The report of a study, after STRESS-DES (Monks et al. 2019): objectives, logic, data, experiments, implementation, access. Written from the code,
so that it says what was run; the same study gives the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from maillage.simulation import answers, plots
from maillage.simulation.compiled import version
from maillage.simulation.parameters import ASSUMPTION, Parameter, Scenario, load
from maillage.simulation.sensitivity import Bar
from maillage.simulation.study import Study, compare

CURVES: Final = ("census", "queue:box", "queue:doctor", "boarders", "busy:doctor", "busy:nurse", "busy:box", "zone:near", "zone:remote")
STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#161616}"
    "table{border-collapse:collapse;margin:1rem 0}th,td{border:1px solid #ccc;padding:.2rem .6rem;text-align:left;vertical-align:top}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}.assumed{font-weight:600}svg{max-width:100%;height:auto}pre{background:#f4f4f4;padding:1rem}"
)


def html(study: Study, other: Study | None = None, bars: Sequence[Bar] = ()) -> str:
    """The whole report as one page without a script."""
    parts = [
        f"<h1>{escape(study.scenario.title)}{' et ' + escape(other.scenario.title) if other else ''}</h1>",
        "<ul>" + "".join(f"<li>{escape(limit)}</li>" for limit in answers.told_limits(study, other)) + "</ul>",
        _objectives(study, other),
        "<ul>" + "".join(f"<li>{escape(said)}</li>" for said in answers.told(study, other)) + "</ul>",
        _results(study, other),
        *([_weights(bars)] if bars else []),
        _logic(study.scenario),
        _data(study.scenario, other.scenario if other else None),
        _experiments(study, other),
        _access(study, other),
    ]
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(study.scenario.title)}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="fr"><head>{head}</head><body><main>{"".join(parts)}</main></body></html>\n'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 0) -> str:
    """A table; its last `numbers` columns are numbers."""
    line = "".join(f"<th scope='col'>{escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td{' class=n' if n >= len(row) - numbers else ''}>{escape(cell)}</td>" for n, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{line}</tr></thead><tbody>{body}</tbody></table>"


def _objectives(study: Study, other: Study | None) -> str:
    questions = [each.scenario.question for each in ((study, other) if other else (study,)) if each.scenario.question]
    return f"<h2>1. Objectifs</h2><p>{escape(' '.join(questions) or 'Comparer des organisations.')}</p>"


def _results(study: Study, other: Study | None) -> str:
    """Figures with intervals, the paired difference beside them; left-unseen stands in the same table as the stays."""
    head = ["Indicateur", "Unité", study.scenario.name] + ([other.scenario.name, "Écart apparié"] if other else [])
    gaps = compare(study, other, list(answers.MAIN), comparisons=1) if other else {}
    rows = []
    for name, (label, unit) in answers.MAIN.items():
        cells = [answers.sentence("", "", each.estimate(name)).removeprefix(" : ") for each in ((study, other) if other else (study,))]
        gap = [answers.gap_sentence("", unit, gaps[name]).removeprefix(" : ")] if other else []
        rows.append([label, unit, *cells, *gap])
    figures = "".join(
        f"<h3>{escape(each.scenario.title)}</h3>"
        + "".join(
            plots.by_time_of_day(each.total, curve, number=100 * n + k) for k, curve in enumerate(CURVES) if curve in each.total.crowd
        )
        for n, each in enumerate((study, other) if other else (study,))
    )
    return f"<h2>2. Résultats</h2><p>Moyenne et intervalle à 95 %.</p>{_table(head, rows, len(head) - 2)}{figures}"


def _weights(bars: Sequence[Bar]) -> str:
    five = [(bar.key, bar.low.mean, bar.high.mean) for bar in bars[:5]]
    return f"<h2>Les cinq hypothèses qui pèsent le plus</h2>{plots.tornado(five, 'minutes de délai porte-médecin')}"


def _logic(scenario: Scenario) -> str:
    return f"<h2>3. Logique</h2><p>Le parcours, tel qu'il est exécuté :</p><pre>{escape(load(scenario.model).path)}</pre>"


def _data(scenario: Scenario, other: Scenario | None) -> str:
    """Every parameter with value, unit and source, or the word assumption."""
    head = ["Paramètre", "Unité", "Source", scenario.name] + ([other.name] if other else [])
    rows = [
        [
            parameter.key,
            parameter.unit,
            _source(parameter),
            *(_value(each, parameter) for each in ((scenario, other) if other else (scenario,))),
        ]
        for parameter in load(scenario.model).parameters.values()
    ]
    assumed, total = answers.assumptions(scenario)
    return f"<h2>4. Données et sources</h2><p>{assumed} paramètres sur {total} sont des hypothèses.</p>{_table(head, rows, len(head) - 3)}"


def _source(parameter: Parameter) -> str:
    return parameter.source.replace(ASSUMPTION, "HYPOTHÈSE")


def _value(scenario: Scenario, parameter: Parameter) -> str:
    value = scenario.values[parameter.key]
    items = value if isinstance(value, list) else [value]
    return " ; ".join("∞" if item == float("inf") else f"{item}" for item in items)


def _experiments(study: Study, other: Study | None) -> str:
    both = (study, other) if other else (study,)
    rows = [
        [
            each.scenario.name, f"{len(each.figures)}", answers.STOPPED[each.stopped], f"{each.days} j", f"{each.warm_up} j", f"{each.seed}",
        ]
        for each in both
    ]  # fmt: skip
    head = ["Scénario", "Réplications", "Arrêt", "Durée", "Mise en régime", "Graine"]
    told = "".join(f"<p>{escape(line)}</p>" for each in both for line in answers.warm_up_lines(each))
    drawn = "".join(plots.welch_plot(each, number=900 + n) for n, each in enumerate(both))
    return f"<h2>5. Expériences</h2><p>Mêmes tirages dans les deux scénarios ; intervalles de Student.</p>{_table(head, rows)}{told}{drawn}"


def _access(study: Study, other: Study | None) -> str:
    scenarios = ", ".join(f"{each.scenario.name} {each.scenario.digest}" for each in ((study, other) if other else (study,)))
    command = f"maillage simulate {study.scenario.name}{f' --against {other.scenario.name}' if other else ''}"
    command += f" --replications {len(study.figures)} --seed {study.seed} --report rapport.html"
    return (
        f"<h2>6. Mise en œuvre et accès</h2><p>Moteur à pas discrets, code {version()} ; scénarios : {escape(scenarios)}.</p>"
        f"<p>Refaire ce rapport à l'octet près : <code>{escape(command)}</code></p>"
    )
