"""How commands speak: lines for people, one JSON object with `--json`, a status for scripts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from maillage.cli.status import ENVIRONMENT, OK, PROBLEM, USAGE, Failure
from maillage.codes.json import encode
from maillage.codes.packages import PackageError
from maillage.kernel.errors import Unavailable
from maillage.settings import SettingError, Settings
from maillage.store import UnsafeServer
from maillage.store.accounts import AccountError
from maillage.store.binaries import BinariesError
from maillage.store.cluster import ClusterError
from maillage.store.migrate import MigrationError

NOT_OURS = (AccountError, BinariesError, ClusterError, MigrationError, OSError, PackageError, SettingError, Unavailable, UnsafeServer)
"""What the machine, its settings or its PostgreSQL lack: one line for whoever typed the command, never a traceback."""


def settings_for(data: Path | None) -> Settings:
    """The settings of the environment, with the data folder of the command line."""
    settings = Settings.from_environment()
    return replace(settings, data=replace(settings.data, folder=data)) if data else settings


def show(answer: dict[str, Any], *, json: bool, lines: list[str]) -> None:
    """Print `answer` as JSON, or `lines` for people."""
    print(encode(answer).decode() if json else "\n".join(lines))


__all__ = ["ENVIRONMENT", "NOT_OURS", "OK", "PROBLEM", "USAGE", "Failure", "settings_for", "show"]
