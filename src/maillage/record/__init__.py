"""Photographs of resources, their search index, provenance and audit."""

from __future__ import annotations

from maillage.record.audit import audit, audit_many
from maillage.record.changes import Span, count_versions, is_taken, standing, versions
from maillage.record.compartment import Asked, of_patient
from maillage.record.criteria import Query
from maillage.record.criteria.compartments import kinds_in
from maillage.record.includes import fetch_visible
from maillage.record.masking import mask
from maillage.record.photographs import (
    bury,
    comparable,
    expect_version,
    first_photograph,
    foresee,
    lock_head,
    next_photograph,
    photograph,
    provenance,
    written,
)
from maillage.record.portions import Portion, buried, filtered, gone, members_of, patients_of, portion
from maillage.record.queries import (
    current,
    existing,
    first_organization,
    ids_of,
    is_within,
    lock_condition,
    owner_of,
    present,
    read,
    taken,
    vread,
)
from maillage.record.seal import make_cursor, open_cursor, sealing_key
from maillage.record.seal import scope as cursor_scope
from maillage.record.search import Page, search, search_types
from maillage.record.trail import PARAMETERS as AUDIT_PARAMETERS
from maillage.record.trail import Position, Trail, accesses, search_trail
from maillage.record.types import SERVED, Stored, Visible

__all__ = [
    "AUDIT_PARAMETERS",
    "SERVED",
    "Asked",
    "Page",
    "Portion",
    "Position",
    "Query",
    "Span",
    "Stored",
    "Trail",
    "Visible",
    "accesses",
    "audit",
    "audit_many",
    "buried",
    "bury",
    "comparable",
    "count_versions",
    "current",
    "cursor_scope",
    "existing",
    "expect_version",
    "fetch_visible",
    "filtered",
    "first_organization",
    "first_photograph",
    "foresee",
    "gone",
    "ids_of",
    "is_taken",
    "is_within",
    "kinds_in",
    "lock_condition",
    "lock_head",
    "make_cursor",
    "mask",
    "members_of",
    "next_photograph",
    "of_patient",
    "open_cursor",
    "owner_of",
    "patients_of",
    "photograph",
    "portion",
    "present",
    "provenance",
    "read",
    "sealing_key",
    "search",
    "search_trail",
    "search_types",
    "standing",
    "taken",
    "versions",
    "vread",
    "written",
]
