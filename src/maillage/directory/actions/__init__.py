"""Everything that changes the directory."""

from __future__ import annotations

from maillage.directory.actions.contours import load_contours
from maillage.directory.actions.covers import end_cover, name_cover
from maillage.directory.actions.drift import drift
from maillage.directory.actions.entries import KEPT_TYPES, save
from maillage.directory.actions.loading import load_patients, load_territory, resources
from maillage.directory.actions.patients import create_patient, update_patient

__all__ = [
    "KEPT_TYPES",
    "create_patient",
    "drift",
    "end_cover",
    "load_contours",
    "load_patients",
    "load_territory",
    "name_cover",
    "resources",
    "save",
    "update_patient",
]
