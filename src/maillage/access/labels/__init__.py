"""Labels that the server sets: who sets one, what it closes, how it ends. A client never writes `meta.security`."""

from __future__ import annotations

from maillage.access.labels.actions import end_label, keeps_a_secret, put_label
from maillage.access.labels.fhir import CODES, coding

__all__ = ["CODES", "coding", "end_label", "keeps_a_secret", "put_label"]
