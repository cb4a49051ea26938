"""Photographs of resources, their search index, provenance and audit."""

from __future__ import annotations

from maillage.record.audit import audit, audit_many, audit_trail
from maillage.record.photographs import bury, comparable, expect_version, first_photograph, lock_head, photograph, provenance
from maillage.record.queries import current, existing, first_organization, history, ids_of, lock_condition, owner_of, read, vread
from maillage.record.seal import sealing_key
from maillage.record.search import Page, search
from maillage.record.types import SERVED, Stored, Visible

__all__ = [
    "SERVED",
    "Page",
    "Stored",
    "Visible",
    "audit",
    "audit_many",
    "audit_trail",
    "bury",
    "comparable",
    "current",
    "existing",
    "expect_version",
    "first_organization",
    "first_photograph",
    "history",
    "ids_of",
    "lock_condition",
    "lock_head",
    "owner_of",
    "photograph",
    "provenance",
    "read",
    "sealing_key",
    "search",
    "vread",
]
