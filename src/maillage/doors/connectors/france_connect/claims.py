"""The pivot identity, as FranceConnect's userinfo gives it (https://docs.partenaires.franceconnect.gouv.fr, claims). Pure.

Names as at birth, all given names separated by spaces; a place of birth in France by its commune, elsewhere empty and told by the country.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from maillage.access.identity import Pivot
from maillage.kernel.errors import Unauthenticated

FRANCE: Final = "99100"
_COMMUNE: Final = re.compile(r"(?!99)[0-9][0-9AB][0-9]{3}", re.ASCII)
_COUNTRY: Final = re.compile(r"99[0-9]{3}", re.ASCII)


def pivot_of(told: Mapping[str, Any]) -> Pivot:
    """The five strict traits. Raises `Unauthenticated("franceconnect-pivot")` when one is missing or is none: a missing trait is never "any"."""
    family, given, gender = (_text(told, name) for name in ("family_name", "given_name", "gender"))
    born, place = _born(_text(told, "birthdate")), _place(_text(told, "birthplace"), _text(told, "birthcountry"))
    if not family or not given or gender not in ("male", "female") or born is None or not place:
        raise Unauthenticated("franceconnect-pivot")
    return Pivot(family, given, born, gender, place)


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    return value.strip() if isinstance(value, str) and len(value) <= 300 else ""


def _born(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def _place(commune: str, country: str) -> str:
    """The official geographic code of the place of birth: the commune in France, the country elsewhere; empty for what is none."""
    if country == FRANCE:
        return commune if _COMMUNE.fullmatch(commune) else ""
    return country if not commune and _COUNTRY.fullmatch(country) else ""
