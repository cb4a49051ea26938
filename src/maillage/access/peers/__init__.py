"""Other installations of maillage: who they are, for whom they speak, how we prove to them who we are."""

from __future__ import annotations

from maillage.access.peers.actions import add_peer, move_peer
from maillage.access.peers.keys import assertion, load, public_keys
from maillage.access.peers.queries import find, is_peer
from maillage.access.peers.types import LEASE, SCOPES, Peer

__all__ = ["LEASE", "SCOPES", "Peer", "add_peer", "assertion", "find", "is_peer", "load", "move_peer", "public_keys"]
