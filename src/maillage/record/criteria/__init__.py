"""Search criteria as SQL, one file for each kind of parameter. Values are always parameters; names come from the registry, never from the URL."""

from __future__ import annotations

from maillage.record.criteria.names import criterion
from maillage.record.criteria.notation import either, refuse
from maillage.record.criteria.query import Criterion, Query, Unknown

__all__ = ["Criterion", "Query", "Unknown", "criterion", "either", "refuse"]
