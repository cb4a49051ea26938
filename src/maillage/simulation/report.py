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
from maillage.simulation.sentences import said, spoken, tell
from maillage.simulation.study import Study, compare

CURVES: Final = ("census", "queue:box", "queue:doctor", "boarders", "busy:doctor", "busy:nurse", "busy:box", "zone:near", "zone:remote")
STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#161616}"
    "table{border-collapse:collapse;margin:1rem 0}th,td{border:1px solid #ccc;padding:.2rem .6rem;text-align:left;vertical-align:top}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}.assumed{font-weight:600}svg{max-width:100%;height:auto}pre{background:#f4f4f4;padding:1rem}"
)


def html(study: Study, other: Study | None = None, bars: Sequence[Bar] = (), lang: str = "fr") -> str:
    """The whole report as one page without a script, in this language."""
    parts = [
        f"<h1>{escape(answers.title(study, other, lang))}</h1>",
        "<ul>" + "".join(f"<li>{escape(limit)}</li>" for limit in answers.told_limits(study, other, lang)) + "</ul>",
        _objectives(study, other, lang),
        "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in answers.told(study, other, lang)) + "</ul>",
        _results(study, other, lang),
        *([_weights(bars, lang)] if bars else []),
        _logic(study.scenario, lang),
        _data(study.scenario, other.scenario if other else None, lang),
        _experiments(study, other, lang),
        _access(study, other, lang),
    ]
    name = f"<title>{escape(answers.title(study, lang=lang))}</title>"
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">{name}<style>{STYLE}</style>'
    return f'<!doctype html><html lang="{lang}"><head>{head}</head><body><main>{"".join(parts)}</main></body></html>\n'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 0) -> str:
    """A table; its last `numbers` columns are numbers."""
    line = "".join(f"<th scope='col'>{escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td{' class=n' if n >= len(row) - numbers else ''}>{escape(cell)}</td>" for n, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{line}</tr></thead><tbody>{body}</tbody></table>"


def _heading(text: str, lang: str) -> str:
    return f"<h2>{escape(spoken(text, lang), quote=False)}</h2>"


def _objectives(study: Study, other: Study | None, lang: str) -> str:
    questions = [spoken(each.scenario.question, lang) for each in ((study, other) if other else (study,)) if each.scenario.question]
    return f"{_heading('1. Objectifs', lang)}<p>{escape(' '.join(questions) or spoken('Comparer des organisations.', lang))}</p>"


def _results(study: Study, other: Study | None, lang: str) -> str:
    """Figures with intervals, the paired difference beside them; left-unseen stands in the same table as the stays."""
    both = (study, other) if other else (study,)
    head = _heads(("Indicateur", "Unité"), lang, *(each.scenario.name for each in both)) + (
        [spoken("Écart apparié", lang)] if other else []
    )
    gaps = compare(study, other, list(answers.MAIN), comparisons=1) if other else {}
    rows = []
    for name, (label, unit) in answers.MAIN.items():
        cells = [answers.figure("", each.estimate(name), lang) for each in both]
        gap = [answers.gap(unit, gaps[name], lang)] if other else []
        rows.append([spoken(label, lang), spoken(unit, lang), *cells, *gap])
    figures = "".join(
        f"<h3>{escape(answers.title(each, lang=lang))}</h3>"
        + "".join(
            plots.by_time_of_day(each.total, curve, number=100 * n + k, lang=lang)
            for k, curve in enumerate(CURVES)
            if curve in each.total.crowd
        )
        for n, each in enumerate(both)
    )
    how = spoken("Moyenne et intervalle à 95 %.", lang)
    return f"{_heading('2. Résultats', lang)}<p>{how}</p>{_table(head, rows, len(head) - 2)}{figures}"


def _heads(texts: Sequence[str], lang: str, *names: str) -> list[str]:
    """The heads of a table: ours in the language, then names as they are."""
    return [*(spoken(text, lang) for text in texts), *names]


def _weights(bars: Sequence[Bar], lang: str) -> str:
    five = [(bar.key, bar.low.mean, bar.high.mean) for bar in bars[:5]]
    drawn = plots.tornado(five, "minutes de délai porte-médecin", lang)
    return f"{_heading('Les cinq hypothèses qui pèsent le plus', lang)}{drawn}"


def _logic(scenario: Scenario, lang: str) -> str:
    how = spoken("Le parcours, tel qu'il est exécuté :", lang)
    return f"{_heading('3. Logique', lang)}<p>{how}</p><pre>{escape(load(scenario.model).path)}</pre>"


def _data(scenario: Scenario, other: Scenario | None, lang: str) -> str:
    """Every parameter with value, unit and source, or the word assumption."""
    head = _heads(("Paramètre", "Unité", "Source"), lang, scenario.name, *([other.name] if other else []))
    rows = [
        [
            parameter.key,
            parameter.unit,
            spoken(parameter.source, lang).replace(ASSUMPTION, spoken("HYPOTHÈSE", lang)),
            *(_value(each, parameter) for each in ((scenario, other) if other else (scenario,))),
        ]
        for parameter in load(scenario.model).parameters.values()
    ]
    assumed = escape(answers.assumed_line(scenario, lang))
    return f"{_heading('4. Données et sources', lang)}<p>{assumed}</p>{_table(head, rows, len(head) - 3)}"


def _value(scenario: Scenario, parameter: Parameter) -> str:
    value = scenario.values[parameter.key]
    items = value if isinstance(value, list) else [value]
    return " ; ".join("∞" if item == float("inf") else f"{item}" for item in items)


def _experiments(study: Study, other: Study | None, lang: str) -> str:
    both = (study, other) if other else (study,)
    day = spoken("j", lang)
    rows = [
        [
            each.scenario.name, f"{len(each.figures)}", spoken(answers.STOPPED[each.stopped], lang), f"{each.days} {day}", f"{each.warm_up} {day}",
            f"{each.seed}",
        ]
        for each in both
    ]  # fmt: skip
    head = _heads(("Scénario", "Réplications", "Arrêt", "Durée", "Mise en régime", "Graine"), lang)
    told = "".join(f"<p>{escape(line)}</p>" for each in both for line in answers.warm_up_lines(each, lang))
    drawn = "".join(plots.welch_plot(each, number=900 + n, lang=lang) for n, each in enumerate(both))
    how = spoken("Mêmes tirages dans les deux scénarios ; intervalles de Student.", lang)
    return f"{_heading('5. Expériences', lang)}<p>{how}</p>{_table(head, rows)}{told}{drawn}"


def _access(study: Study, other: Study | None, lang: str) -> str:
    scenarios = ", ".join(f"{each.scenario.name} {each.scenario.digest}" for each in ((study, other) if other else (study,)))
    command = f"maillage simulate {study.scenario.name}{f' --against {other.scenario.name}' if other else ''}"
    command += f" --replications {len(study.figures)} --seed {study.seed}{'' if lang == 'fr' else f' --lang {lang}'} --report rapport.html"
    how = spoken("Refaire ce rapport à l'octet près :", lang)
    return (
        f"{_heading('6. Mise en œuvre et accès', lang)}<p>{escape(tell(said('report.code', code=version(), scenarios=scenarios), lang))}</p>"
        f"<p>{escape(how, quote=False)} <code>{escape(command)}</code></p>"
    )
