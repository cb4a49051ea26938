"""Files that people entrust to us: checked in quarantine, kept encrypted, given back to who may see them. The face of the package."""

from __future__ import annotations

from maillage.documents.actions import Report, check, destroy, keep, load, rotate, show_to, sweep, withhold
from maillage.documents.checks import Antivirus, AntivirusError, Checks
from maillage.documents.queries import those, visible
from maillage.documents.types import IMAGES, TAKEN, Checked, Document, Upload

__all__ = [
    "IMAGES",
    "TAKEN",
    "Antivirus",
    "AntivirusError",
    "Checked",
    "Checks",
    "Document",
    "Report",
    "Upload",
    "check",
    "destroy",
    "keep",
    "load",
    "rotate",
    "show_to",
    "sweep",
    "those",
    "visible",
    "withhold",
]
