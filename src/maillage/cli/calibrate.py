"""`maillage calibrate`: a scenario fitted to an RPU extract, with its fit and its back-test."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from maillage.cli.status import OK, PROBLEM, USAGE, Failure
from maillage.simulation import parameters

FEWEST = 8
"""Weeks below which nothing is fitted."""


def calibrate(
    extract: Path,
    /,
    *,
    base: str = "percy-35000-overflow",
    held: Annotated[int, Parameter(validator=Number(gte=2, lte=52))] = 13,
    seed: Annotated[int, Parameter(validator=Number(gte=0))] = 2026,
    runs: Annotated[int, Parameter(validator=Number(gte=60, lte=5000))] = 400,
    out: Path | None = None,
    json: bool = False,
) -> int:
    """Fit a scenario to an RPU extract (the national XML: one file, or a folder of them), all but its last weeks, and foretell those.

    Volume, profile, dispersion and ways out are read off; durations are fitted. 1 when weeks held out are foretold worse than by the same weekday of
    the last 8 weeks: the scenario then says « Non calé ». No identity is read.

    Example: maillage calibrate rpu/ --base percy-35000-overflow --out notre-service.toml

    Parameters
    ----------
    extract
        XML file, or folder of XML files.
    base
        The scenario that says what an extract cannot: team, boxes, beds, shares of levels.
    held
        Weeks at the end that the fit is not shown.
    runs
        About how many times the model is played.
    out
        Where the fitted scenario is written.
    json
        Answer as one JSON object.
    """
    from maillage.cli import rpu  # noqa: PLC0415  # loads numpy
    from maillage.simulation import calibration  # noqa: PLC0415  # the same

    try:
        scenario = parameters.find(base)
        seen = rpu.read(sorted(extract.glob("*.xml")) if extract.is_dir() else [extract])
        weeks = seen.days // 7
        if weeks - held < FEWEST:
            raise Failure(f"{weeks} weeks: {FEWEST} to fit and {held} to hold out are needed", USAGE)
        start = calibration.read_off(scenario, seen.between(0, (weeks - held) * 7))
    except (parameters.Wrong, rpu.BadExtract, OSError) as error:
        raise Failure(str(error), USAGE) from error
    particles = max(40, runs // 4)
    found = calibration.fit(
        start, seen, days=(weeks - held) * 7, seed=seed, pilot=max(40, runs // 2), particles=particles, told=None if json else _told
    )
    scores = calibration.held_out(start, seen, found, seed=seed)
    answer = _answer(found, scores, weeks - held, held, good=calibration.calibrated(scores))
    if out:
        fitted = replace(
            found.scenario, title=f"{scenario.title}, calé" if answer["calibrated"] else scenario.title, calibration=answer["said"]
        )
        out.write_text(parameters.text_of(fitted), encoding="utf-8")
    return _say(answer, json=json)


def _told(done: int, expected: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} / {expected}", end="" if done < expected else "\n", file=sys.stderr, flush=True)


def _answer(found: Any, scores: Any, weeks: int, held: int, *, good: bool) -> dict[str, Any]:
    said = (
        f"Calé sur ce service : {weeks} semaines, {100 * found.inside:.0f} % des résumés dans la bande à 90 % ; {held} semaines tenues à l'écart, "
        + " ; ".join(f"{_MEASURES[s.measure]} : {100 * s.coverage:.0f} % des jours dans la bande à 80 %" for s in scores)
        + "."
    )
    return {
        "calibrated": good,
        "said": said if good else "Non calé sur ce service : les semaines tenues à l'écart sont moins bien prévues que par leur passé.",
        "weeks": weeks,
        "held_out": held,
        "factors": [{"name": f.name, "median": f.median, "low": f.low, "high": f.high, "informed": f.informed} for f in found.factors],
        "inside_band": found.inside,
        "kolmogorov": dict(found.distances),
        "back_test": [{"measure": s.measure, "skill": s.skill, "coverage": s.coverage, "days": s.days} for s in scores],
    }


_MEASURES = {"median_stay": "séjour médian", "census": "présents"}


def _say(answer: dict[str, Any], *, json: bool) -> int:
    from maillage.codes.json import encode  # noqa: PLC0415  # only here

    lines = [
        answer["said"],
        *(
            f"  {f['name']} : {f['median']:.2f} [{f['low']:.2f} ; {f['high']:.2f}]{'' if f['informed'] else ', non renseigné par les données'}"
            for f in answer["factors"]
        ),
        *(f"  écart de Kolmogorov, {name} : {value:.3f}" for name, value in answer["kolmogorov"].items()),
    ]
    print(encode(answer).decode() if json else "\n".join(lines))
    return OK if answer["calibrated"] else PROBLEM
