"""The disk before it is full: PostgreSQL that cannot write its log panics and stays down, so we stop writing first."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from maillage.settings import DataSettings

BALLAST = "ballast"
LOOK_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class Space:
    """What a volume has: bytes used, bytes that we may still use."""

    used: int
    free: int

    @classmethod
    def of(cls, folder: Path) -> Space:
        """Ask the system, as `df` does. Raises `OSError`."""
        found = os.statvfs(folder)
        return cls((found.f_blocks - found.f_bfree) * found.f_frsize, found.f_bavail * found.f_frsize)


class Volumes:
    """The volumes that we write to. Asked with each write, they are looked at once a second."""

    def __init__(
        self,
        folders: Iterable[Path],
        settings: DataSettings,
        *,
        space: Callable[[Path], Space] = Space.of,
        at: Callable[[], float] = monotonic,
    ) -> None:
        self._folders, self._settings = tuple(folders), settings
        self._space, self._at = space, at
        self._looked, self._full = at() - LOOK_EVERY, False

    def nearly_full(self) -> bool:
        """Whether one of them has passed the mark: nothing may be written until the operator has made room."""
        now = self._at()
        if now - self._looked >= LOOK_EVERY:
            self._looked, self._full = now, any(map(self._passed, self._folders))
        return self._full

    def _passed(self, folder: Path) -> bool:
        try:
            found = self._space(folder)
        except OSError:
            return False  # a volume that is not there is told by what needs it, not here
        whole = found.used + found.free
        return whole > 0 and found.free < self._settings.enough_free and found.used >= self._settings.full_at * whole


def written_to(settings: DataSettings) -> tuple[Path, ...]:
    """The folders whose volumes matter: ours, the cluster's when it lies elsewhere, and those that the operator named."""
    note = settings.folder / "postgres.location"
    elsewhere = (Path(note.read_text(encoding="utf-8").strip()),) if note.exists() else ()
    return (settings.folder, *elsewhere, *map(Path, settings.watched))


def keep_ballast(settings: DataSettings, space: Callable[[Path], Space] = Space.of) -> bool:
    """Lay a file of a settable size aside, to be deleted on the day when the disk is full; whether it lies there.

    It is not made where it would itself bring the volume to its mark.
    """
    settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # with a PostgreSQL of the operator's nothing has made it yet
    target, size = settings.folder / BALLAST, settings.ballast
    if target.exists() or size <= 0:
        return target.exists()
    found = space(settings.folder)
    if found.free < 4 * size:
        return False
    draft = target.with_name(f".{BALLAST}")
    try:
        with draft.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
        draft.rename(target)
    except OSError:
        with suppress(FileNotFoundError):
            draft.unlink()
        return False
    return True
