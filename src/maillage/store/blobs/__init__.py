"""Objects outside the database: encrypted files, the keys that open them, and the folder where they lie (ADR 0016)."""

from __future__ import annotations

from maillage.store.blobs.chunks import CHUNK, About, Broken
from maillage.store.blobs.folder import Folder, Lying
from maillage.store.blobs.keys import KeyFileError, Ring
from maillage.store.blobs.vault import Kept, Vault

__all__ = ["CHUNK", "About", "Broken", "Folder", "Kept", "KeyFileError", "Lying", "Ring", "Vault"]
