"""Copies of an installation that can be put back: database, encrypted files, checkpoints of the audit trail, and a manifest that says what must be there.

A backup that is not what it says is refused before anything of it is used (faults F20 and F21 of the rule book of security).
"""

from __future__ import annotations

from maillage.store.backup.archive import Standing, check_archive, mirror, standing
from maillage.store.backup.manifest import BackupError, Manifest
from maillage.store.backup.placing import Recovery, place
from maillage.store.backup.programs import Programs
from maillage.store.backup.refilling import refill
from maillage.store.backup.sealed import pack, unpack
from maillage.store.backup.taking import take
from maillage.store.backup.whole import check_whole

__all__ = [
    "BackupError",
    "Manifest",
    "Programs",
    "Recovery",
    "Standing",
    "check_archive",
    "check_whole",
    "mirror",
    "pack",
    "place",
    "refill",
    "standing",
    "take",
    "unpack",
]
