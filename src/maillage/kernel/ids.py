"""Identifiers made by the server."""

from __future__ import annotations

import os
import time
from typing import Final
from uuid import UUID, uuid5

_OURS: Final = UUID("6d61696c-6c61-5765-8000-6d61696c6c61")


def new_id() -> str:
    """A fresh time-ordered identifier (UUID version 7, RFC 9562) as lower-case text, legal as a FHIR id."""
    chance = os.urandom(10).hex()
    when = f"{time.time_ns() // 1_000_000:012x}"
    variant = "89ab"[int(chance[3], 16) & 3]
    return f"{when[:8]}-{when[8:]}-7{chance[:3]}-{variant}{chance[4:7]}-{chance[7:19]}"


def derived_id(*parts: str) -> str:
    """The identifier that follows from others (UUID version 5, RFC 9562): whoever knows the same parts makes the same one, here and elsewhere."""
    return str(uuid5(_OURS, "/".join(parts)))
