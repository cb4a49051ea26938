"""Dates and numbers of a query as half-open ranges, with the precision that their text has (FHIR R4, search, 3.1.1.4.6 and 3.1.1.4.7)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from maillage.codes.r4 import interval

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,4}))?")
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
LONGEST_TEXT = 64
LEAP = ":60"


@dataclass(frozen=True, slots=True)
class NumberSpan:
    """The number as written, and the range of numbers that are written so."""

    value: Decimal
    lo: Decimal
    hi: Decimal


def date_span(text: str) -> tuple[datetime, datetime] | None:
    """The range that a date covers, None when it is none, or in a leap second; a blank before the zone is a plus that was not escaped in the URL."""
    if len(text) > LONGEST_TEXT or text[16:19] == LEAP:
        return None
    return interval(text[:11] + text[11:].replace(" ", "+"))


def number_span(text: str) -> NumberSpan:
    """The number, and what rounds to it: `100` is [99.5, 100.5). Raises ValueError."""
    match = _NUMBER.fullmatch(text) if len(text) <= LONGEST_TEXT else None
    if match is None:
        raise ValueError("not a number")
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError("not a number") from error
    exponent = int(match[2] or 0)
    if abs(exponent) > 300:
        raise ValueError("not a number of this world")
    half = Decimal(5).scaleb(exponent - len(match[1] or "") - 1)
    return NumberSpan(value, value - half, value + half)


def split_prefix(text: str) -> tuple[str, str]:
    """`ge2026` -> (`ge`, `2026`); without one of the nine prefixes it is `eq`."""
    if text[:2] in PREFIXES:
        return text[:2], text[2:]
    return "eq", text
