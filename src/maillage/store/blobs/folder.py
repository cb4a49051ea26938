"""The folder of encrypted objects: each is there whole or not at all, under a name that we made."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from maillage.store.blobs.keys import sync_folder

_NAME: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DRAFT: Final = ".draft-"


@dataclass(frozen=True, slots=True)
class Lying:
    """A file that is there: the object's id (empty for a draft that a crash left), where, and when it was last written."""

    id: str
    path: Path
    written: float


class Folder:
    """Files by the id of their object, spread over 256 folders."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, id: str) -> Path:
        """Where the file of an object lies. Raises `ValueError` for a name that is not one of our ids: no other text reaches a path (CWE-22)."""
        if not _NAME.fullmatch(id):
            raise ValueError("not the id of an object")
        return self.root / id[-2:] / id

    def write(self, id: str, parts: Iterable[bytes]) -> None:
        """Write under a temporary name, bring to the disk, then rename. An object is never written over."""
        path = self.path(id)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"{_DRAFT}{secrets.token_hex(8)}")
        try:
            handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.writelines(parts)
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(path.parent)

    def read(self, id: str) -> bytes:
        """The bytes of the file. Raises `FileNotFoundError`."""
        return self.path(id).read_bytes()

    def remove(self, id: str) -> None:
        """Delete the file, if it is there."""
        self.path(id).unlink(missing_ok=True)

    def lying(self) -> Iterator[Lying]:
        """Every file that is there, drafts too."""
        for path in sorted(self.root.glob("[0-9a-f][0-9a-f]/*")):
            try:
                written = path.stat().st_mtime
            except FileNotFoundError:
                continue  # it went away meanwhile
            yield Lying(path.name if _NAME.fullmatch(path.name) else "", path, written)
