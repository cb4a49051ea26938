"""A whole backup as one encrypted file: a compressed tar in chunks of 1 MiB under AES-256-GCM, by the construction of `blobs.chunks`.

The key of the file is random and wrapped by the first master key of a key file of its own; the id of that master key stands in the clear, so that a wrong
key file is told from a damaged backup.
"""

from __future__ import annotations

import gzip
import io
import os
import secrets
import shutil
import struct
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from maillage.kernel.ids import new_id
from maillage.store.backup.manifest import BackupError
from maillage.store.blobs import CHUNK, About, Broken, Ring
from maillage.store.blobs.chunks import new_key

MAGIC: Final = b"MBACK\x01"
_PLACE: Final = struct.Struct(">I?")
_HEAD: Final = struct.Struct(">6s36s8s60s7s")  # magic, id, master key, wrapped key, salt
_TAG: Final = 16


def pack(folder: Path, target: Path, ring: Ring) -> None:
    """Seal a folder into `target`, whole or not at all."""
    draft = target.with_name(f".{target.name}.part")
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
        with (
            _Sealing(file, ring) as sealing,
            gzip.GzipFile(fileobj=sealing, mode="wb", compresslevel=1, mtime=0) as small,
            tarfile.open(fileobj=small, mode="w|", format=tarfile.PAX_FORMAT) as tar,
        ):
            tar.add(folder, arcname=".", filter=_nobody)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(target)


def unpack(sealed: Path, folder: Path, ring: Ring) -> None:
    """The folder again. Raises `BackupError`: `wrong-key`, or `corrupt`."""
    try:
        with sealed.open("rb") as file, gzip.GzipFile(fileobj=io.BufferedReader(_Unsealing(file, ring), CHUNK)) as small:
            with tarfile.open(fileobj=small, mode="r|") as tar:
                for member in tar:
                    _lay(tar, member, folder)
            while small.read(CHUNK):  # up to the end: what was cut off after the last member shows too
                pass
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BackupError("corrupt", f"{sealed.name} does not open: {type(error).__name__}") from error


def _nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _lay(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Files and folders under `folder`, and nothing else (CWE-22)."""
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or not (member.isfile() or member.isdir()):
        raise BackupError("corrupt", "it holds something that no backup holds")
    place = folder / path
    if member.isdir():
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return
    source = tar.extractfile(member)
    with os.fdopen(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        shutil.copyfileobj(source or io.BytesIO(), file, CHUNK)
    os.utime(place, (member.mtime, member.mtime))


class _Sealing(io.RawIOBase):
    """What is written to it goes on encrypted; the last chunk, marked as such, goes when it is closed."""

    def __init__(self, file: IO[bytes], ring: Ring) -> None:
        id, key, self._salt = new_id(), new_key(), secrets.token_bytes(7)
        master, wrapped = ring.wrap(key, About(id, "backup", 1))
        self._file, self._cipher, self._left, self._number = file, AESGCM(key), bytearray(), 0
        self._head = _HEAD.pack(MAGIC, id.encode(), master.encode(), wrapped, self._salt)
        file.write(self._head)

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self._left += memoryview(data)  # type: ignore[arg-type]  # any buffer
        while len(self._left) > CHUNK:  # the last one waits: only at the end is it known to be the last
            self._chunk(bytes(self._left[:CHUNK]), last=False)
            del self._left[:CHUNK]
        return memoryview(data).nbytes  # type: ignore[arg-type]  # as above

    def close(self) -> None:
        if not self.closed:
            self._chunk(bytes(self._left), last=True)
        super().close()

    def _chunk(self, data: bytes, *, last: bool) -> None:
        nonce = self._salt + _PLACE.pack(self._number, last)
        self._file.write(self._cipher.encrypt(nonce, data, self._head))
        self._number += 1


class _Unsealing(io.RawIOBase):
    """Gives the bytes back, chunk by chunk, each only once it was authenticated. Raises `BackupError`."""

    def __init__(self, file: IO[bytes], ring: Ring) -> None:
        self._file, self._head = file, file.read(_HEAD.size)
        if len(self._head) < _HEAD.size or not self._head.startswith(MAGIC):
            raise BackupError("not-a-backup", "it is no sealed backup of maillage")
        _, id, master, wrapped, self._salt = _HEAD.unpack(self._head)
        try:
            name, about = master.decode("ascii"), About(id.decode("ascii"), "backup", 1)
            if name not in {one.id for one in ring.masters()}:
                raise BackupError("wrong-key", f"it was sealed under key {name}, which {ring.path} does not hold")
            self._cipher = AESGCM(ring.unwrap(name, wrapped, about))
        except (Broken, UnicodeDecodeError) as error:
            raise BackupError("corrupt", "its head was changed") from error
        self._number, self._ready, self._next = 0, b"", file.read(CHUNK + _TAG)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]  # any buffer
        if not self._ready and self._next:
            self._ready = self._open()
        count = min(len(view), len(self._ready))
        view[:count], self._ready = self._ready[:count], self._ready[count:]
        return count

    def _open(self) -> bytes:
        chunk, self._next = self._next, self._file.read(CHUNK + _TAG)
        nonce = self._salt + _PLACE.pack(self._number, not self._next)
        try:
            data = self._cipher.decrypt(nonce, chunk, self._head)
        except InvalidTag as error:
            raise BackupError("corrupt", f"chunk {self._number} is not what was sealed, or what follows it is gone") from error
        self._number += 1
        return data
