"""Secrets that browsers hold and we only recognise."""

from __future__ import annotations

import hashlib
import secrets


def new_secret() -> str:
    """256 random bits for a cookie or a link."""
    return secrets.token_urlsafe(32)


def new_link() -> str:
    """256 random bits for an address: letters and digits only."""
    return secrets.token_hex(32)


def digest(secret: str) -> bytes:
    """The form in which a bearer secret is kept: 256 random bits need no salt."""
    return hashlib.sha256(secret.encode()).digest()
