"""`maillage calibrate`: a scenario fitted to an RPU extract, with its fit and its back-test."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from maillage.cli.status import OK, PROBLEM, USAGE, Failure
from maillage.simulation import fitted, parameters
from maillage.simulation.fitted import Fitted
from maillage.simulation.sentences import how_fitted, said, tell
from maillage.simulation.words import FACTORS, JUDGED, WAYS_OUT

if TYPE_CHECKING:
    from maillage.simulation.calibration import Extract

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
    title: str = "",
    lang: Literal["fr", "en"] = "fr",
    json: bool = False,
) -> int:
    """Fit a scenario to an RPU extract (the national XML: one file, or a folder of them), all but its last weeks, and foretell those.

    Volume, profile, dispersion and ways out are read off; durations are fitted. 1 when weeks held out are foretold worse than by the same weekday of
    the last 8 weeks: the scenario then says « Non calé ». The file keeps figures; whoever shows them makes the sentence, in the reader's language.
    No identity is read.

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
    title
        What pages and reports call the fitted scenario; the name of its file unless given.
    lang
        Language of what is printed: fr or en.
    json
        Answer as one JSON object.
    """
    from maillage.simulation import calibration, compiled  # noqa: PLC0415  # loads numpy

    try:
        scenario = parameters.find(base)
        seen, begin, weeks = _recorded(extract, held)
        start = calibration.read_off(scenario, seen.between(0, weeks * 7))
    except (parameters.Wrong, OSError) as error:
        raise Failure(str(error), USAGE) from error
    pilot, particles = max(40, runs // 2), max(40, runs // 4)
    found = calibration.fit(start, seen, days=weeks * 7, seed=seed, pilot=pilot, particles=particles, told=None if json else _told)
    scores = calibration.held_out(start, seen, found, seed=seed)
    how = Fitted(scenario.name, seed, compiled.version(), begin, weeks, held, found.inside, found.factors, found.distances, scores)
    if out:
        made = replace(found.scenario, title=title or out.stem, calibration=how)
        out.write_text(parameters.text_of(made), encoding="utf-8")
    return _say(how, lang, json=json)


def _recorded(extract: Path, held: int) -> tuple[Extract, date, int]:
    """What was recorded, the Monday from which it is counted, and how many weeks are fitted."""
    from maillage.cli import rpu  # noqa: PLC0415  # loads numpy

    try:
        seen, _, begin = rpu.flow(sorted(extract.glob("*.xml")) if extract.is_dir() else [extract])
    except rpu.BadExtract as error:
        raise Failure(str(error), USAGE) from error
    weeks = seen.days // 7
    if weeks - held < FEWEST:
        raise Failure(f"{weeks} weeks: {FEWEST} to fit and {held} to hold out are needed", USAGE)
    left = seen.between((weeks - held) * 7, weeks * 7).stay
    if not (left >= 0.0).any():
        raise Failure(f"no stay is known in the {held} weeks to hold out", USAGE)
    return seen, begin, weeks - held


def _told(done: int, expected: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} / {expected}", end="" if done < expected else "\n", file=sys.stderr, flush=True)


def _answer(how: Fitted) -> dict[str, Any]:
    """The figures that the file keeps, and what they amount to."""
    kept = fitted.figures(how)
    kept["factors"] = [{**row, "informed": one.informed} for row, one in zip(kept["factors"], how.factors, strict=True)]
    kept["back_test"] = [{**row, "skill": one.skill} for row, one in zip(kept["back_test"], how.back_test, strict=True)]
    return {"calibrated": how.calibrated, **kept}


def lines(how: Fitted, lang: str) -> list[str]:
    """What a person reads: how good the fit is, each factor, each distance, each measure of the weeks held out."""
    factors = [
        said("fit.factor" if one.informed else "fit.not-informed", name=FACTORS[one.name], median=one.median, low=one.low, high=one.high)
        for one in how.factors
    ]
    far = [said("fit.far", name=WAYS_OUT[name], distance=distance) for name, distance in how.kolmogorov.items()]
    judged = [
        said("fit.held-out", name=JUDGED[one.measure], loss=one.loss, memory=one.loss_of_memory, coverage=100 * one.coverage)
        for one in how.back_test
    ]
    return [tell(how_fitted(how), lang), *(f"  {tell(each, lang)}" for each in (*factors, *far, *judged))]


def _say(how: Fitted, lang: str, *, json: bool) -> int:
    from maillage.codes.json import encode  # noqa: PLC0415  # only here

    print(encode(_answer(how)).decode() if json else "\n".join(lines(how, lang)))
    return OK if how.calibrated else PROBLEM
