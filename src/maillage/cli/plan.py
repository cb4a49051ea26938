"""`maillage plan sessions`: half-days of practitioners proposed to sites and weeks. A proposal: nothing is published."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from maillage.cli.status import OK, USAGE, Failure
from maillage.simulation import allocation


def plan(
    what: Literal["sessions"],
    problem: Path | None = None,
    *,
    example: str = "30x20",
    seconds: Annotated[float, Parameter(validator=Number(gt=0, lte=3600))] = 20.0,
    json: bool = False,
) -> int:
    """Propose half-days from a problem file (JSON), or from an invented territory of so many practitioners and sites.

    Says who waits less and who waits more, the cost, the bound and the gap. A person publishes, or not.

    Example: maillage plan sessions --example 30x20 --seconds 20
    """
    asked = _problem(problem, example)
    with _aside():
        solved = allocation.solve(asked, seconds)
        weeks = [allocation.place(asked, solved.plan[:, :, w]) for w in range(solved.plan.shape[2])]
    answer: dict[str, Any] = {"what": what, **allocation.explain(asked, solved), "not_placed": sum(len(week.left) for week in weeks)}
    answer["half_days_placed"] = [
        {"week": w, "practitioner": p, "site": s, "half_day": h} for w, week in enumerate(weeks) for p, s, h in week.places
    ]
    return _say(answer, _lines(answer), json=json)


@contextmanager
def _aside() -> Iterator[None]:
    """HiGHS sometimes writes to the standard output, silent as it was asked to be: that goes to the error output, so that the answer stands alone."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        ctypes.CDLL(None).fflush(None)
        os.dup2(kept, 1)
        os.close(kept)


def _problem(path: Path | None, size: str) -> allocation.Problem:
    try:
        if path:
            return allocation.read(path.read_text(encoding="utf-8"))
        practitioners, _, sites = size.partition("x")
        return allocation.example(int(practitioners), int(sites), int(sites))
    except (OSError, ValueError) as error:
        raise Failure(str(error), USAGE) from error


def _lines(answer: dict[str, Any]) -> list[str]:
    """What a planner reads."""
    more, less = answer["waits_more"], answer["waits_less"]
    return [
        "Proposition, à valider par un planificateur : rien n'est publié.",
        f"{answer['half_days']} demi-journées, {answer['not_placed']} sans place ; plan de départ {answer['first_plan_cost']:.0f}.",
        f"Coût {answer['cost']:.0f}, borne {answer['bound']:.0f}, écart {100 * answer['gap']:.2f} %.",
        f"Attendent davantage : {len(more)} couples commune-spécialité ; attendent moins : {len(less)}.",
        *(f"  spécialité {row['specialty']}, commune {row['commune']} : {row['before']} → {row['after']} semaines" for row in more[:10]),
        *(f"Aucun site à portée : spécialité {row['specialty']}, commune {row['commune']}" for row in answer["unreachable"]),
        "Les poids sont des choix ; la demande est une hypothèse. Les praticiens ne sont pas comparés.",
    ]


def _say(answer: dict[str, Any], lines: list[str], *, json: bool) -> int:
    from maillage.codes.json import encode  # noqa: PLC0415  # keeps the first result near

    print(encode(answer).decode() if json else "\n".join(lines))
    return OK
