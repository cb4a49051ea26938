"""What a planner is shown of a plan: who waits less and who more, what its cost is made of, rooms, clauses, what one more half-day would spare."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from maillage.simulation.allocation import parts
from maillage.simulation.allocation.by_specialty import specialties
from maillage.simulation.allocation.plan import Solved
from maillage.simulation.allocation.problem import Floats, Plan, Problem, Weights


def explain(problem: Problem, solved: Solved, since: tuple[Plan, Floats] | None = None) -> dict[str, Any]:
    """Worst first, in weeks of demand, against those who wait at the start, or `since` an earlier plan and its backlog. No practitioner is ranked."""
    start = problem.backlog if since is None else since[1][:, :, -1]
    return {
        **waits(problem, start, solved.backlog[:, :, -1]),
        "unreachable": [{"specialty": k, "commune": c} for k, c in problem.unreachable()],
        "half_days": int(solved.plan.sum()),
        "half_days_moved": None if since is None else int(np.abs(solved.plan - since[0]).sum() + 1) // 2,
        "sites_opened": int((solved.plan.sum(axis=2) > 0).sum()),
        "cost": round(solved.cost, 1),
        "cost_made_of": {name: round(value, 1) for name, value in costs(problem, solved).items()},
        "bound": round(solved.bound, 1),
        "gap": round(solved.gap, 5),
        "first_plan_cost": round(solved.greedy_cost, 1),
        "rooms": rooms(problem, solved.plan),
        "clauses": [
            {"specialty": k, "site": e, "owed": owed, "given": _given(problem, solved.plan, k, e)} for k, e, owed in problem.clauses
        ],
        "one_more_half_day": one_more(problem, solved),
        "proposal": True,
    }


def waits(problem: Problem, before: Floats, after: Floats) -> dict[str, list[dict[str, Any]]]:
    """Who waits more and who waits less, in weeks of demand."""
    weekly = np.maximum(problem.demand.mean(axis=2), 1e-9)
    weeks = [(k, c, float(before[k, c] / weekly[k, c]), float(after[k, c] / weekly[k, c])) for k, c in np.ndindex(weekly.shape)]
    rows = [{"specialty": k, "commune": c, "before": round(a, 2), "after": round(b, 2)} for k, c, a, b in weeks]
    worse = sorted((row for row in rows if row["after"] > row["before"]), key=lambda row: row["before"] - row["after"])
    better = sorted((row for row in rows if row["after"] < row["before"]), key=lambda row: row["after"] - row["before"])
    return {"waits_more": worse, "waits_less": better}


def costs(problem: Problem, solved: Solved) -> dict[str, float]:
    """The parts of the cost; the travel of patients is what the others leave."""
    weights, demand = problem.weights, problem.demand.mean(axis=2)
    waited = np.divide(solved.backlog[:, :, -1], demand, out=np.zeros_like(demand), where=demand > 0)
    lacking = sum(max(0.0, owed - _given(problem, solved.plan, k, e)) for k, e, owed in problem.clauses)
    found = {
        "waiting": weights.backlog * float((problem.urgency[:, None, None] * solved.backlog).sum()),
        "sessions_travel": float((problem.trip * solved.plan.sum(axis=2)).sum()) / weights.practitioner_minutes,
        "sites_opened": weights.opening * float((solved.plan.sum(axis=2) > 0).sum()),
        "longest_wait": weights.equity * float(waited.max(initial=0.0)),
        "clauses": weights.clause * lacking,
    }
    return {**found, "patients_travel": max(0.0, solved.cost - sum(found.values()))}


def rooms(problem: Problem, plan: Plan) -> list[dict[str, int]]:
    """Half-days of each site that is used, how many there are room for, and the weeks in which it is full."""
    used, there = plan.sum(axis=0), parts.rooms(problem)
    return [
        {"site": e, "used": int(used[e].sum()), "of": int(there[e].sum()), "full_weeks": int((used[e] >= there[e]).sum())}
        for e in np.flatnonzero(used.sum(axis=1)).tolist()
    ]


def one_more(problem: Problem, solved: Solved) -> list[dict[str, Any]]:
    """For each specialty the place and week where one more half-day than anyone has would spare most, and how much; most first."""
    weekly, found = np.maximum(problem.demand.mean(axis=2), 1e-9), []
    free = parts.rooms(problem) > solved.plan.sum(axis=0)
    for k in specialties(problem):
        mine, longest = problem.specialty == k, float((np.delete(solved.backlog[:, :, -1] / weekly, k, axis=0)).max(initial=0.0))
        part = parts.cut(problem, [k])
        part, plan = replace(part, available=part.available + 1, published=None), solved.plan[mine]
        tried = _best(part, plan, free)
        if tried is not None:
            more = plan.copy()
            more[tried] += 1
            gain = parts.cost(part, longest, plan) - parts.cost(part, longest, more)
            found.append({"specialty": k, "site": tried[1], "week": tried[2], "gain": round(gain, 1)})
    return sorted(found, key=lambda row: -row["gain"])


def _best(part: Problem, plan: Plan, free: Plan) -> tuple[int, int, int] | None:
    """Where the prices of half-days say that one more spares most, among the sites opened that have a room."""
    worth = np.where((plan.sum(axis=2) > 0)[:, :, None] & free[None], parts.worth(part, plan), -np.inf)
    at = np.unravel_index(int(worth.argmax()), worth.shape)
    return None if worth[at] == -np.inf else (int(at[0]), int(at[1]), int(at[2]))


def _given(problem: Problem, plan: Plan, specialty: int, site: int) -> int:
    return int(plan[problem.specialty == specialty, site].sum())


def other_weights(weights: Weights) -> dict[str, Weights]:
    """Three other choices, each one thing three times as heavy: a plan is one answer among several."""
    return {
        "equity": replace(weights, equity=3 * weights.equity),
        "patients_travel": replace(weights, patient_minutes=weights.patient_minutes / 3),
        "fewer_sites": replace(weights, opening=3 * weights.opening),
    }
