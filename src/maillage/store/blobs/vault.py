"""Keeping an object and giving it back: a key of its own, wrapped by a master key; the rest is the row's to remember."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path

from maillage.settings import Settings
from maillage.store.blobs.chunks import About, Broken, new_key, seal, unseal
from maillage.store.blobs.folder import Folder
from maillage.store.blobs.keys import Ring


@dataclass(frozen=True, slots=True)
class Kept:
    """What the row of an object holds: without it the file says nothing."""

    key_id: str
    wrapped_key: bytes
    sha256: bytes
    size: int


class Vault:
    """The folder and the keys of this installation."""

    def __init__(self, folder: Folder, ring: Ring) -> None:
        self.folder, self.ring = folder, ring

    @classmethod
    def of(cls, settings: Settings) -> Vault:
        """As the settings say; nothing is made before the first object."""
        known = settings.documents
        folder = Path(known.folder) if known.folder else settings.data.folder / "documents"
        return cls(Folder(folder), Ring(Path(known.keys) if known.keys else settings.data.folder / "documents.keys"))

    async def keep(self, data: bytes, about: About) -> Kept:
        """Encrypt and write an object; it is on the disk when this comes back, and an orphan until its row is committed."""
        return await asyncio.to_thread(self._keep, data, about)

    async def open(self, kept: Kept, about: About) -> bytes:
        """The bytes of an object. Raises `Broken` unless they are exactly those that were kept."""
        return await asyncio.to_thread(self._open, kept, about)

    def rewrap(self, kept: Kept, about: About) -> tuple[str, bytes]:
        """The same key under the newest master key. Raises `Broken`."""
        return self.ring.wrap(self.ring.unwrap(kept.key_id, kept.wrapped_key, about), about)

    def _keep(self, data: bytes, about: About) -> Kept:
        key = new_key()
        id, wrapped = self.ring.wrap(key, about)
        self.folder.write(about.id, seal(data, key, about))
        return Kept(id, wrapped, hashlib.sha256(data).digest(), len(data))

    def _open(self, kept: Kept, about: About) -> bytes:
        try:
            sealed = self.folder.read(about.id)
        except FileNotFoundError as error:
            raise Broken("file gone") from error
        data = unseal(sealed, self.ring.unwrap(kept.key_id, kept.wrapped_key, about), about)
        if len(data) != kept.size or hashlib.sha256(data).digest() != kept.sha256:
            raise Broken("hash")
        return data
