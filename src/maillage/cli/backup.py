"""`maillage backup`: a copy of everything that it takes to begin again elsewhere."""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from maillage.cli.output import ENVIRONMENT, OK, PROBLEM, USAGE, Failure, settings_for, show
from maillage.cli.restore import Asked, prove_copy
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import SystemClock
from maillage.record import audit
from maillage.settings import Settings
from maillage.store.backup import BackupError, Manifest, pack, take
from maillage.store.blobs import KeyFileError, Ring
from maillage.store.migrate import migrations
from maillage.store.server import opened

_MARK = ".backup-"


def backup(
    target: Path, *, key: Path | None = None, with_keys: bool = False, verify: bool = False, data: Path | None = None, json: bool = False
) -> int:
    """Copy the database, the encrypted files and the checkpoints of the audit trail, with a manifest; 1 when the copy does not prove good.

    Example: maillage backup /srv/sauvegardes/2026-11-22.maillage --key /etc/maillage/backup.keys --verify

    Parameters
    ----------
    target
        A folder that does not exist yet; with `--key`, one encrypted file.
    key
        File of master keys under which the copy is encrypted; made at its first use. Keep it apart from the copies: without it they are lost.
    with_keys
        Put the secrets of the installation (files' master keys, signing key, identity key) into the copy. With `--key` only.
    verify
        Restore the copy into a scratch cluster at once, and prove it.
    data
        Data folder of the server.
    json
        Answer as one JSON object.
    """
    settings = settings_for(data)
    if with_keys and key is None:
        raise Failure("--with-keys needs --key: secrets in a copy that anybody can read are none", USAGE)
    if target.exists():
        raise Failure(f"{target} is there already: a backup is never written over another", USAGE)
    if not settings.database.url and not settings.data.folder.is_dir():
        raise Failure(f"there is no data folder {settings.data.folder}", ENVIRONMENT)
    try:
        made = _copy(settings, target.absolute(), key, with_keys)
        answer, lines, status = _told(made, target, settings)
        if verify:
            proof, said, status = prove_copy(settings, Asked(target.absolute(), key=key))
            answer, lines = {**answer, "verified": proof}, [*lines, *said]
        asyncio.run(_audited(settings, made, verified=status if verify else None))
    except BackupError as error:
        raise Failure(str(error), PROBLEM if error.code in ("corrupt", "wal-missing", "wrong-key") else ENVIRONMENT) from error
    except KeyFileError as error:
        raise Failure(str(error), ENVIRONMENT) from error
    show(answer, json=json, lines=lines)
    return status


def _copy(settings: Settings, target: Path, key: Path | None, with_keys: bool) -> Manifest:
    """In a folder beside its place, or beside the database when it is encrypted afterwards; moved when it is whole."""
    draft = (settings.data.folder.absolute() if key else target.parent) / f"{_MARK}{secrets.token_hex(6)}"
    target.parent.mkdir(parents=True, exist_ok=True)
    with _alone(settings.data.folder):
        return _made(settings, draft, target, key, with_keys)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One backup at a time; what a killed one left in the clear goes."""
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    with (folder / "backup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Failure("another backup is being made", ENVIRONMENT) from error
        for left in folder.glob(f"{_MARK}*"):
            shutil.rmtree(left)
        yield


def _made(settings: Settings, draft: Path, target: Path, key: Path | None, with_keys: bool) -> Manifest:
    try:
        made = take(settings, draft, with_keys=with_keys, version=version("maillage"), now=SystemClock().now)
        if key is None:
            os.sync()
            draft.rename(target)
        else:
            pack(draft, target, Ring(key))
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return made


def _told(made: Manifest, target: Path, settings: Settings) -> tuple[dict[str, Any], list[str], int]:
    took = (made.ended_at - made.made_at).total_seconds()
    rpo = (
        f"{2 * settings.backup.archive_seconds} s (continuous archive)"
        if settings.backup.archive
        else "the time until the next backup (no archive)"
    )
    lines = [
        f"{target}: {made.kind}, PostgreSQL {made.postgresql // 10_000}, {len(made.migrations)} migrations, {made.objects} files, {took:.1f} s",
        f"keys included: {', '.join(made.keys_included) or 'none'}; not included: {', '.join(made.keys_not_included) or 'none'}",
        f"what a lost disk would cost: {rpo}",
    ]
    answer = {
        **{name: getattr(made, name) for name in ("id", "kind", "objects", "keys_included", "keys_not_included")},
        "target": str(target),
        "seconds": round(took, 3),
        "archive": settings.backup.archive,
    }
    return answer, lines, OK


async def _audited(settings: Settings, made: Manifest, *, verified: int | None) -> None:
    """A copy of everything left, and was perhaps opened: both stand in the audit trail of the installation.

    Not where the database waits for its migrations: a backup is what one takes before them, and must not play them.
    """
    if [one.checksum for one in made.migrations] != [one.checksum for one in migrations()]:
        return
    async with opened(settings) as database, database.transaction(SYSTEM) as tx:
        await audit(tx, "R", "Installation", made.id, act="backup", verb="backup")
        if verified is not None:
            await audit(tx, "E", "Installation", made.id, act="restore", verb="restore", outcome="0" if verified == OK else "8")
