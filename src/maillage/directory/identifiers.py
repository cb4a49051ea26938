"""Forms and keys of French identifiers, and how severe each finding is: pure, no clock, no SQL.

A deployment runs in `test` or `production` mode: official samples hold false keys, so a strict check would refuse them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from maillage.codes.systems import FINESS, IDNPS, IDNST, INS_NIA, INS_NIR, INS_SYSTEMS, RPPS, RPPS_RANG, SIRENE
from maillage.kernel.errors import Issue

Mode = Literal["test", "production"]

INS_REAL = frozenset({INS_NIR, INS_NIA})

_INS = re.compile(r"[0-9]{5}(?:[0-9]{2}|2[AB])[0-9]{8}")
_FINESS = re.compile(r"(?:[0-9]{2}|2[AB])[0-9]{7}")
_COMMUNE = re.compile(r"(?:[0-9]{2}|2[AB])[0-9]{3}")
_IDNPS = re.compile(r"8[0-9]{11}|0[0-9A-Z]{9}|[13456][0-9A-Z]+/\S+")
_IDNST = re.compile(r"1(?:[0-9]{2}|2[AB])[0-9]{7}|2[0-9]{9}|3[0-9]{14}|4[0-9]{14}")
_MALE, _FEMALE = frozenset("137"), frozenset("248")


@dataclass(frozen=True, slots=True)
class _Finding:
    """What is wrong with one value, before the severity policy speaks."""

    reason: str
    details: str


def normalise(system: str, value: str) -> str:
    """The value as it is compared and indexed: no spaces, upper case, the leading zero of a FINESS restored."""
    text = re.sub(r"\s+", "", value).upper()
    if system == FINESS and re.fullmatch(r"[0-9]{8}", text):
        return "0" + text
    return text


def nir_key(body: str) -> str:
    """The two-digit key of the 13 first characters of a NIR; Corsica counts as 19 (2A) or 18 (2B)."""
    digits = body[:5] + body[5:7].replace("2A", "19").replace("2B", "18") + body[7:]
    return f"{97 - int(digits) % 97:02d}"


def luhn_ok(digits: str) -> bool:
    """Whether the last digit is the Luhn key of the others."""
    total = 0
    for rank, char in enumerate(reversed(digits)):
        number = int(char) * (2 if rank % 2 else 1)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


def luhn_key(body: str) -> str:
    """The digit to append to `body` so that the whole passes Luhn."""
    return next(key for key in "0123456789" if luhn_ok(body + key))


def ins_form_ok(value: str) -> bool:
    """15 characters, 13 and 2; 2A or 2B only at the department of birth."""
    return _INS.fullmatch(value) is not None


def ins_key_ok(value: str) -> bool:
    """Whether a well-formed INS ends with its key."""
    return ins_form_ok(value) and nir_key(value[:13]) == value[13:]


def commune_ok(code: str) -> bool:
    """Form of an official geographic code: 5 characters, 2A/2B allowed; the list itself is not expanded."""
    return _COMMUNE.fullmatch(code) is not None


def _check_luhn(value: str, length: int, name: str) -> _Finding | None:
    if not re.fullmatch(rf"[0-9]{{{length}}}", value):
        return _Finding(f"{name}-form", f"{name} wants {length} digits")
    return None if luhn_ok(value) else _Finding(f"{name}-key", f"{name} fails its Luhn key")


def _check_rpps(value: str, _type: str) -> _Finding | None:
    return _check_luhn(value, 11, "rpps")


def _check_finess(value: str, _type: str) -> _Finding | None:
    if not _FINESS.fullmatch(value):
        return _Finding("finess-form", "finess wants 9 characters")
    digits = value.replace("A", "1", 1).replace("B", "2", 1)
    return None if luhn_ok(digits) else _Finding("finess-key", "finess fails its Luhn key")


def _check_sirene(value: str, type_: str) -> _Finding | None:
    siret = type_ == "SIRET" or (type_ != "SIREN" and len(value) > 9)
    return _check_luhn(value, 14, "siret") if siret else _check_luhn(value, 9, "siren")


def _check_idnps(value: str, _type: str) -> _Finding | None:
    return None if _IDNPS.fullmatch(value) else _Finding("idnps-form", "unknown form of national professional identifier, kept unparsed")


def _check_idnst(value: str, _type: str) -> _Finding | None:
    return None if _IDNST.fullmatch(value) else _Finding("idnst-form", "unknown form of national structure identifier, kept unparsed")


def _check_rpps_rang(value: str, _type: str) -> _Finding | None:
    return None if re.fullmatch(r"[0-9]{14}", value) else _Finding("rpps-rang-form", "rpps-rang wants 14 digits")


_CHECKS: dict[str, Callable[[str, str], _Finding | None]] = {
    RPPS: _check_rpps,
    FINESS: _check_finess,
    SIRENE: _check_sirene,
    IDNPS: _check_idnps,
    IDNST: _check_idnst,
    RPPS_RANG: _check_rpps_rang,
}


def check(
    system: str, value: str, mode: Mode, *, type_code: str = "", resource_type: str = "", own: bool = False, expression: str = ""
) -> list[Issue]:
    """Findings about one identifier, with the severity of the mode.

    `own`: our own staff or structure entered by hand, or the author of a document that we emit (stricter in production).
    """
    text = normalise(system, value)
    if system in INS_SYSTEMS:
        return _check_ins(system, text, mode, expression)
    if system == RPPS and resource_type == "PractitionerRole":
        return []  # the national directory puts the identifier of the place of exercise there: not an RPPS
    checker = _CHECKS.get(system)
    finding = checker(text, type_code) if checker else None
    if finding is None:
        return []
    severity = "error" if own and mode == "production" else "warning"
    return [Issue(severity, "value", finding.reason, expression, finding.details)]


def _check_ins(system: str, text: str, mode: Mode, expression: str) -> list[Issue]:
    if system in INS_REAL:
        if not ins_form_ok(text):
            return [Issue("error", "value", "ins-form", expression, "an INS has 15 characters, 13 and 2")]
        if not ins_key_ok(text):
            severity = "error" if mode == "production" else "warning"
            return [Issue(severity, "value", "ins-key", expression, "the key of the INS is false: never qualified, never sent out")]
        return []
    issues = []
    if not ins_key_ok(text):
        severity = "warning" if mode == "production" else "information"
        issues.append(Issue(severity, "value", "ins-key", expression, "the key of the test INS is false"))
    if mode == "production":
        issues.append(Issue("warning", "value", "ins-test-domain", expression, "INS of a test domain: never qualified, never sent out"))
    return issues


def check_nir_traits(value: str, *, birth_date: str | date | None, gender: str | None, expression: str = "") -> list[Issue]:
    """Warnings when the year or the sex written in a NIR disagrees with the birth date or the gender."""
    text = re.sub(r"\s+", "", value).upper()
    if not ins_form_ok(text):
        return []
    issues = []
    if birth_date and str(birth_date)[2:4] != text[1:3]:
        issues.append(Issue("warning", "value", "nir-birth-year", expression, "the year in the NIR is not the year of birth"))
    contradicted = (gender == "male" and text[0] in _FEMALE) or (gender == "female" and text[0] in _MALE)
    if contradicted:
        issues.append(Issue("warning", "value", "nir-gender", expression, "the sex in the NIR is not the gender"))
    return issues


def ins_may_qualify(system: str, value: str, mode: Mode) -> bool:
    """Whether this INS may belong to a qualified identity: true key, and a real domain (or a test domain in test mode)."""
    if system not in INS_SYSTEMS or not ins_key_ok(normalise(system, value)):
        return False
    return system in INS_REAL or mode == "test"
