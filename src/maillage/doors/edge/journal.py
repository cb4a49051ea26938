"""One line for each request: its template, its lane, its outcome, its time; of its query string a hash that only this process could make again."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections import Counter
from collections.abc import Callable
from time import monotonic

from maillage.doors.edge.asked import Asked

log = logging.getLogger("maillage.edge")
_TELL_EVERY = 1.0


class Journal:
    """What the edge tells the operator. Refusals are counted and told once a second: a flood of requests must not become a flood of lines."""

    def __init__(self, at: Callable[[], float] = monotonic) -> None:
        self._key = secrets.token_bytes(16)
        self._at = at
        self._told = at()
        self._refused: Counter[str] = Counter()

    def answered(self, asked: Asked, query: bytes, status: int, since: float) -> None:
        """A request was answered; 0: its caller went away."""
        if self._refused:
            self._tell()
        if not log.isEnabledFor(logging.INFO):
            return
        told = {
            "code": "request",
            "request_id": asked.id,
            "route": asked.route.name,
            "lane": asked.route.lane.name.lower(),
            "status": status,
            "ms": round((self._at() - since) * 1000, 1),
            "query": self._hash(query) if query else None,
        }
        log.info("request", extra=told)

    def refused(self, reason: str, count: int = 1) -> None:
        """So many requests were refused before any work."""
        self._refused[reason] += count
        self._tell()

    def _tell(self) -> None:
        now = self._at()
        if now - self._told < _TELL_EVERY:
            return
        self._told = now
        for reason, count in self._refused.items():
            log.warning("refused", extra={"code": "requests-refused", "reason": reason, "count": count})
        self._refused.clear()

    def _hash(self, query: bytes) -> str:
        return hashlib.blake2b(query, key=self._key, digest_size=8).hexdigest()
