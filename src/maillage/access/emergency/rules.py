"""Who may break the glass, why, and who may judge it: pure checks, reasons as codes."""

from __future__ import annotations

from maillage.access.emergency.types import DECISIONS, REASONS, SHORTEST_EXPLANATION, VITAL, Glass
from maillage.access.policy.rules import assured, may_break_the_glass
from maillage.kernel.actor import Actor
from maillage.kernel.answers import Allowed, Answer, Refused

REVIEWERS = ("dpo", "referent")


def may_review(actor: Actor) -> bool:
    """Whether somebody judges emergency accesses: the named senior and the data protection officer."""
    return actor.is_one_of(*REVIEWERS)


def check_opening(actor: Actor, reason: str, explanation: str, *, refused: bool) -> Answer:
    """A listed role, proved strongly enough, with a coded reason and a sentence; what the patient refused stops all but a vital emergency."""
    if not may_break_the_glass(actor):
        return Refused("role")
    if isinstance(strong := assured(actor, "emergency"), Refused):
        return strong
    if reason not in REASONS:
        return Refused("reason-unknown")
    if len(explanation.strip()) < SHORTEST_EXPLANATION:
        return Refused("explanation-short")
    return Refused("emergency-refused") if refused and reason != VITAL else Allowed()


def check_review(actor: Actor, glass: Glass, decision: str) -> Answer:
    """The organisation's named senior or the data protection officer judges, never the person who opened, and once."""
    if not may_review(actor):
        return Refused("role")
    if actor.id == glass.practitioner_id:
        return Refused("own-access")
    if decision not in DECISIONS:
        return Refused("decision-unknown")
    return Refused("reviewed-already") if glass.decision else Allowed()
