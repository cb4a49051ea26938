"""Scenarios of the emergency department, played and compared."""
