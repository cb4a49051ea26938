"""The codings of labels: confidentiality and sensitivity of HL7, visibility of the French shared record."""

from __future__ import annotations

from typing import Final

from maillage.codes import systems

_VISIBILITY: Final = systems.nos("TRE_A07-StatusVisibiliteDocument")
_SYSTEMS: Final = {
    "R": systems.CONFIDENTIALITY,
    "V": systems.CONFIDENTIALITY,
    "PSY": systems.ACT_CODE,
    "SEX": systems.ACT_CODE,
    "CEL": systems.ACT_CODE,
    "MASQUE_PS": _VISIBILITY,
    "INVISIBLE_PATIENT": _VISIBILITY,
    "INVISIBLE_REPRESENTANTS_LEGAUX": _VISIBILITY,
}
CODES: Final = tuple(_SYSTEMS)


def coding(code: str) -> dict[str, str]:
    """A label as `meta.security` shows it."""
    return {"system": _SYSTEMS[code], "code": code}
