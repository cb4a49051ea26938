"""A plan by the rule of a planner's hand: week by week, where the largest weighted backlog is."""

from __future__ import annotations

import numpy as np

from maillage.simulation.allocation.problem import HALF_DAYS, NEAR, Floats, Plan, Problem


def greedy(problem: Problem) -> Plan:
    """Week by week, half-day by half-day, where the largest weighted backlog is; what is published stays."""
    p, s, _, _, w = problem.shape
    plan = np.zeros((p, s, w), np.int64)
    backlog, near = problem.backlog.copy(), problem.near().T.astype(float)
    for week in range(w):
        backlog += problem.demand[:, :, week]
        if problem.published is not None:
            plan[:, :, week] = np.maximum(problem.published[:, :, week], 0)
            for q, e in np.argwhere(plan[:, :, week] > 0):
                _serve(problem, backlog, int(q), int(e), int(plan[q, e, week]))
        _fill(problem, plan, week, backlog, near)
    return plan


def _fill(problem: Problem, plan: Plan, week: int, backlog: Floats, near: Floats) -> None:
    """The half-days of one week, the most useful first, until none is worth its travel."""
    left = np.minimum(problem.available[:, week], HALF_DAYS) - plan[:, :, week].sum(axis=1)
    room = problem.rooms * HALF_DAYS - plan[:, :, week].sum(axis=0)
    closed = ~problem.allowed if problem.published is None else ~problem.allowed | (problem.published[:, :, week] >= 0)
    opened = plan.sum(axis=2) > 0
    most = np.full(plan.shape[:2], HALF_DAYS) if problem.most is None else problem.most[:, :, week]
    worth = (problem.urgency * problem.weights.backlog * float(plan.shape[2] - week))[problem.specialty]
    while True:
        reach = np.minimum(near @ backlog.T, problem.patients[None, :])
        gain = reach[:, problem.specialty].T * worth[:, None]
        gain -= problem.trip / problem.weights.practitioner_minutes + np.where(opened, 0.0, problem.weights.opening)
        gain[closed | (plan[:, :, week] >= most) | (left <= 0)[:, None] | (room <= 0)[None, :]] = -1.0
        q, e = (int(n) for n in np.unravel_index(int(gain.argmax()), gain.shape))
        if gain[q, e] <= 0:
            return
        plan[q, e, week] += 1
        left[q], room[e] = left[q] - 1, room[e] - 1
        opened[q, e] = True
        _serve(problem, backlog, q, e, 1)


def _serve(problem: Problem, backlog: Floats, practitioner: int, site: int, half_days: int) -> None:
    """Half-days see the nearest first."""
    k = problem.specialty[practitioner]
    patients = float(problem.patients[k]) * half_days
    for c in np.argsort(problem.travel[:, site]):
        if problem.travel[c, site] <= NEAR and patients > 0:
            seen = min(patients, float(backlog[k, c]))
            backlog[k, c] -= seen
            patients -= seen
