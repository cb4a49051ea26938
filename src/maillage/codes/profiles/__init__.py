"""Profiles of added packages: compiled from their snapshots, walked over resources that are already valid R4."""

from __future__ import annotations

from maillage.codes.profiles.library import Profiles

__all__ = ["Profiles"]
