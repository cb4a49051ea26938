"""Signed statements of where the chain stood, in a file that the owner of the database cannot write: what makes a rewritten chain show.

One line each: `{"v":1,"seq":...,"h":...,"at":...,"prev":...,"key":...,"sig":...}`; `prev` is the SHA-256 of the line before, `sig` the Ed25519 signature of
the line without it, as canonical JSON. The same line may go to other keepers (syslog over TLS). A time-stamping authority (RFC 3161) would be a third
keeper of the same face; it is not built.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import fcntl
import hashlib
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

log = logging.getLogger(__name__)
EVERY_ROWS = 1000
EVERY = timedelta(minutes=1)
TAIL = 8192
FIELDS = ("at", "h", "key", "prev", "seq", "v")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One line as read. `fault` says why it is not to be believed, if so."""

    seq: int
    h: bytes
    at: datetime
    line: int
    digest: str
    fault: str = ""


class Witness(Protocol):
    """Whoever is told each checkpoint beside the file."""

    async def tell(self, line: bytes, at: datetime) -> None:
        """Take one line; what fails is raised, and told again with the next checkpoint only."""
        ...


class Signer:
    """The key of this installation: made at the first start, readable by its account alone."""

    def __init__(self, path: Path) -> None:
        self._key = _load(path) if path.exists() else _make(path)
        self.public = self._key.public_key()
        self.name = name_of(self.public)

    def sign(self, text: bytes) -> str:
        """The signature, in base64."""
        return base64.b64encode(self._key.sign(text)).decode()


def name_of(key: Ed25519PublicKey) -> str:
    """A short name of a public key."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


def read_key(path: Path) -> Ed25519PublicKey:
    """A public key from a PEM file. Raises `ValueError` when it holds another one, `OSError` when it is not there."""
    key = serialization.load_pem_public_key(path.read_bytes())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"{path} holds no Ed25519 key")  # noqa: TRY004  # the file's content, not a type of ours
    return key


def public_path(path: Path) -> Path:
    """Where the public half of a key file lies."""
    return path.with_suffix(".pub")


def _load(path: Path) -> Ed25519PrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path} holds no Ed25519 key")  # noqa: TRY004  # the file's content, not a type of ours
    return key


def _make(path: Path) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        _write_once(path, private, 0o600)
    except FileExistsError:  # another process was first
        return _load(path)
    _write_once(public_path(path), public, 0o644)
    return key


def _write_once(path: Path, content: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        os.write(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)


# --- the book ----------------------------------------------------------------
class Book:
    """The append-only file of checkpoints (0600), signed by this installation; several processes may write, one at a time."""

    def __init__(self, path: Path, signer: Signer) -> None:
        self.path, self._signer = path, signer
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.last: Checkpoint | None = last_of(path, signer.public)

    def add(self, seq: int, h: bytes, at: datetime) -> bytes | None:
        """Write one line and force it to the disk; None when somebody else has written as far."""
        handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.last = last_of(self.path, self._signer.public)
            if self.last and self.last.seq >= seq:
                return None
            line = self._line(seq, h, at)
            torn = os.fstat(handle).st_size and os.pread(handle, 1, os.fstat(handle).st_size - 1) != b"\n"
            os.write(handle, (b"\n" if torn else b"") + line + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        self.last = Checkpoint(seq, h, at, 0, _digest(line))
        return line

    def _line(self, seq: int, h: bytes, at: datetime) -> bytes:
        instant = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        prev = self.last.digest if self.last else ""
        said = {"at": instant, "h": h.hex(), "key": self._signer.name, "prev": prev, "seq": seq, "v": 1}
        return msgspec.json.encode({**said, "sig": self._signer.sign(msgspec.json.encode(said))})


def read_book(path: Path, keys: Sequence[Ed25519PublicKey]) -> list[Checkpoint]:
    """The checkpoints of a file, each with what is wrong with it; a line torn by a crash is passed over, its successor does not name it."""
    if not path.exists():
        return []
    found: list[Checkpoint] = []
    known = {name_of(key): key for key in keys}
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        said = _said(line)
        if said is not None:
            found.append(_checkpoint(said, line, number, found[-1].digest if found else "", known))
    return found


def last_of(path: Path, key: Ed25519PublicKey) -> Checkpoint | None:
    """The last checkpoint of a file, read from its end; its signature is checked, what stands before it is not."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
        lines = file.read().split(b"\n")
    for line in reversed(lines):
        if (said := _said(line)) is not None:
            return _checkpoint(said, line, 0, str(said["prev"]), {name_of(key): key})
    return None


