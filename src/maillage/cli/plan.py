"""`maillage plan sessions`: half-days of practitioners proposed to sites and weeks. A proposal: nothing is published."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from maillage.cli.status import OK, USAGE, Failure
from maillage.simulation import allocation
from maillage.simulation.sentences import Said, said, tell
from maillage.simulation.words import HEAVIER

UNDER = ("plan.waits-more", "plan.clause")
"""What stands under the line before."""


def plan(
    what: Literal["sessions"],
    problem: Path | None = None,
    *,
    example: str = "30x20",
    seconds: Annotated[float, Parameter(validator=Number(gt=0, lte=3600))] = 20.0,
    since: Path | None = None,
    other_weights: bool = False,
    lang: Literal["fr", "en"] = "fr",
    json: bool = False,
) -> int:
    """Propose half-days from a problem file (JSON), or from an invented territory of so many practitioners and sites.

    Says who waits less and who waits more (`--since` an earlier answer: than with its plan), the cost, the bound and the gap, what one more half-day would
    spare; `--other-weights` adds three plans for other choices, in as many seconds each. What is in `published` of the problem stays: copy the `plan` of an
    answer there, -1 where it may change, and ask again. A person publishes, or not. `--lang en` tells what is printed in English.

    Example: maillage plan sessions --example 30x20 --seconds 20
    """
    asked = _problem(problem, example)
    earlier = _earlier(since, asked) if since else None
    with _aside():
        solved, weeks = allocation.solve_and_place(asked, seconds)
        others = _others(asked, seconds) if other_weights else []
    answer: dict[str, Any] = {
        "what": what,
        **allocation.explain(asked, solved, earlier),
        "not_placed": sum(len(week.left) for week in weeks),
    }
    answer["half_days_placed"] = [
        {"week": w, "practitioner": p, "site": s, "half_day": h} for w, week in enumerate(weeks) for p, s, h in week.places
    ]
    answer |= {"plan": solved.plan.tolist(), "weights": asdict(asked.weights), "other_weights": others}
    return _say(answer, lines(answer, lang), json=json)


def _others(asked: allocation.Problem, seconds: float) -> list[dict[str, Any]]:
    """Plans for other weights: what each is made of, in its own weights."""
    shown = ("cost", "gap", "half_days", "sites_opened", "cost_made_of")
    found = []
    for name, weights in allocation.other_weights(asked.weights).items():
        problem = replace(asked, weights=weights)
        said = allocation.explain(problem, allocation.solve(problem, seconds))
        found.append({"heavier": name, "waits_more": len(said["waits_more"]), **{key: said[key] for key in shown}})
    return found


def _earlier(path: Path, asked: allocation.Problem) -> tuple[allocation.Plan, allocation.Floats]:
    """The plan of an earlier answer, and who waits with it."""
    try:
        plan = allocation.read_plan(path.read_text(encoding="utf-8"), asked)
        return plan, allocation.judged(asked, plan)
    except (OSError, ValueError) as error:
        raise Failure(f"{path}: {error}", USAGE) from error


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


def lines(answer: dict[str, Any], lang: str) -> list[str]:
    """What a planner reads."""
    told = [*_whole(answer), *_waits(answer), *_further(answer), said("plan.choices")]
    return [f"{'  ' if each['code'] in UNDER else ''}{tell(each, lang)}" for each in told]


def _whole(answer: dict[str, Any]) -> list[Said]:
    """What the plan is, and what it costs."""
    moved = answer["half_days_moved"]
    return [
        said("plan.proposal"),
        said("plan.size", half_days=answer["half_days"], left=answer["not_placed"], first=answer["first_plan_cost"]),
        said("plan.cost", cost=answer["cost"], bound=answer["bound"], gap=100 * answer["gap"]),
        said("plan.made-of", **answer["cost_made_of"]),
        *([said("plan.moved", moved=moved)] if moved is not None else []),
    ]


def _waits(answer: dict[str, Any]) -> list[Said]:
    """Who waits more, and what a clause lacks."""
    return [
        said("plan.waits", more=len(answer["waits_more"]), less=len(answer["waits_less"])),
        *(said("plan.waits-more", **row) for row in answer["waits_more"][:10]),
        *(said("plan.clause", **row) for row in answer["clauses"]),
    ]


def _further(answer: dict[str, Any]) -> list[Said]:
    """Where it is full, what one more half-day spares, what other weights give, whom no site reaches."""
    return [
        said("plan.full", full=sum(row["full_weeks"] > 0 for row in answer["rooms"]), sites=len(answer["rooms"])),
        *(said("plan.one-more", **row, number=row["week"] + 1) for row in answer["one_more_half_day"][:3]),
        *(
            said("plan.other-weights", heavier=HEAVIER[row["heavier"]], cost=row["cost"], sites=row["sites_opened"], more=row["waits_more"])
            for row in answer["other_weights"]
        ),
        *(said("plan.unreachable", **row) for row in answer["unreachable"]),
    ]


def _say(answer: dict[str, Any], lines: list[str], *, json: bool) -> int:
    from maillage.codes.json import encode  # noqa: PLC0415  # keeps the first result near

    print(encode(answer).decode() if json else "\n".join(lines))
    return OK
