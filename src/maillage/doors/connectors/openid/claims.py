"""What the claims of the provider's tokens must say (OpenID Connect Core 3.1.3.7, Back-Channel Logout 2.6). Pure.

A check that fails names what was wrong by a code; a claim that is missing is wrong, never "no limit".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from maillage.access.identity.provider import Flow, LogoutNotice
from maillage.kernel.errors import Unauthenticated

SKEW = 60
"""Seconds by which our clock and the provider's may differ."""
_LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass(frozen=True, slots=True)
class Expected:
    """Who must have made a token, and for whom."""

    issuer: str
    client_id: str
    levels: Sequence[str]


def _refuse(claim: str) -> Unauthenticated:
    return Unauthenticated(f"openid-{claim}")


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e11:
        raise _refuse(name)
    return float(value)


def _check_common(claims: Mapping[str, Any], expected: Expected, now: datetime) -> None:
    """Issuer, audience, authorised party, and the times."""
    if claims.get("iss") != expected.issuer:
        raise _refuse("iss")
    audience = claims.get("aud")
    listed = audience if isinstance(audience, list) else [audience]
    if expected.client_id not in listed:
        raise _refuse("aud")
    if (len(listed) > 1 or "azp" in claims) and claims.get("azp") != expected.client_id:
        raise _refuse("azp")
    at = now.timestamp()
    if _seconds(claims, "exp") + SKEW <= at:
        raise _refuse("exp")
    if abs(_seconds(claims, "iat") - at) > SKEW:
        raise _refuse("iat")
    if "nbf" in claims and _seconds(claims, "nbf") > at + SKEW:
        raise _refuse("nbf")


def check_id_token(claims: Mapping[str, Any], expected: Expected, flow: Flow, access_token: str, now: datetime) -> str:
    """The subject of an ID token that fits our question. Raises `Unauthenticated("openid-<claim>")`."""
    _check_common(claims, expected, now)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), flow.nonce.encode()):
        raise _refuse("nonce")
    if claims.get("acr") not in expected.levels:
        raise _refuse("acr")
    if "at_hash" in claims and claims["at_hash"] != _half_hash(access_token):
        raise _refuse("at_hash")
    if flow.confirm and _seconds(claims, "auth_time") < flow.began_at.timestamp() - SKEW:
        raise _refuse("auth_time")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise _refuse("sub")
    return subject


def _half_hash(token: str) -> str:
    digest = hashlib.sha256(token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")


def check_same_subject(told: Mapping[str, Any], subject: str) -> None:
    """Raise `Unauthenticated` unless userinfo speaks of the subject of the ID token (OpenID Connect Core 5.3.2)."""
    if told.get("sub") != subject:
        raise _refuse("userinfo-sub")


def check_logout_token(claims: Mapping[str, Any], expected: Expected, now: datetime) -> LogoutNotice:
    """Whose session is over. Raises `Unauthenticated("openid-<claim>")`."""
    _check_common(claims, expected, now)
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(_LOGOUT_EVENT), dict):
        raise _refuse("events")
    if "nonce" in claims:
        raise _refuse("nonce")
    id, subject, session = (claims.get(name) for name in ("jti", "sub", "sid"))
    if not isinstance(id, str) or not id:
        raise _refuse("jti")
    subject, session = (value if isinstance(value, str) and value else None for value in (subject, session))
    if subject is None and session is None:
        raise _refuse("sub")
    return LogoutNotice(id, subject, session)
