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

PARTS = {
    "waiting": "attente",
    "sessions_travel": "trajets des praticiens",
    "patients_travel": "trajets des patients",
    "sites_opened": "ouvertures de sites",
    "fewer_sites": "ouvertures de sites",
    "longest_wait": "plus longue attente",
    "equity": "plus longue attente",
    "clauses": "clauses non tenues",
}


def plan(
    what: Literal["sessions"],
    problem: Path | None = None,
    *,
    example: str = "30x20",
    seconds: Annotated[float, Parameter(validator=Number(gt=0, lte=3600))] = 20.0,
    since: Path | None = None,
    other_weights: bool = False,
    json: bool = False,
) -> int:
    """Propose half-days from a problem file (JSON), or from an invented territory of so many practitioners and sites.

    Says who waits less and who waits more (`--since` an earlier answer: than with its plan), the cost, the bound and the gap, what one more half-day would
    spare; `--other-weights` adds three plans for other choices, in as many seconds each. What is in `published` of the problem stays: copy the `plan` of an
    answer there, -1 where it may change, and ask again. A person publishes, or not.

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
    return _say(answer, _lines(answer), json=json)


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


def _lines(answer: dict[str, Any]) -> list[str]:
    """What a planner reads."""
    more, less = answer["waits_more"], answer["waits_less"]
    return [
        "Proposition, à valider par un planificateur : rien n'est publié.",
        f"{answer['half_days']} demi-journées, {answer['not_placed']} sans place ; plan de départ {answer['first_plan_cost']:.0f}.",
        f"Coût {answer['cost']:.0f}, borne {answer['bound']:.0f}, écart {100 * answer['gap']:.2f} % : aucun plan ne coûte moins que la borne.",
        "Le coût, c'est : " + ", ".join(f"{PARTS[name]} {value:.0f}" for name, value in answer["cost_made_of"].items()) + ".",
        *(
            [f"{answer['half_days_moved']} demi-journées déplacées depuis le plan comparé."]
            if answer["half_days_moved"] is not None
            else []
        ),
        f"Attendent davantage : {len(more)} couples commune-spécialité ; attendent moins : {len(less)}.",
        *(f"  spécialité {row['specialty']}, commune {row['commune']} : {row['before']} → {row['after']} semaines" for row in more[:10]),
        *(
            f"  clause : spécialité {row['specialty']}, site {row['site']} : {row['given']} demi-journées pour {row['owed']:g} dues"
            for row in answer["clauses"]
        ),
        f"Sites complets une semaine au moins : {sum(row['full_weeks'] > 0 for row in answer['rooms'])} sur {len(answer['rooms'])}.",
        *(
            f"Une demi-journée de plus : spécialité {row['specialty']}, site {row['site']}, semaine {row['week'] + 1} : coût -{row['gain']:.0f}"
            for row in answer["one_more_half_day"][:3]
        ),
        *(
            f"Autres poids ({PARTS[row['heavier']]} trois fois plus lourd) : coût {row['cost']:.0f}, {row['sites_opened']} sites ouverts, "
            f"{row['waits_more']} couples attendent davantage"
            for row in answer["other_weights"]
        ),
        *(f"Aucun site à portée : spécialité {row['specialty']}, commune {row['commune']}" for row in answer["unreachable"]),
        "Les poids sont des choix ; la demande est une hypothèse. Les praticiens ne sont pas comparés.",
    ]


def _say(answer: dict[str, Any], lines: list[str], *, json: bool) -> int:
    from maillage.codes.json import encode  # noqa: PLC0415  # keeps the first result near

    print(encode(answer).decode() if json else "\n".join(lines))
    return OK
