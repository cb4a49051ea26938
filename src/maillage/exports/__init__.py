"""Bulk Data exports: asked, built portion by portion, fetched, cancelled, swept. The face of the package."""

from __future__ import annotations

from maillage.exports.actions import ask, build, cancel, fetch, sweep, sweep_orphans, vault_of
from maillage.exports.queries import asked, files_of
from maillage.exports.types import Export, File, Filter, Level, Wanted

__all__ = [
    "Export",
    "File",
    "Filter",
    "Level",
    "Wanted",
    "ask",
    "asked",
    "build",
    "cancel",
    "fetch",
    "files_of",
    "sweep",
    "sweep_orphans",
    "vault_of",
]
