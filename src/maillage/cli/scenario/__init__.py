"""`maillage scenario`: plays a whole workflow through the HTTP door and checks what must hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from maillage.cli.output import OK, PROBLEM, settings_for, show
from maillage.cli.scenario.referral import play
from maillage.cli.scenario.server import served, tokens


def scenario(name: Literal["referral"], /, *, base: str = "", data: Path = Path("data/demo"), json: bool = False) -> int:
    """Play a workflow over FHIR against a running server, or one that is started for it; 0 only if the loop is closed and every invariant holds.

    Example: maillage scenario referral --json --data ./data --base http://127.0.0.1:8000

    Parameters
    ----------
    name
        The workflow: referral.
    base
        Address of a running server on this data folder; empty: one is started.
    data
        Data folder of the server.
    json
        Answer as one JSON object with `steps`, `delays` and `invariants`.
    """
    settings = settings_for(data)
    with served(settings, base) as address:
        report = play(address, tokens(settings))
    report["scenario"] = name
    show(report, json=json, lines=_lines(report))
    return OK if report["closed"] and all(invariant["holds"] for invariant in report["invariants"]) else PROBLEM


def _lines(report: dict[str, Any]) -> list[str]:
    lines = [
        f"{step['number']:>2}  {step['state'] or '-':<18} {step['who']:<28} {step['title']} ({step['resource']})"
        for step in report["steps"]
    ]
    lines += ["", *(f"    {name}: {value:.3f} s" for name, value in report["delays"].items()), ""]
    lines += [
        f"{'ok ' if one['holds'] else 'NO '} {one['id']:<4} {one['title']}{'' if one['holds'] else ': ' + one['found']}"
        for one in report["invariants"]
    ]
    return [*lines, "", "the loop is closed" if report["closed"] else f"the loop is NOT closed: {report['state']}"]
