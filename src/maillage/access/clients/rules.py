"""A client proves who it is: `private_key_jwt`, as SMART App Launch 2.2 and RFC 7523 say. Pure: keys and instants are given.

Every refusal is the same to the caller; the reason is for the audit. Keys named or carried by the assertion itself (`jwk`, `jku`, `x5c`, `x5u`) are
never looked at: the record of the client is the one place where keys, or the address where they are published, come from (CVE-2022-29217,
CVE-2024-33663).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from maillage.access.clients.types import ALGORITHMS, ASSERTION_LIFETIME, CURVES, SKEW, SMALLEST_RSA, Proof
from maillage.kernel.errors import Invalid, Unauthenticated

LONGEST = 8192
LONGEST_NAME = 200
LONGEST_ADDRESS = 500
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
MOST_KEYS = 10
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_NUMBER = (int, float)


def refused(why: str) -> Unauthenticated:
    """One reason of many, told to the audit alone."""
    return Unauthenticated("client-refused", why=why)


def claimed(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims as they are written, nothing verified. Raises `Unauthenticated`."""
    parts = assertion.split(".")
    if len(assertion) > LONGEST or len(parts) != 3 or not all(parts):
        raise refused("form")
    header, claims = _object(parts[0]), _object(parts[1])
    if header.get("alg") not in ALGORITHMS:
        raise refused("algorithm")
    if str(header.get("typ", "JWT")).upper() != "JWT" or "crit" in header or "b64" in header or not _name(header.get("kid")):
        raise refused("header")
    if not _name(claims.get("iss")):
        raise refused("issuer")
    return header, claims


