"""Simulation of an emergency department, forecasts, allocation of sessions: pure and seeded, arrays in, arrays out.

The face is light: scenarios and words. What computes (`study`, `process`, `forecast`, `allocation`) is imported by its own name where it is run.
"""

from maillage.simulation.parameters import Model, Parameter, Scenario, Wrong, find, load, problems, read, shipped, shipped_names, text_of

__all__ = ["Model", "Parameter", "Scenario", "Wrong", "find", "load", "problems", "read", "shipped", "shipped_names", "text_of"]
