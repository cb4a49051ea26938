"""What must come back to us unread and unchanged: second-factor secrets at rest, and the steps of a sign-in that the browser carries.

AES-256-GCM under a key that is not in the database. Several keys may be given: the first seals, all of them open, so that a key can be replaced.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from maillage.access import keyfile
from maillage.kernel.errors import Unauthenticated
from maillage.settings import SettingError, Settings

FILE = "identity.key"
_NONCE, _MARK = 12, 32
_CHALLENGE = struct.Struct(">q16s")


class Sealer:
    """Seals and opens; `purpose` says for what and for whom, and what was sealed for one purpose opens for no other."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = [(hashlib.sha256(key).digest()[:4], AESGCM(key), hmac.digest(key, b"mark", "sha256")) for key in keys]

    @classmethod
    def of(cls, settings: Settings) -> Sealer:
        """The keys of the settings, or the one of the data folder, made when it is first needed. Raises `SettingError`."""
        texts = settings.identity.key.split(",") if settings.identity.key else [_kept(settings.data.folder / FILE)]
        try:
            keys = [base64.b64decode(text.strip(), validate=True) for text in texts]
        except binascii.Error as error:
            raise SettingError("MAILLAGE_IDENTITY__KEY must be base64") from error
        if any(len(key) != 32 for key in keys):
            raise SettingError("MAILLAGE_IDENTITY__KEY must be 32 bytes in base64")
        return cls(keys)

    def seal(self, data: bytes, purpose: str) -> bytes:
        """Sealed bytes: the key's mark, a nonce, the text."""
        mark, cipher, _ = self._keys[0]
        nonce = secrets.token_bytes(_NONCE)
        return mark + nonce + cipher.encrypt(nonce, data, purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """The bytes again. Raises `Unauthenticated("seal-broken")` when changed, made for another purpose, or under a key that we no longer have."""
        for mark, cipher, _ in self._keys:
            if hmac.compare_digest(mark, sealed[:4]):
                try:
                    return cipher.decrypt(sealed[4 : 4 + _NONCE], sealed[4 + _NONCE :], purpose.encode())
                except (InvalidTag, ValueError) as error:
                    raise Unauthenticated("seal-broken") from error
        raise Unauthenticated("seal-broken")

    def pack(self, value: Any, purpose: str, until: datetime) -> str:
        """A value for a cookie or a form, good until `until`."""
        plain = msgspec.json.encode([until, value])
        return base64.urlsafe_b64encode(self.seal(plain, purpose)).decode().rstrip("=")

    def unpack(self, text: str, purpose: str, now: datetime) -> Any:
        """The value again. Raises `Unauthenticated("seal-broken")` when it is not ours, written otherwise than we wrote it, or too old.

        Base64 leaves bits of the last letter unread, and Python passes over foreign letters: what is good once would be good again in another spelling.
        """
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (binascii.Error, ValueError) as error:
            raise Unauthenticated("seal-broken") from error
        if base64.urlsafe_b64encode(sealed).decode().rstrip("=") != text:
            raise Unauthenticated("seal-broken")
        until, value = msgspec.json.decode(self.open(sealed, purpose), type=tuple[datetime, Any])
        if now >= until:
            raise Unauthenticated("seal-broken")
        return value

    def challenge(self, purpose: str, now: datetime) -> bytes:
        """A random challenge that we recognise later without having written it down."""
        body = _CHALLENGE.pack(int(now.timestamp()), secrets.token_bytes(16))
        return body + self._mark(0, body, purpose)

    def is_challenge(self, text: bytes, purpose: str, now: datetime, lifetime: timedelta) -> bool:
        """Whether we made this challenge for this purpose, lately. Whether it was used is for the table of spent proofs to say."""
        body, mark = text[: _CHALLENGE.size], text[_CHALLENGE.size :]
        if len(body) < _CHALLENGE.size or not any(hmac.compare_digest(mark, self._mark(i, body, purpose)) for i in range(len(self._keys))):
            return False
        made: int = _CHALLENGE.unpack(body)[0]
        return 0 <= int(now.timestamp()) - made <= lifetime.total_seconds()

    def alias(self, text: str) -> str:
        """A name for what a visitor typed, that tells two attempts on one login apart from others without saying the login."""
        return hmac.digest(self._keys[0][2], text.strip().casefold().encode(), "sha256").hex()[:16]

    def _mark(self, key: int, body: bytes, purpose: str) -> bytes:
        return hmac.digest(self._keys[key][2], purpose.encode() + b"\0" + body, "sha256")[:_MARK]


def _kept(path: Path) -> str:
    """The key of the data folder."""
    return keyfile.kept(path, lambda: base64.b64encode(secrets.token_bytes(32))).decode("ascii")
