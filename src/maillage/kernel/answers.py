"""The two answers of every check."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allowed:
    """Yes."""


@dataclass(frozen=True, slots=True)
class Refused:
    """No, and why: a reason code; `legal` holds the verbs that would be accepted instead."""

    reason: str
    legal: tuple[str, ...] = ()


Answer = Allowed | Refused
