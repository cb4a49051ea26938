"""Code systems and value sets: what a code means, whether it belongs, and the list of those that do."""

from __future__ import annotations

from maillage.codes.terminology.expansion import MOST, CannotExpand, Expansion
from maillage.codes.terminology.library import Terminology
from maillage.codes.terminology.systems import CodeSystem, Concept

__all__ = ["MOST", "CannotExpand", "CodeSystem", "Concept", "Expansion", "Terminology"]
