"""An answer as a spreadsheet, without the weight of what computes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from maillage.simulation.sentences import spoken
from maillage.simulation.words import MAIN

HEADS: Final = ("indicateur", "unité", "scénario", "moyenne", "bas", "haut", "graine", "empreinte", "code", "réplications")


def table(found: Mapping[str, Any], lang: str = "fr") -> str:
    """An answer as lines: what each figure is of, then the figure with its interval."""
    rows = [";".join(spoken(head, lang) for head in HEADS)]
    for one in (found, found.get("against")):
        if one:
            trace = f"{one['seed']};{one['scenario_hash']};{one['code_hash']};{one['replications']}"
            rows += [f"{_row(name, one['scenario'], figure, lang)};{trace}" for name, figure in one["figures"].items()]
    for name, figure in found.get("difference", {}).items():
        rows.append(f"{_row(name, spoken('écart', lang), figure, lang)};{found['seed']};;{found['code_hash']};{found['replications']}")
    return "\ufeff" + "\r\n".join(rows) + "\r\n"


def _row(name: str, scenario: str, figure: Mapping[str, float | None], lang: str) -> str:
    unit = spoken(MAIN[name][1], lang) if name in MAIN else ""
    values = ["" if figure[part] is None else str(figure[part]) for part in ("mean", "low", "high")]
    return ";".join([name, unit, scenario, *(value.replace(".", ",") if lang == "fr" else value for value in values)])