def _said(line: bytes) -> dict[str, Any] | None:
    """What a line says, or None for no line of ours."""
    try:
        said = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return None
    shape = {"at": str, "h": str, "key": str, "prev": str, "seq": int, "sig": str, "v": int}
    return said if isinstance(said, dict) and {name: type(value) for name, value in said.items()} == shape else None


def _checkpoint(said: dict[str, Any], line: bytes, number: int, before: str, known: dict[str, Ed25519PublicKey]) -> Checkpoint:
    fault = ""
    try:
        h, at = bytes.fromhex(said["h"]), datetime.fromisoformat(said["at"])
    except ValueError:
        h, at, fault = b"", datetime.min.replace(tzinfo=UTC), "checkpoint-forged"
    if not _is_signed(said, known):
        fault = "checkpoint-forged"
    elif said["prev"] != before:
        fault = fault or "checkpoint-missing"
    return Checkpoint(said["seq"], h, at, number, _digest(line), fault)


def _is_signed(said: dict[str, Any], known: dict[str, Ed25519PublicKey]) -> bool:
    key = known.get(said["key"])
    if key is None:
        return False
    try:
        key.verify(base64.b64decode(said["sig"], validate=True), msgspec.json.encode({name: said[name] for name in FIELDS}))
    except (InvalidSignature, binascii.Error):
        return False
    return True


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


# --- who keeps it --------------------------------------------------------------
class Keeper:
    """Decides when a checkpoint is due, and refuses to sign a chain that no longer says what was signed before."""

    def __init__(self, book: Book, witnesses: Sequence[Witness] = (), *, every_rows: int = EVERY_ROWS, every: timedelta = EVERY) -> None:
        self._book, self._witnesses, self._rows, self._every = book, witnesses, every_rows, every
        self._seen = 0
        self._since: datetime | None = None
        self.broken = False

    @property
    def last(self) -> Checkpoint | None:
        """The last checkpoint that was written."""
        return self._book.last

    def is_due(self, now: datetime) -> bool:
        """Whether rows were chained that no checkpoint holds, and enough of them or for long enough."""
        beyond = self._seen - (self.last.seq if self.last else 0)
        waited = self._since is not None and now - self._since >= self._every
        return not self.broken and beyond > 0 and (beyond >= self._rows or waited)

    async def keep(self, seq: int, h: bytes, known: bytes | None, now: datetime) -> None:
        """The chain ends at (seq, h), and says `known` at the place of the last checkpoint."""
        last = self.last
        if last is not None and (last.fault or known != last.h):
            self._alarm(last)
            return
        if seq > (last.seq if last else 0) and self._since is None:
            self._since = now
        self._seen = seq
        if not self.is_due(now):
            return
        self._since = None
        try:
            line = await asyncio.to_thread(self._book.add, seq, h, now)
        except BlockingIOError:  # another process writes: its checkpoint is as good
            return
        for witness in self._witnesses if line else ():
            await self._tell(witness, line or b"", now)

    def _alarm(self, last: Checkpoint) -> None:
        if not self.broken:
            log.error("audit-chain-broken at checkpoint %s: nothing more is signed", last.seq, extra={"code": "audit-chain-broken"})
        self.broken = True

    async def _tell(self, witness: Witness, line: bytes, at: datetime) -> None:
        try:
            await witness.tell(line, at)
        except (OSError, TimeoutError) as error:
            log.warning("audit-witness-away: %s", type(error).__name__, extra={"code": "audit-witness-away"})
