"""Quarantine: what is asked of a file before anything of it is kept."""

from __future__ import annotations

from maillage.documents.checks.antivirus import Antivirus, AntivirusError
from maillage.documents.checks.intake import Checks

__all__ = ["Antivirus", "AntivirusError", "Checks"]
