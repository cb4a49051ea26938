"""The report on paper: the figures of a study through typst, an extra."""

from __future__ import annotations

from typing import Final

from maillage.simulation import answers, plots
from maillage.simulation.sentences import said, spoken, tell
from maillage.simulation.study import Study, compare
from maillage.simulation.words import LABELS

DRAWN: Final = ("census", "queue:box", "busy:doctor")


class NotInstalled(RuntimeError):
    """The extra that draws PDF is not here."""


def pdf(study: Study, other: Study | None = None, lang: str = "fr") -> bytes:
    """Title, limits, figures with intervals, what they rest on."""
    try:
        import typst  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise NotInstalled("a PDF needs the extra: pip install 'maillage[pdf]'") from error
    made: bytes = typst.compile(source(study, other, lang).encode(), format="pdf")
    return made


def source(study: Study, other: Study | None = None, lang: str = "fr") -> str:
    """The page in typst's language."""
    both = (study, other) if other else (study,)
    rows = []
    gaps = compare(study, other, list(answers.MAIN)) if other else {}
    for name, (label, unit) in answers.MAIN.items():
        cells = [spoken(label, lang), *(answers.figure(unit, each.estimate(name), lang) for each in both)]
        cells += [answers.gap(unit, gaps[name], lang)] if other else []
        rows.append(", ".join(_text(cell) for cell in cells))
    heads = [spoken("Indicateur", lang), *(each.scenario.name for each in both), *([spoken("Écart apparié", lang)] if other else [])]
    head = ", ".join(_text(cell) for cell in heads)
    title = answers.title(study, other, lang)
    notes = [*answers.told_limits(study, other, lang), *(_trace(each, lang) for each in both)]
    return "\n".join(
        [
            f"#set document(title: {_text(title)}, date: none)",
            f'#set text(lang: "{lang}", size: 10pt)',
            '#set page(paper: "a4", margin: 2cm)',
            f"#heading(level: 1, {_text(title)})",
            *(f"- #{_text(said)}" for said in answers.told(study, other, lang)),
            f"#heading(level: 2, {_text(spoken('À garder en tête', lang))})",
            *(f"- #{_text(note)}" for note in notes),
            f"#table(columns: {2 + len(both) if other else 2}, table.header({head}), {', '.join(rows)})",
            *(
                _drawn(each, name, 10 * n + k, lang)
                for n, each in enumerate(both)
                for k, name in enumerate(DRAWN)
                if name in each.total.crowd
            ),
        ]
    )


def _trace(study: Study, lang: str) -> str:
    name, runs = study.scenario.name, str(len(study.figures))
    return tell(said("trace", scenario=name, hash=study.scenario.digest, seed=str(study.seed), runs=runs), lang)


def _drawn(study: Study, name: str, number: int, lang: str) -> str:
    """A curve by time of day, as a picture with its title."""
    made = plots.by_time_of_day(study.total, name, number=number, lang=lang)
    svg = made[made.index("<svg") : made.index("</svg>") + 6].replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    caption = _text(tell(said("plot.scenario", scenario=study.scenario.name, label=LABELS[name]), lang))
    return f'#figure(image(bytes({_text(svg)}), format: "svg", width: 85%), caption: {caption}, supplement: none, numbering: none)'


def _text(value: str) -> str:
    """A string of typst."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
