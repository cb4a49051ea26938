"""`maillage forecast`: arrivals, eligible flow and bed demand from an RPU extract, with how good such forecasts were."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from maillage.cli.status import OK, PROBLEM, USAGE, Failure
from maillage.simulation import Wrong
from maillage.simulation.sentences import said, tell
from maillage.simulation.words import FORETOLD


def forecast(extract: Path, /, *, out: Path | None = None, lang: Literal["fr", "en"] = "fr", json: bool = False) -> int:
    """Say what comes after an RPU extract (the national XML: one file, or a folder of them): distributions, never about a person.

    1 when arrivals were foretold no better than by the same hour of the last 8 weeks, or their bands did not hold: memory is then shown.
    No identity is read; the file of counts that `--out` writes holds no passage, and feeds the page « Simulation ».

    Example: maillage forecast rpu/ --out comptes.json

    Parameters
    ----------
    extract
        XML file, or folder of XML files.
    out
        Where the hourly counts are written.
    lang
        Language of what is printed: fr or en.
    json
        Answer as one JSON object.
    """
    from maillage.cli import rpu  # noqa: PLC0415  # loads numpy
    from maillage.simulation import counts, outlook  # noqa: PLC0415  # the same

    try:
        seen, light, monday = rpu.flow(sorted(extract.glob("*.xml")) if extract.is_dir() else [extract])
        text = counts.text_of(counts.counted(seen, light, monday))
        found = outlook.answer(text)
    except (Wrong, rpu.BadExtract, OSError) as error:
        raise Failure(str(error), USAGE) from error
    if out:
        out.write_text(text, encoding="utf-8")
    return _say(found, lang, json=json)


def lines(found: dict[str, Any], lang: str) -> list[str]:
    """What a person reads: what comes, day by day and by hours, then what such forecasts were worth."""
    head = [said("forecast.from", weeks=found["weeks"], begin=found["from"][:10], hour=int(found["from"][11:13]))]
    memory = [said("forecast.memory")] if found["by"] == "memory" else []
    coming = [
        *(said("forecast.day", begin=day["at"][:10], **_band(day)) for day in found["days"]),
        said("forecast.evening", **_band(found["evening"])),
        *(said("forecast.beds", hours=one["hours"], **_band(one)) for one in found["beds"]),
    ]
    worth = [
        said(
            "forecast.score",
            measure=FORETOLD[one["measure"]],
            hours=one["hours"],
            loss=one["loss"],
            memory=one["loss_of_memory"],
            coverage=100 * one["coverage"],
        )
        for one in found["scores"]
    ]
    return [*(tell(each, lang) for each in (*head, *memory)), *(f"  {tell(each, lang)}" for each in (*coming, *worth))]


def _band(one: dict[str, Any]) -> dict[str, int]:
    return {part: one[part] for part in ("median", "low", "high")}


def _say(found: dict[str, Any], lang: str, *, json: bool) -> int:
    from maillage.codes.json import encode  # noqa: PLC0415  # only here

    print(encode(found).decode() if json else "\n".join(lines(found, lang)))
    return OK if found["by"] == "regression" else PROBLEM
