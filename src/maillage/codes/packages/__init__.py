"""FHIR packages as npm carries them (`.tgz`): read with care, kept in the data folder, never part of the product."""

from __future__ import annotations

from maillage.codes.packages.folder import FOLDER, add, installed, load, remove
from maillage.codes.packages.reading import Package, PackageError, read_package

__all__ = ["FOLDER", "Package", "PackageError", "add", "installed", "load", "read_package", "remove"]