def _object(part: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(_bytes(part))
    except (ValueError, RecursionError, msgspec.DecodeError) as error:
        raise refused("form") from error
    if type(found) is not dict:
        raise refused("form")
    return found


def _bytes(part: str) -> bytes:
    return binascii.a2b_base64(part.replace("-", "+").replace("_", "/") + "=" * (-len(part) % 4))


def _name(value: Any) -> bool:
    return type(value) is str and 0 < len(value) <= LONGEST_NAME and value.isprintable()


def verify(assertion: str, client: str, jwks: str, audience: str, now: datetime, jwks_url: str = "") -> Proof:
    """What the assertion proves, with the keys of the client's record. Raises `Unauthenticated`.

    An assertion that names an address of keys (`jku`) names the one of the record, or fails (SMART App Launch 2.2); it is not fetched for that.
    Without a key that fits, one that fits nobody is tried: an unknown client costs as much time as a wrong signature.
    """
    header, claims = claimed(assertion)
    algorithm: str = header["alg"]
    key = _fitting(jwks, header["kid"], algorithm)
    try:
        jws.deserialize_compact(assertion, key or decoy(algorithm), algorithms=[algorithm])
    except (JoseError, ValueError, TypeError) as error:
        raise refused("signature") from error
    if key is None or ("jku" in header and header["jku"] != (jwks_url or None)):
        raise refused("key")
    return _timely(_addressed(claims, client, audience), now)


def _fitting(jwks: str, kid: str, algorithm: str) -> RSAKey | ECKey | None:
    """The one key of that name, where it is of the kind that the algorithm takes."""
    for key in msgspec.json.decode(jwks)["keys"] if jwks else ():
        if key["kid"] == kid and key["kty"] == ALGORITHMS[algorithm] and key.get("alg", algorithm) == algorithm:
            return _key(key) if key["kty"] == "RSA" or key["crv"] == CURVES[algorithm] else None
    return None


def _key(key: Mapping[str, Any]) -> RSAKey | ECKey:
    kept = {name: key[name] for name in ("kty", "kid", "n", "e", "crv", "x", "y") if name in key}
    return RSAKey.import_key(kept) if key["kty"] == "RSA" else ECKey.import_key(kept)


def _addressed(claims: Mapping[str, Any], client: str, audience: str) -> Mapping[str, Any]:
    if claims.get("iss") != client or claims.get("sub") != client:
        raise refused("subject")
    if claims.get("aud") not in (audience, [audience]):
        raise refused("audience")
    if not _name(claims.get("jti")):
        raise refused("jti")
    return claims


def _timely(claims: Mapping[str, Any], now: datetime) -> Proof:
    """It ends soon, and has begun. `nbf` and `iat` may be absent."""
    instant = now.timestamp()
    ends, skew = _instant(claims.get("exp")), SKEW.total_seconds()
    if ends <= instant or ends > instant + ASSERTION_LIFETIME.total_seconds() + skew:
        raise refused("expiry")
    if any(_instant(claims[name]) > instant + skew for name in ("nbf", "iat") if name in claims):
        raise refused("not-yet")
    return Proof(claims["jti"], datetime.fromtimestamp(ends, UTC))


def _instant(value: Any) -> float:
    if type(value) not in _NUMBER or not math.isfinite(value) or not 0 < value < 1e11:
        raise refused("expiry")
    return float(value)


@lru_cache(maxsize=8)
def decoy(algorithm: str) -> RSAKey | ECKey:
    """A public key of the right kind whose private half nobody has."""
    if ALGORITHMS[algorithm] == "EC":
        return ECKey.generate_key(CURVES[algorithm], private=False)
    digits = b"".join(hashlib.sha512(bytes([turn])).digest() for turn in range(4))
    number = int.from_bytes(digits, "big") | 1 | 1 << 2047
    return RSAKey.import_key({"kty": "RSA", "e": "AQAB", "n": _text(RSAPublicNumbers(65537, number).n)})


def _text(number: int) -> str:
    return binascii.b2a_base64(number.to_bytes(256, "big"), newline=False).decode().rstrip("=").replace("+", "-").replace("/", "_")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A public key as people compare it: its name, its kind, its thumbprint (RFC 7638)."""

    name: str
    kind: str
    thumbprint: str


def fingerprints(jwks: str) -> tuple[Fingerprint, ...]:
    """The public keys of a client's record."""
    listed = msgspec.json.decode(jwks)["keys"] if jwks else ()
    return tuple(Fingerprint(key["kid"], _kind(key), _key(key).thumbprint()) for key in listed)


def _kind(key: Mapping[str, Any]) -> str:
    return f"RSA {len(_bytes(key['n'])) * 8} bits" if key["kty"] == "RSA" else f"EC {key['crv']}"


def thumbprint(certificate: bytes) -> str:
    """The SHA-256 of a certificate in base64url, as `x5t#S256` writes it (RFC 8705)."""
    return base64.urlsafe_b64encode(hashlib.sha256(certificate).digest()).decode().rstrip("=")


def is_address(text: str) -> bool:
    """Whether a browser may be sent there: https, or http on the loopback, without user, fragment or blank."""
    if len(text) > LONGEST_ADDRESS or not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        return False
    try:
        parts = urlsplit(text)
        port_is_one = parts.port is None or parts.port > 0
    except ValueError:
        return False
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    return secure and bool(parts.hostname) and port_is_one and "@" not in parts.netloc and "#" not in text


# --- what a record may hold ------------------------------------------------------------
def public_keys(text: str) -> str:
    """A JWKS as a record keeps it: public signing keys only, each with a name of its own. Raises `Invalid` with the reason."""
    try:
        listed = msgspec.json.decode(text)["keys"]
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise Invalid.one("jwks-form", "jwks") from error
    if type(listed) is not list or not 0 < len(listed) <= MOST_KEYS or any(type(key) is not dict for key in listed):
        raise Invalid.one("jwks-form", "jwks")
    names = [key.get("kid") for key in listed]
    if not all(map(_name, names)) or len(set(names)) < len(names):
        raise Invalid.one("jwks-names", "jwks")
    return msgspec.json.encode({"keys": [_public(key) for key in listed]}).decode()


def _public(key: Mapping[str, Any]) -> Mapping[str, Any]:
    if PRIVATE & key.keys():
        raise Invalid.one("jwks-private", "jwks")
    if key.get("use", "sig") != "sig" or key.get("alg", "RS384") not in ALGORITHMS:
        raise Invalid.one("jwks-use", "jwks")
    try:
        weak = len(_bytes(key["n"])) * 8 < SMALLEST_RSA if key["kty"] == "RSA" else key["crv"] not in CURVES.values()
        if not weak:
            _key(key)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Invalid.one("jwks-form", "jwks") from error
    if weak:
        raise Invalid.one("jwks-weak", "jwks")
    return {name: key[name] for name in ("kty", "kid", "alg", "n", "e", "crv", "x", "y") if name in key}
