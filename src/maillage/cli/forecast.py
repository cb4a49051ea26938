"""`maillage forecast`: arrivals, eligible flow and bed demand from an RPU extract, with how good such forecasts were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maillage.cli.status import OK, PROBLEM, USAGE, Failure
from maillage.simulation import Wrong


def forecast(extract: Path, /, *, out: Path | None = None, json: bool = False) -> int:
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
    return _say(found, json=json)


def _say(found: dict[str, Any], *, json: bool) -> int:
    from maillage.codes.json import encode  # noqa: PLC0415  # only here

    evening = found["evening"]
    lines = [
        f"{found['weeks']} semaines de comptes ; à partir du {found['from']}. Ne dit rien d'une personne.",
        *(f"  arrivées du {day['at'][:10]}, en 24 h : {_band(day)}" for day in found["days"]),
        f"  éligibles au médecin de ville, de 18 h à 24 h : {_band(evening)}",
        *(f"  lits demandés d'ici {one['hours']} h : {_band(one)}" for one in found["beds"]),
        *(
            f"  rétrospective, {one['measure']} à {one['hours']} h : perte {one['loss']:.2f} contre {one['loss_of_memory']:.2f}, "
            f"bande tenue {100 * one['coverage']:.0f} %"
            for one in found["scores"]
        ),
    ]
    print(encode(found).decode() if json else "\n".join(lines))
    return OK if found["by"] == "regression" else PROBLEM


def _band(one: dict[str, Any]) -> str:
    return f"{one['median']} [{one['low']} ; {one['high']}]"
