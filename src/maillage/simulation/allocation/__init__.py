"""Half-days of practitioners proposed to sites and weeks. A proposal only: a person publishes. Practitioners are never compared."""

from maillage.simulation.allocation.by_rule import greedy
from maillage.simulation.allocation.placed import solve_and_place
from maillage.simulation.allocation.placement import place
from maillage.simulation.allocation.plan import Solved, judged, solve
from maillage.simulation.allocation.problem import Floats, Plan, Problem, Weights, example, read, read_plan
from maillage.simulation.allocation.shown import explain, other_weights

__all__ = [
    "Floats",
    "Plan",
    "Problem",
    "Solved",
    "Weights",
    "example",
    "explain",
    "greedy",
    "judged",
    "other_weights",
    "place",
    "read",
    "read_plan",
    "solve",
    "solve_and_place",
]
