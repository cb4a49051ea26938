"""Search criteria as SQL, one file for each kind of parameter. Values are always parameters; names come from the registry, never from the URL."""

from __future__ import annotations

from maillage.record.criteria.names import NOT_SERVED, criterion, modifiers
from maillage.record.criteria.notation import either, refuse
from maillage.record.criteria.query import Criterion, Query, Unknown

__all__ = ["NOT_SERVED", "Criterion", "Query", "Unknown", "criterion", "either", "modifiers", "refuse"]
