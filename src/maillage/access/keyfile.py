"""A secret key of this installation: made when it is first needed, kept in a file of its account alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from maillage.kernel.ids import new_id

Jwk = dict[str, Any]


def kept(path: Path, make: Callable[[], bytes]) -> bytes:
    """What the file holds; it is made when it is not there, and of two that make it at once the first one's stays. Raises `OSError`."""
    if not path.exists():
        _write(path, make())
    return path.read_bytes()


def kept_jwk(path: Path, make: Callable[[], Jwk]) -> Jwk:
    """The same for a key that is kept as a JWK."""
    return msgspec.json.decode(kept(path, lambda: msgspec.json.encode(make())), type=Jwk)


def _write(path: Path, key: bytes) -> None:
    """Written whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{new_id()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
