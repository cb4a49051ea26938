"""Tokens that a provider encrypts for us (RFC 7516): our keys, their public halves, and what a token may be closed with."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc import jwe, jwk
from joserfc.errors import JoseError

from maillage.kernel.errors import Unauthenticated

_ALGORITHMS: Final = {"EC": "ECDH-ES", "RSA": "RSA-OAEP"}
"""How the key of the content travels, by the kind of our key: FranceConnect+ knows these two, and nothing else opens."""
_CONTENT: Final = "A256GCM"
_SMALLEST: Final = 2048
_PARTS, _LONGEST = 5, 32_768
_ONE: Final = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.+?-----END \1-----", re.DOTALL)


class Decrypter:
    """Our private keys. Several may be there while one replaces another: all are published, all open."""

    def __init__(self, pem: str) -> None:
        """Read the keys, in PEM. Raises `ValueError` for none, a curve that is not P-256 or a modulus under 2048 bits."""
        self._keys = [_read(found[0]) for found in _ONE.finditer(pem)]
        if not self._keys:
            raise ValueError("no private key in PEM")

    def published(self) -> list[dict[str, Any]]:
        """The public halves, as a key set shows them (RFC 7517)."""
        return [
            {**key.as_dict(private=False), "use": "enc", "alg": _ALGORITHMS[key.key_type], "kid": key.thumbprint()} for key in self._keys
        ]

    def opened(self, token: str) -> str:
        """The signed token inside. Raises `Unauthenticated("openid-encryption")`: not closed, closed otherwise, or for another key."""
        header = _header(token)
        for key in self._keys:
            fits = header.get("alg") == _ALGORITHMS[key.key_type] and header.get("kid", key.thumbprint()) == key.thumbprint()
            if fits and header.get("enc") == _CONTENT and not header.keys() & {"zip", "crit", "jwk", "jku", "x5c", "x5u"}:
                try:
                    found = jwe.decrypt_compact(token, key, algorithms=[header["alg"], _CONTENT])
                    return (found.plaintext or b"").decode("ascii")
                except (JoseError, ValueError, TypeError):
                    continue
        raise Unauthenticated("openid-encryption")


def _read(pem: str) -> Any:
    loaded = serialization.load_pem_private_key(pem.encode(), None)
    if isinstance(loaded, ec.EllipticCurvePrivateKey) and isinstance(loaded.curve, ec.SECP256R1):
        return jwk.ECKey.import_key(pem)
    if isinstance(loaded, rsa.RSAPrivateKey) and loaded.key_size >= _SMALLEST:
        return jwk.RSAKey.import_key(pem)
    raise ValueError("the key is on the curve P-256, or RSA of 2048 bits or more")


def _header(token: str) -> dict[str, Any]:
    first = token.partition(".")[0]
    if token.count(".") != _PARTS - 1 or len(token) > _LONGEST:
        raise Unauthenticated("openid-encryption")
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)), type=dict[str, Any])
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise Unauthenticated("openid-encryption") from error
