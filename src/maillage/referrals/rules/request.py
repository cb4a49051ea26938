"""The status of the ServiceRequest: the order lives on when one service says no (workflows.md 1)."""

from __future__ import annotations

from collections.abc import Collection

from maillage.referrals.rules.table import TABLE


def request_status(states: Collection[str]) -> str:
    """From the states of all its Tasks: draft until one is sent, active while one is open, then completed or revoked."""
    if not states or set(states) == {"to-complete"}:
        return "draft"
    if any(TABLE.states[state].is_open for state in states):
        return "active"
    if "closed" in states:
        return "completed"
    return "revoked" if "cancelled" in states else "entered-in-error"
