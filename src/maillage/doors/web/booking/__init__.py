"""Vacations, sessions, arrivals of the day."""
