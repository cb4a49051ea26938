"""Messages of partners' software: each kept whole, once, with what became of it (IHE PAM by FHIR messages; security rule book: nothing told is lost)."""

from __future__ import annotations

from maillage.messaging.incoming.actions import already, keep, last_of
from maillage.messaging.incoming.types import DONE, KEPT, Outcome, Told

__all__ = ["DONE", "KEPT", "Outcome", "Told", "already", "keep", "last_of"]
