"""The ordinal specialties (TRE_R38): 107 codes with a French label."""

from __future__ import annotations

from functools import cache

from maillage.codes.facts import rows
from maillage.codes.systems import SPECIALITE_ORDINALE


@cache
def specialties() -> dict[str, str]:
    """Code -> French label."""
    return {row["code"]: row["label"] for row in rows("specialties_tre_r38")}


def coding(code: str) -> dict[str, str]:
    """The FHIR Coding of a specialty; KeyError for an unknown code."""
    return {"system": SPECIALITE_ORDINALE, "code": code, "display": specialties()[code]}
