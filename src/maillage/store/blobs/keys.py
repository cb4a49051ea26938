"""The master keys that wrap the keys of objects: a file that only its owner reads, one key a line, the newest first.

The first line wraps; every line unwraps, so that a key can be replaced while objects are read and written.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from maillage.kernel.clock import SystemClock
from maillage.store.blobs.chunks import KEY, About, Broken

_NONCE: Final = 12


class KeyFileError(Exception):
    """The file of master keys cannot be used; the sentence says why and never holds a key."""


@dataclass(frozen=True, slots=True)
class Master:
    """One master key."""

    id: str
    key: bytes
    made_at: datetime

    def line(self) -> str:
        """As it stands in the file."""
        return f"{self.id} {self.made_at.isoformat()} {base64.b64encode(self.key).decode()}\n"


class Ring:
    """The keys of one file, read again whenever the file changed: another process may have put a new key in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int] | None = None
        self._keys: list[Master] = []

    def masters(self) -> list[Master]:
        """Every key, the newest first; the file is made with its first key when there is none. Raises `KeyFileError`."""
        if not self.path.exists():
            _write(self.path, [_new(SystemClock().now())], first=True)
        state = self.path.stat()
        if stat.S_IMODE(state.st_mode) & 0o077:
            raise KeyFileError(f"{self.path} can be read by others than its owner: chmod 600 it.")
        if self._seen != (state.st_mtime_ns, state.st_ino):
            self._keys = _read(self.path)
            self._seen = (state.st_mtime_ns, state.st_ino)
        return self._keys

    def wrap(self, key: bytes, about: About) -> tuple[str, bytes]:
        """A key of an object under the newest master key: the master's id, and the wrapped key."""
        master, nonce = self.masters()[0], secrets.token_bytes(_NONCE)
        return master.id, nonce + AESGCM(master.key).encrypt(nonce, key, _bound(master.id, about))

    def unwrap(self, id: str, wrapped: bytes, about: About) -> bytes:
        """The key of an object. Raises `Broken` when it is not the one that was wrapped, or its master key is gone."""
        master = next((one for one in self.masters() if one.id == id), None)
        if master is None:
            raise Broken("master key gone")
        try:
            return AESGCM(master.key).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], _bound(id, about))
        except (InvalidTag, ValueError) as error:
            raise Broken("wrapped key") from error

    def add(self, now: datetime) -> Master:
        """Put a new key first."""
        made = _new(now)
        _write(self.path, [made, *self.masters()])
        return made

    def retire(self, ids: set[str]) -> None:
        """Take keys out for good; the first one stays."""
        first, *others = self.masters()
        _write(self.path, [first, *(one for one in others if one.id not in ids)])


def _bound(id: str, about: About) -> bytes:
    return b"key " + id.encode() + b"\0" + about.bound()


def _new(now: datetime) -> Master:
    return Master(secrets.token_hex(4), secrets.token_bytes(KEY), now)


def _read(path: Path) -> list[Master]:
    try:
        lines = [line.split() for line in path.read_text(encoding="ascii").splitlines() if line.strip()]
        keys = [Master(id, base64.b64decode(text, validate=True), datetime.fromisoformat(at)) for id, at, text in lines]
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise KeyFileError(f"{path} is not a file of master keys.") from error
    if not keys or any(len(one.key) != KEY for one in keys) or len({one.id for one in keys}) < len(keys):
        raise KeyFileError(f"{path} is not a file of master keys.")
    return keys


def _write(path: Path, keys: list[Master], *, first: bool = False) -> None:
    """Whole or not at all; two processes that make the first one at once end with the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write("".join(one.line() for one in keys).encode())
        file.flush()
        os.fsync(file.fileno())
    try:
        if first:
            os.link(draft, path)
        else:
            draft.replace(path)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename last: the folder itself is written to the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
