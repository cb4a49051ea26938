"""Words of peers: what is known of another installation, and what it may do here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

SCOPES = tuple(f"system/{kind}.crus" for kind in ("Patient", "ServiceRequest", "QuestionnaireResponse", "Task", "DocumentReference"))
"""What a peer does here: it brings a patient, a request with its answers and its files, and plays the verbs of its side."""

LEASE = timedelta(seconds=60)
"""How long one worker may be at work on a peer; a worker that died gives it back by not coming back."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another installation of maillage: under which name it is a client here and we are one there, and for whom it speaks."""

    client: str
    address: str
    known_as: str
    organizations: tuple[str, ...]
    due_at: datetime
    failures: int = 0
    error: str = ""
    answered_at: datetime | None = None
    fence: int = 0
