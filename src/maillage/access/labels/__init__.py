"""Labels that the server sets: who sets one, what it closes, how it ends. A client never writes `meta.security`."""

from __future__ import annotations

from maillage.access.labels.actions import HELD_BACK, announced_too_late, end_label, follow, keeps_a_secret, put_label, release
from maillage.access.labels.fhir import CODES, coding
from maillage.access.labels.queries import Label, kept_by, labels_of

__all__ = [
    "CODES",
    "HELD_BACK",
    "Label",
    "announced_too_late",
    "coding",
    "end_label",
    "follow",
    "keeps_a_secret",
    "kept_by",
    "labels_of",
    "put_label",
    "release",
]
