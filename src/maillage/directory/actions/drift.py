"""Whether the rows still say what the last photographs say (`maillage rerender`): here the photograph is the truth and the row follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from maillage.codes.json import decode
from maillage.directory.actions.entries import row_of
from maillage.directory.actions.patients import patient_values
from maillage.directory.identifiers import Mode
from maillage.store import Transaction

Resource = dict[str, Any]
Row = dict[str, Any]

_TABLES = {
    "Organization": "organization",
    "Location": "location",
    "Practitioner": "practitioner",
    "PractitionerRole": "practitioner_role",
    "HealthcareService": "healthcare_service",
    "Patient": "patient",
}


async def drift(tx: Transaction, mode: Mode) -> list[str]:
    """The `Type/id` of every entry whose row differs from what its last photograph gives; empty when all is well."""
    found = []
    for kind, table in _TABLES.items():
        rows = {row["id"]: dict(row) for row in await tx.fetch(f"SELECT * FROM {table} ORDER BY id")}
        draw: Callable[[Resource], Row | None] = row_of if kind != "Patient" else lambda resource: patient_values(resource, mode)
        for head in await _photographs(tx, kind):
            wanted, row = draw(decode(head["content"])), rows.pop(head["id"], None)
            if not _same(wanted, row):
                found.append(f"{kind}/{head['id']}")
        found += [f"{kind}/{id}" for id in rows]
    return found


def _same(wanted: Row | None, row: Row | None) -> bool:
    if wanted is None or row is None:
        return wanted is row
    return all(row[name] == value for name, value in wanted.items())


async def _photographs(tx: Transaction, kind: str) -> list[Any]:
    return await tx.fetch(
        """
        SELECT h.id, v.content FROM resource_head h JOIN resource_version v USING (res_type, id, version)
        WHERE h.res_type = $1 AND NOT h.deleted ORDER BY h.id
        """,
        kind,
    )
