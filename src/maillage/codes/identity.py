"""Codes by which FR Core 2.2.0 says how sure an identity is."""

from __future__ import annotations

from typing import Final

IDENTITY_STATUS: Final = (
    *("VIDE", "PROV", "VALI", "DOUB", "DESA", "DPOT", "DOUA", "COLP", "COLV", "FILI", "CACH"),
    *("ANOM", "IDVER", "RECD", "IDRA", "USUR", "HOMD", "HOMA", "INVA", "FICT", "DOUT"),
)
"""fr-core-cs-v2-0445: 21 codes."""

VALIDATION_MODES: Final = ("AN", "CC", "CE", "CM", "CN", "CS", "LE", "PA", "PC", "TC", "DC", "AC", "IE")
"""fr-core-cs-mode-validation-identity."""

COLLECTION_METHODS: Final = ("SM", "CV", "INSI", "CB", "RFID")
"""fr-core-cs-method-collection."""
