"""Plots as small SVG figures, each with its table: a mean with its 10-90 band by time of day, a tornado."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from maillage.simulation.areas import CROWD, QUARTERS
from maillage.simulation.sentences import said, spoken, tell
from maillage.simulation.study import Study
from maillage.simulation.tally import Tally
from maillage.simulation.warmup import welch
from maillage.simulation.words import LABELS

WIDTH, HEIGHT, LEFT, BOTTOM = 640, 240, 48, 28
BAND, LINE, GRID, LESS, MORE = "#c9d8ea", "#1f4e79", "#d0d0d0", "#7a9cc6", "#c0504d"


@dataclass(frozen=True, slots=True)
class Day:
    """A curve by quarter of the day."""

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def day_of(total: Tally, name: str) -> Day:
    """Mean, first and ninth decile over all simulated days."""
    below = np.cumsum(total.crowd[name], axis=1)
    low, high = (np.array([np.searchsorted(row, share * row[-1]) for row in below], float) for share in (0.1, 0.9))
    return Day(total.mean_day[name] / total.days, low, np.minimum(high, CROWD - 1))


def _points(xs: NDArray[np.float64], ys: NDArray[np.float64]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))


def by_time_of_day(total: Tally, name: str, *, number: int, lang: str = "fr") -> str:
    """A figure: the mean, the band in which eight days of ten lie, and the same by hour as a table."""
    day, label = day_of(total, name), spoken(LABELS.get(name, name), lang)
    top = max(1.0, float(max(day.high.max(), day.mean.max())) * 1.1)
    xs = LEFT + np.arange(QUARTERS) * (WIDTH - LEFT - 8) / (QUARTERS - 1)
    mean, low, high = (HEIGHT - BOTTOM - values / top * (HEIGHT - BOTTOM - 8) for values in (day.mean, day.low, day.high))
    grid = "".join(_grid_line(top, share, lang) for share in (0.0, 0.25, 0.5, 0.75, 1.0))
    hours = "".join(
        f'<text x="{LEFT + hour * 4 * (WIDTH - LEFT - 8) / (QUARTERS - 1):.0f}" y="{HEIGHT - 8}" text-anchor="middle" font-size="11">{hour} h</text>'
        for hour in range(0, 24, 4)
    )
    band = _points(np.concatenate([xs, xs[::-1]]), np.concatenate([low, high[::-1]]))
    title = tell(said("plot.day", label=label), lang)
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="plot-{number}"><title id="plot-{number}">{escape(title)}</title>'
        f'{grid}{hours}<polygon points="{band}" fill="{BAND}"/><polyline points="{_points(xs, mean)}" fill="none" stroke="{LINE}" stroke-width="2"/>'
        f"</svg><figcaption>{escape(title)}</figcaption>{_table(day, lang)}</figure>"
    )


def _grid_line(top: float, share: float, lang: str) -> str:
    y = HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - 8)
    value = _decimals(f"{top * share:.3g}", lang)
    return (
        f'<line x1="{LEFT}" x2="{WIDTH - 8}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GRID}"/>'
        f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" font-size="11">{value}</text>'
    )


def _table(day: Day, lang: str) -> str:
    rows = "".join(_row(hour, [float(values[hour * 4]) for values in (day.mean, day.low, day.high)], lang) for hour in range(24))
    heads = "".join(f"<th scope='col'>{spoken(text, lang)}</th>" for text in ("Heure", "Moyenne", "1er décile", "9e décile"))
    head = f"<tr>{heads}</tr>"
    return f"<details><summary>{spoken('Les mêmes valeurs en tableau', lang)}</summary><table><thead>{head}</thead><tbody>{rows}</tbody></table></details>"


def _row(hour: int, values: Sequence[float], lang: str) -> str:
    cells = "".join(f"<td>{_decimals(f'{value:.1f}', lang)}</td>" for value in values)
    return f"<tr><th scope='row'>{hour} h</th>{cells}</tr>"


def _decimals(text: str, lang: str) -> str:
    return text.replace(".", ",") if lang == "fr" else text


def welch_plot(study: Study, *, number: int, lang: str = "fr") -> str:
    """Welch's plot: the daily census, mean over runs, smoothed; what comes before the line is left out."""
    series = study.total.daily["census"] / len(study.figures)
    smooth = welch(series[None, :])
    top = max(1.0, float(smooth.max()) * 1.1)
    xs = LEFT + np.arange(len(smooth)) * (WIDTH - LEFT - 8) / max(1, len(smooth) - 1)
    line = _points(xs, HEIGHT - BOTTOM - smooth / top * (HEIGHT - BOTTOM - 8))
    left_out = LEFT + study.warm_up * (WIDTH - LEFT - 8) / max(1, len(smooth) - 1)
    title = tell(said("plot.warm-up", scenario=study.scenario.name), lang)
    grid = "".join(_grid_line(top, share, lang) for share in (0.0, 0.5, 1.0))
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="plot-{number}"><title id="plot-{number}">{escape(title)}</title>{grid}'
        f'<polyline points="{line}" fill="none" stroke="{LINE}" stroke-width="2"/>'
        f'<line x1="{left_out:.1f}" x2="{left_out:.1f}" y1="8" y2="{HEIGHT - BOTTOM}" stroke="{MORE}"/></svg><figcaption>{escape(title)}</figcaption></figure>'
    )


def tornado(bars: Sequence[tuple[str, float, float]], unit: str, lang: str = "fr") -> str:
    """The change of a figure when each assumption moves down and up by a fifth, heaviest first."""
    widest = max([abs(value) for _, low, high in bars for value in (low, high)], default=1.0) or 1.0
    step, middle = 24, 400
    made = []
    for n, (name, low, high) in enumerate(bars):
        y = 8 + n * step
        made.append(f'<text x="4" y="{y + 13}" font-size="12">{escape(name)}</text>')
        for value, colour in ((low, LESS), (high, MORE)):
            length = abs(value) / widest * 200
            x = middle if value > 0 else middle - length
            made.append(f'<rect x="{x:.1f}" y="{y}" width="{length:.1f}" height="16" fill="{colour}" fill-opacity="0.8"/>')
    height = 16 + step * len(bars)
    title = spoken("Effet de chaque hypothèse, abaissée puis augmentée d'un cinquième", lang)
    caption = f"{title} ({spoken(unit, lang)})"
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">{"".join(made)}'
        f'<line x1="{middle}" x2="{middle}" y1="0" y2="{height}" stroke="{LINE}"/></svg><figcaption>{escape(caption)}</figcaption></figure>'
    )
