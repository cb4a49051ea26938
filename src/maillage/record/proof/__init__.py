"""Proof that the audit trail is whole: a hash chain over its rows, and signed checkpoints kept where the owner of the database cannot write."""

from __future__ import annotations

from maillage.record.proof.chainer import Chainer
from maillage.record.proof.checkpoints import Book, Checkpoint, Keeper, Signer, read_book, read_key
from maillage.record.proof.parts import make_parts, stray_rows
from maillage.record.proof.status import Status, standing, status
from maillage.record.proof.syslog import Syslog
from maillage.record.proof.verify import Fault, Report, verify

__all__ = [
    "Book",
    "Chainer",
    "Checkpoint",
    "Fault",
    "Keeper",
    "Report",
    "Signer",
    "Status",
    "Syslog",
    "make_parts",
    "read_book",
    "read_key",
    "standing",
    "status",
    "stray_rows",
    "verify",
]
