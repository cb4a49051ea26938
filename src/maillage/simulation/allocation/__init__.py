"""Half-days of practitioners proposed to sites and weeks. A proposal only: a person publishes. Practitioners are never compared."""

from maillage.simulation.allocation.by_rule import greedy
from maillage.simulation.allocation.placement import place
from maillage.simulation.allocation.plan import Solved, explain, solve
from maillage.simulation.allocation.problem import Plan, Problem, Weights, example, read

__all__ = ["Plan", "Problem", "Solved", "Weights", "example", "explain", "greedy", "place", "read", "solve"]
