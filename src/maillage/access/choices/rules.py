"""What makes a choice of a patient valid: pure checks, reasons as codes."""

from __future__ import annotations

from datetime import datetime, timedelta

from maillage.access.choices.types import ACTS, FEEDING, READING, SPEAKERS, Target
from maillage.kernel.answers import Allowed, Answer, Refused

LONGEST_CONSENT = timedelta(days=3653)
"""Ten years: a consent has an end that somebody meant."""


def check_target(act: str, target: Target) -> Answer:
    """An opposition is general or names one thing; only reading and feeding may be refused to somebody in particular."""
    named = [target.organization, target.practitioner, target.document]
    if act not in ACTS:
        return Refused("act-unknown")
    if len([one for one in named if one]) > 1:
        return Refused("one-target")
    if act not in (READING, FEEDING) and any(named):
        return Refused("general-only")
    return Allowed()


def check_speaker(said_by: str) -> Answer:
    """A choice is the patient's own, or of who may speak for the patient."""
    return Allowed() if said_by in SPEAKERS else Refused("speaker-unknown")


def check_period(now: datetime, starts: datetime, ends: datetime | None) -> Answer:
    """A choice begins now or later: what was seen before cannot be unseen. It ends after it began."""
    if starts < now:
        return Refused("starts-in-past")
    if ends is not None and ends <= starts:
        return Refused("ends-before-start")
    return Allowed()


def check_consent(now: datetime, ends: datetime, target: Target, own: tuple[str, ...]) -> Answer:
    """A consent says to whom and until when (CSP L1110-4): an organisation other than one's own, for ten years at most."""
    if not target.organization:
        return Refused("recipient-missing")
    if target.organization in own:
        return Refused("own-organization")
    if ends <= now:
        return Refused("ends-before-start")
    return Refused("consent-too-long") if ends - now > LONGEST_CONSENT else Allowed()
