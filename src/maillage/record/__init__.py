"""Photographs of resources, their search index, provenance and audit."""

from __future__ import annotations

from maillage.record.audit import audit, audit_many, audit_trail
from maillage.record.photographs import bury, comparable, expect_version, lock_head, photograph, provenance
from maillage.record.queries import history, read, vread
from maillage.record.types import SERVED, Stored, Visible

__all__ = [
    "SERVED",
    "Stored",
    "Visible",
    "audit",
    "audit_many",
    "audit_trail",
    "bury",
    "comparable",
    "expect_version",
    "history",
    "lock_head",
    "photograph",
    "provenance",
    "read",
    "vread",
]
