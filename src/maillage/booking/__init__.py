"""Vacations, sessions, slots, appointments, the waiting list (the face is completed as the room grows)."""
