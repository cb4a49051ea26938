"""What a code looks like, and whether a link may open its page. Pure."""

from __future__ import annotations

from datetime import date

from maillage.access.patient_link.types import CODE_DIGITS, Link


def spelt(code: str) -> str:
    """A code as people read it aloud: `123 456`."""
    return f"{code[: CODE_DIGITS // 2]} {code[CODE_DIGITS // 2 :]}"


def typed(text: str) -> str:
    """A code as somebody typed it, without the spaces and dots that people put in."""
    return "".join(char for char in text if char not in " .-\u00a0\u202f")


def opens(link: Link | None, *, code_matches: bool, born: date | None) -> bool:
    """Whether the code and the birth date are the right ones: both, since a telephone changes hands (hazard H20)."""
    return link is not None and code_matches and born is not None and link.birth_date == born
