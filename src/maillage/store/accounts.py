"""The system account under which PostgreSQL runs: ours, or an unprivileged one when we are root (PostgreSQL refuses root)."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class AccountError(Exception):
    """No account under which PostgreSQL could run."""


@dataclass(frozen=True, slots=True)
class Account:
    """`uid` None: the account of this process."""

    uid: int | None = None
    gid: int | None = None

    def process(self) -> dict[str, Any]:
        """Arguments of `subprocess.run` that change to the account."""
        return {} if self.uid is None else {"user": self.uid, "group": self.gid, "extra_groups": [], "umask": 0o077}

    def own(self, path: Path) -> Path:
        """Hand a file or folder over to the account."""
        if self.uid is not None:
            os.chown(path, self.uid, self.gid if self.gid is not None else -1)
        return path

    def owns(self, path: Path) -> bool:
        """Whether the file or folder belongs to the account."""
        return path.stat().st_uid == (os.geteuid() if self.uid is None else self.uid)

    def reaches(self, path: Path) -> bool:
        """Whether the account may enter the folder, or run the file."""
        done = subprocess.run(  # noqa: S603  # fixed words
            ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)], cwd="/", stdin=subprocess.DEVNULL, check=False, **self.process()
        )
        return done.returncode == 0


def choose(name: str = "") -> Account:
    """Our own account; as root the one named, else `postgres`, else `nobody`."""
    if os.geteuid() != 0:
        return Account()
    for candidate in [name] if name else ["postgres", "nobody"]:
        try:
            entry = pwd.getpwnam(candidate)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid)
    raise AccountError(
        f"PostgreSQL does not run as root and there is no account {name or '`postgres` or `nobody`'}: set MAILLAGE_DATABASE__RUN_AS."
    )
