"""Labels that the server sets: who sets one, what it closes, how it ends. A client never writes `meta.security`."""

from __future__ import annotations

from maillage.access.labels.actions import end_label, keeps_a_secret, put_label
from maillage.access.labels.fhir import CODES, coding
from maillage.access.labels.queries import Label, kept_by, labels_of

__all__ = ["CODES", "Label", "coding", "end_label", "keeps_a_secret", "kept_by", "labels_of", "put_label"]
