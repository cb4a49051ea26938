"""PostgreSQL's own programs, run for a backup: their words when they fail, never a password among their arguments."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from maillage.store.accounts import Account
from maillage.store.backup.manifest import BackupError


@dataclass(frozen=True, slots=True)
class Programs:
    """The folder of the programs, and the account that runs them."""

    folder: Path
    account: Account = field(default_factory=Account)

    def run(self, program: str, *words: str, environment: dict[str, str] | None = None, input: str | None = None) -> str:
        """What it wrote on its standard output. Raises `BackupError` with the name of the program and its last words."""
        server = program == "pg_ctl"  # the server that it starts would keep a pipe open
        done = subprocess.run(  # noqa: S603  # our own programs with our own words
            [str(self.folder / program), *words],
            input=input,
            stdin=None if input is not None else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if server else subprocess.PIPE,
            stderr=subprocess.DEVNULL if server else subprocess.PIPE,
            text=True,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", **(environment or {})},
            check=False,
            **self.account.process(),
        )
        if done.returncode:
            said = " / ".join(line.strip() for line in (done.stderr or "").strip().splitlines()[-3:])
            raise BackupError(program, said or f"exit code {done.returncode}")
        return done.stdout or ""


def surroundings(dsn: str) -> dict[str, str]:
    """An address as PostgreSQL's programs read it from their environment: other accounts see arguments, they do not see this."""
    parts = urlsplit(dsn)
    known = {"host": "PGHOST", "port": "PGPORT", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"}
    found = {known[name]: value for name, value in parse_qsl(parts.query) if name in known}
    direct = {"PGHOST": parts.hostname, "PGPORT": parts.port, "PGUSER": parts.username, "PGPASSWORD": parts.password}
    found |= {name: unquote(str(value)) for name, value in direct.items() if value}
    return found | {"PGDATABASE": unquote(parts.path.removeprefix("/"))}
