"""The provider's signing keys, and whether a token is signed by one of them (RFC 7515, RFC 8725)."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from joserfc import jwk, jws
from joserfc.errors import JoseError

from maillage.kernel.errors import Unauthenticated, Unavailable

ALGORITHMS = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC"}
"""The signatures that are accepted, and the kind of key of each: a token never chooses another way (RFC 8725, 3.1)."""
_EMBEDDED = frozenset({"jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "crit", "b64"})
"""Header parameters by which a token would say itself how it is to be checked."""
LIFETIME, PAUSE, KEPT = timedelta(hours=1), timedelta(seconds=60), timedelta(hours=24)
_SMALLEST_MODULUS = 2048 // 6
"""Base64 characters of a modulus of 2048 bits."""

Load = Callable[[], Awaitable[dict[str, Any]]]


class Keys:
    """The keys of one provider: kept for an hour, asked again before that for an unknown one, at most once a minute."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._known: list[dict[str, Any]] = []
        self._loaded_at: datetime | None = None
        self._asked_at: datetime | None = None
        self._one_at_a_time = asyncio.Lock()

    async def verify(self, token: str, now: datetime, types: frozenset[str]) -> dict[str, Any]:
        """The claims of a token that the provider signed. Raises `Unauthenticated("openid-signature")`, `Unavailable` when no key can be had."""
        header = _header(token)
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS or _EMBEDDED & set(header) or str(header.get("typ", "JWT")).upper() not in types:
            raise Unauthenticated("openid-signature")
        key = await self._key(header, now)
        try:
            checked = jws.deserialize_compact(token, key, algorithms=[algorithm])
            return msgspec.json.decode(checked.payload, type=dict[str, Any])
        except (JoseError, ValueError, msgspec.DecodeError) as error:
            raise Unauthenticated("openid-signature") from error

    async def _key(self, header: dict[str, Any], now: datetime) -> Any:
        if self._loaded_at is None or now - self._loaded_at >= LIFETIME:
            await self._refresh(now)
        found = self._fitting(header)
        if not found:
            await self._refresh(now)
            found = self._fitting(header)
        if len(found) != 1:
            raise Unauthenticated("openid-signature")
        return _import(found[0])

    def _fitting(self, header: dict[str, Any]) -> list[dict[str, Any]]:
        """The keys that this header may mean: by its name, or the only one of its kind."""
        fits = [
            key
            for key in self._known
            if key.get("kty") == ALGORITHMS[header["alg"]]
            and key.get("use", "sig") == "sig"
            and key.get("alg", header["alg"]) == header["alg"]
        ]
        return [key for key in fits if key.get("kid") == header["kid"]] if "kid" in header else fits

    async def _refresh(self, now: datetime) -> None:
        """Ask for the keys, unless we did a moment ago. A provider that is away costs nothing while the keys we have may serve."""
        async with self._one_at_a_time:
            if self._asked_at is not None and now - self._asked_at < PAUSE:
                return
            self._asked_at = now
            try:
                told = (await self._load()).get("keys")
            except Unavailable:
                if self._loaded_at is None or now - self._loaded_at >= KEPT:
                    self._known, self._asked_at = [], None
                    raise
                return
            self._known = [key for key in told if isinstance(key, dict)] if isinstance(told, list) else []
            self._loaded_at = now


def _header(token: str) -> dict[str, Any]:
    first, dot, rest = token.partition(".")
    if not dot or rest.count(".") != 1 or len(token) > 16_384:
        raise Unauthenticated("openid-signature")
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)), type=dict[str, Any])
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise Unauthenticated("openid-signature") from error


def _import(key: dict[str, Any]) -> Any:
    if key.get("kty") == "RSA" and len(str(key.get("n", ""))) < _SMALLEST_MODULUS:
        raise Unauthenticated("openid-signature")
    try:
        return jwk.import_key({name: key[name] for name in ("kty", "n", "e", "crv", "x", "y", "kid") if name in key})
    except (JoseError, ValueError, TypeError) as error:
        raise Unauthenticated("openid-signature") from error
