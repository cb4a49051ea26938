"""Simulation of an emergency department, forecasts, allocation of sessions: pure and seeded, arrays in, arrays out."""

from maillage.simulation.parameters import Model, Parameter, Scenario, Wrong, find, load, read, shipped, shipped_names
from maillage.simulation.study import Difference, Estimate, Study, compare, study

__all__ = [
    "Difference",
    "Estimate",
    "Model",
    "Parameter",
    "Scenario",
    "Study",
    "Wrong",
    "compare",
    "find",
    "load",
    "read",
    "shipped",
    "shipped_names",
    "study",
]
