"""The value of each primitive type: a check returns None when it is right, else a sentence that ends `The value ...`."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from decimal import Decimal
from math import isfinite
from typing import Any, Final

from maillage.codes.r4.dates import is_date
from maillage.codes.r4.narrative import narrative_fault

Check = Callable[[Any], str | None]

MAX_STRING: Final = 1024 * 1024
_DAY = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_TIME = r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?"
_ZONE = r"(Z|[+-]((0\d|1[0-3]):[0-5]\d|14:00))"


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


_DATE: Final = _form(rf"\d{{4}}(-(0[1-9]|1[0-2]))?|{_DAY}")
_DATE_TIME: Final = _form(rf"\d{{4}}(-(0[1-9]|1[0-2]))?|{_DAY}(T{_TIME}{_ZONE})?")
_INSTANT: Final = _form(rf"{_DAY}T{_TIME}{_ZONE}")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_NO_SPACE: Final = re.compile(r"[^\s\x00-\x1f\ud800-\udfff]+")
_CODE: Final = re.compile(r"[^\s\x00-\x1f\ud800-\udfff]+( [^\s\x00-\x1f\ud800-\udfff]+)*")


def check_string(value: Any) -> str | None:
    """string, markdown: not empty, no control character, at most one megabyte."""
    if type(value) is not str:
        return "must be a text"
    if value.isprintable() and value and len(value) <= MAX_STRING and not value.isspace():
        return None
    if not value or value.isspace():
        return "must not be empty"
    if len(value) > MAX_STRING:
        return "is longer than one megabyte"
    return "holds a control character" if _CONTROL.search(value) else None


def check_uri(value: Any) -> str | None:
    """uri, url, canonical: no space."""
    if type(value) is not str:
        return "must be a text"
    if (value and value.isprintable() and " " not in value) or _NO_SPACE.fullmatch(value):
        return None
    return "must be a URI without spaces" if value else "must not be empty"


def check_code(value: Any) -> str | None:
    """code: words separated by single spaces."""
    if type(value) is not str:
        return "must be a text"
    if (value and value.isprintable() and " " not in value) or _CODE.fullmatch(value):
        return None
    return "must be a code without leading, trailing or double spaces" if value else "must not be empty"


def check_boolean(value: Any) -> str | None:
    """boolean: true or false, never a text."""
    return None if value is True or value is False else "must be true or false"


def check_decimal(value: Any) -> str | None:
    """decimal: a JSON number of a size that can be stored."""
    if type(value) is int:
        return None if abs(value) < 10**309 else "is out of range"
    if type(value) is float:
        return None if isfinite(value) else "must be a number"
    if type(value) is not Decimal:
        return "must be a number"
    if not value.is_finite():
        return "must be a number"
    exponent = value.as_tuple().exponent
    return None if isinstance(exponent, int) and -400 < exponent < 309 and abs(value.adjusted()) < 309 else "is out of range"


def check_base64(value: Any) -> str | None:
    """base64Binary: groups of four, spaces allowed between them."""
    if type(value) is not str:
        return "must be a text"
    if not value:
        return "must not be empty"
    try:
        binascii.a2b_base64("".join(value.split()).encode("ascii"), strict_mode=True)
    except (ValueError, UnicodeEncodeError):
        return "must be base64"
    return None


def check_xhtml(value: Any) -> str | None:
    """xhtml: the div of a narrative, well formed, with the allowed elements only."""
    return narrative_fault(value) if type(value) is str else "must be a text"


def _matching(form: re.Pattern[str], sentence: str) -> Check:
    def check(value: Any) -> str | None:
        if type(value) is not str:
            return "must be a text"
        return None if form.fullmatch(value) else sentence

    return check


def _dated(form: re.Pattern[str], sentence: str) -> Check:
    def check(value: Any) -> str | None:
        if type(value) is not str:
            return "must be a text"
        if not form.fullmatch(value) or value.startswith("0000"):
            return sentence
        return None if len(value) < 10 or is_date(value) else "is a day that does not exist"

    return check


def _whole(lowest: int, sentence: str) -> Check:
    def check(value: Any) -> str | None:
        return None if type(value) is int and lowest <= value <= 2**31 - 1 else sentence

    return check


def bound(codes: frozenset[str]) -> Check:
    """A code of a required value set."""

    def check(value: Any) -> str | None:
        if type(value) is str and value in codes:
            return None
        return check_code(value) or not_one_of(value, codes)

    return check


def not_one_of(value: str, codes: frozenset[str]) -> str:
    """`is "x", not one of: a, b`, shortened when the value set is large."""
    listed = sorted(codes)
    shown = ", ".join(listed[:25]) + (", ..." if len(listed) > 25 else "")
    return f"is {value[:60]!r}, not one of: {shown}"


# The published CapabilityStatements write json and xml where a MIME type is bound.
MIME_TYPE: Final = _matching(_form(r"json|xml|[\w!#$&^.+-]+/[\w!#$&^.+*-]+( *;.*)?"), "must be a MIME type")
CURRENCY: Final = _matching(_form(r"[A-Z]{3}"), "must be a currency of three capital letters")

CHECKS: Final[dict[str, Check]] = {
    "string": check_string,
    "markdown": check_string,
    "uri": check_uri,
    "url": check_uri,
    "canonical": check_uri,
    "code": check_code,
    "boolean": check_boolean,
    "decimal": check_decimal,
    "base64Binary": check_base64,
    "xhtml": check_xhtml,
    "id": _matching(_form(r"[A-Za-z0-9\-.]{1,64}"), "must be 1 to 64 letters, digits, dashes or dots"),
    "oid": _matching(_form(r"urn:oid:[0-2](\.(0|[1-9]\d*))+"), "must be an OID such as urn:oid:1.2.250"),
    "uuid": _matching(
        _form(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "must be a UUID such as urn:uuid:..."
    ),
    "date": _dated(_DATE, "must be a date: YYYY, YYYY-MM or YYYY-MM-DD"),
    "dateTime": _dated(_DATE_TIME, "must be a date, or a date and time with its zone (2026-11-22T09:30:00+01:00)"),
    "instant": _dated(_INSTANT, "must be a date and time with its zone (2026-11-22T09:30:00.000+01:00)"),
    "time": _matching(_form(_TIME), "must be a time hh:mm:ss"),
    "integer": _whole(-(2**31), "must be a whole number"),
    "positiveInt": _whole(1, "must be a whole number above zero"),
    "unsignedInt": _whole(0, "must be a whole number, zero or more"),
}
