"""The form of an encrypted object: chunks of 1 MiB, each sealed by AES-256-GCM (NIST SP 800-38D) under a key that no other object has.

The nonce of a chunk says where it stands and whether it is the last: a chunk that was moved, left out, repeated or cut off does not open
(the STREAM construction: Hoang, Reyhanitabar, Rogaway, Vizár, 2015, https://eprint.iacr.org/2015/189). What the object is about is authenticated
with each chunk: the file of another object, patient or version does not open either.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CHUNK: Final = 1 << 20
KEY: Final = 32
MAGIC: Final = b"MBLOB\x01"
_SALT: Final = 7
_TAG: Final = 16
_PLACE: Final = struct.Struct(">I?")
_HEADER: Final = len(MAGIC) + _SALT
MOST_CHUNKS: Final = 2**32


class Broken(Exception):
    """The bytes are not those that were sealed under this key for this object."""


@dataclass(frozen=True, slots=True)
class About:
    """What an object is bound to: its own id, whom it is about, and which version of it."""

    id: str
    subject: str
    version: int

    def bound(self) -> bytes:
        """The associated data: each part with its length, so that no two objects have the same."""
        parts = [self.id.encode(), self.subject.encode(), str(self.version).encode()]
        return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def new_key() -> bytes:
    """The key of one object."""
    return secrets.token_bytes(KEY)


def seal(data: bytes, key: bytes, about: About) -> Iterator[bytes]:
    """The header, then each chunk sealed."""
    cipher, header, view = AESGCM(key), MAGIC + secrets.token_bytes(_SALT), memoryview(data)
    bound, count = about.bound() + header, max(1, -(-len(data) // CHUNK))
    yield header
    for number in range(count):
        nonce = header[len(MAGIC) :] + _PLACE.pack(number, number == count - 1)
        yield cipher.encrypt(nonce, view[number * CHUNK : (number + 1) * CHUNK], bound)


def unseal(sealed: bytes, key: bytes, about: About) -> bytes:
    """The bytes again. Raises `Broken`."""
    header, view = sealed[:_HEADER], memoryview(sealed)[_HEADER:]
    if len(header) < _HEADER or not header.startswith(MAGIC):
        raise Broken("header")
    cipher, bound = AESGCM(key), about.bound() + header
    count = max(1, -(-len(view) // (CHUNK + _TAG)))
    parts = []
    for number in range(count):
        nonce = header[len(MAGIC) :] + _PLACE.pack(number, number == count - 1)
        try:
            parts.append(cipher.decrypt(nonce, view[number * (CHUNK + _TAG) : (number + 1) * (CHUNK + _TAG)], bound))
        except (InvalidTag, ValueError) as error:
            raise Broken(f"chunk {number}") from error
    return b"".join(parts)
