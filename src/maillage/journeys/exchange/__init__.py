"""What two installations of maillage tell each other of a request that both hold: each plays the verbs of its own people at the other's public door.

A request between a town that works here and a service that works at a peer has the same ids in both. What ours do to it is kept as a step in the transaction
of the verb; a worker plays the steps of a Task in their order at the peer, which decides by the same rules. What the peer refuses is told to people.
"""

from __future__ import annotations

from maillage.journeys.exchange.actions import Parcel, away, content, give_back, lease, prepare, refused, retry, told
from maillage.journeys.exchange.message import UUID_SYSTEM, bundle, named_patient, parameters
from maillage.journeys.exchange.queries import standing, waiting

__all__ = [
    "UUID_SYSTEM",
    "Parcel",
    "away",
    "bundle",
    "content",
    "give_back",
    "lease",
    "named_patient",
    "parameters",
    "prepare",
    "refused",
    "retry",
    "standing",
    "told",
    "waiting",
]
