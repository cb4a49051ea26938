"""Time-based codes (RFC 6238) and recovery codes. Pure but for the randomness of new ones."""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from datetime import datetime

import pyotp

STEP = 30
_AROUND = (0, -1, 1)
"""Steps that are accepted: the present one, and a clock that is half a minute off."""
RECOVERY_CODES = 8
_RECOVERY_BYTES = 15
_GROUP = 6


def new_totp_secret() -> str:
    """160 random bits in base32, as authenticator applications read them."""
    return pyotp.random_base32()


def totp_address(secret: str, login: str) -> str:
    """What the QR code says."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name="maillage")


def totp_step(secret: str, code: str, now: datetime) -> int | None:
    """The step for which this code is the right one, or None."""
    given = re.sub(r"\s", "", code)
    if not re.fullmatch(r"[0-9]{6}", given, re.ASCII):
        return None
    present, generator = int(now.timestamp()) // STEP, pyotp.TOTP(secret)
    found = [present + off for off in _AROUND if hmac.compare_digest(generator.at((present + off) * STEP), given)]
    return found[0] if found else None


def new_recovery_codes() -> list[str]:
    """Codes to print: 120 random bits each, in groups of six."""
    return [_grouped(base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode()) for _ in range(RECOVERY_CODES)]


def _grouped(text: str) -> str:
    return "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))


def recovery_form(code: str) -> str:
    """A code as it is compared, however it was typed: `abcdef ghijkl` is `ABCDEF-GHIJKL`; digits that look like letters are read as such."""
    plain = re.sub(r"[\s\-]", "", code).upper().translate(str.maketrans("01", "OI"))
    return _grouped(plain)
