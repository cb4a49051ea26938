"""A security key without a browser: it answers what a form asks of `navigator.credentials` (W3C Web Authentication level 3, 6.1 and 7)."""

from __future__ import annotations

import hashlib
import html
import json
import re
import secrets
from base64 import urlsafe_b64encode
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import encode_cbor

_ASKED = re.compile(r'data-options="([^"]+)"')
_PRESENT_AND_VERIFIED, _MADE = 0x05, 0x40


def question(page: httpx.Response) -> dict[str, Any]:
    """What a page asks of a key."""
    return dict(json.loads(html.unescape(_ASKED.findall(page.text)[0])))


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


class Passkey:
    """One key, that its owner touches at once."""

    def __init__(self, origin: str) -> None:
        self._origin, self._host = origin, origin.partition("://")[2]
        self._id, self._count = secrets.token_bytes(32), 0
        self._secret = ec.generate_private_key(ec.SECP256R1())

    def made(self, page: httpx.Response) -> str:
        """What the form that adds a key sends."""
        point = self._secret.public_key().public_numbers()
        public = encode_cbor({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)})  # RFC 9053, 7.1.1
        data = self._data(_MADE) + bytes(16) + len(self._id).to_bytes(2) + self._id + public
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer(self._told("create", page), attestationObject=attestation)

    def shown(self, page: httpx.Response) -> str:
        """What the form that asks for a key sends."""
        self._count += 1
        told, data = self._told("get", page), self._data()
        signature = self._secret.sign(data + hashlib.sha256(told).digest(), ec.ECDSA(SHA256()))
        return self._answer(told, authenticatorData=data, signature=signature)

    def _told(self, kind: str, page: httpx.Response) -> bytes:
        return json.dumps({"type": f"webauthn.{kind}", "challenge": question(page)["challenge"], "origin": self._origin}).encode()

    def _data(self, more: int = 0) -> bytes:
        return hashlib.sha256(self._host.encode()).digest() + bytes([_PRESENT_AND_VERIFIED | more]) + self._count.to_bytes(4)

    def _answer(self, told: bytes, **parts: bytes) -> str:
        named = {"clientDataJSON": told, **parts}
        id = _text(self._id)
        return json.dumps({"id": id, "rawId": id, "type": "public-key", "response": {name: _text(part) for name, part in named.items()}})
