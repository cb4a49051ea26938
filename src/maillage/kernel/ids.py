"""Identifiers made by the server."""

from __future__ import annotations

import secrets
import time
import uuid


def new_id() -> str:
    """A fresh time-ordered identifier (UUID version 7, RFC 9562) as lower-case text, legal as a FHIR id."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80
    value |= 0x7 << 76
    value |= secrets.randbits(12) << 64
    value |= 0b10 << 62
    value |= secrets.randbits(62)
    return str(uuid.UUID(int=value))
