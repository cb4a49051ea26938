"""A Patient is kept whole as received, with a row for what rules read. Links to organisations are made elsewhere, by events."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import Any

from maillage import record
from maillage.codes.json import decode
from maillage.directory import rules
from maillage.directory.identifiers import Mode
from maillage.directory.patient_rows import PatientRow, rows_from_patient
from maillage.directory.rows import dicts, identifiers, ref_id
from maillage.kernel.errors import Conflict, Invalid, NotFound
from maillage.kernel.ids import new_id
from maillage.record import Visible
from maillage.store import Block, Params, Transaction, register

Resource = dict[str, Any]

register("patient_identifier_one_ins", lambda: Conflict("patient-exists"))


async def create_patient(tx: Transaction, resource: Resource, *, mode: Mode = "production", patient_id: str | None = None) -> str:
    """Keep a new Patient and answer its id.

    Raises `Invalid` for an INS that the mode refuses, `Conflict("patient-exists")` when the organisation has an active file with this INS.
    Who may see the patient is decided by care links, which this function does not make.
    """
    if patient_id and await record.lock_head(tx, "Patient", patient_id):
        raise Conflict("patient-exists")
    id = patient_id or new_id()
    version = await _write(tx, {**resource, "id": id}, mode)
    await tell(tx, "C", "create", id, version)
    return id


async def update_patient(
    tx: Transaction, id: str, resource: Resource, visible: Visible, *, version: int | None = None, mode: Mode = "production"
) -> int:
    """Keep the new content of a Patient and answer its version; unchanged content makes no new version.

    Raises `NotFound` when absent or invisible, `Stale` when `version` is not the current one, `Conflict("patient-replaced")` for a file that
    another one replaces, `Invalid("link-by-merge")` for a link that `$merge` and `$unmerge` alone make and end.
    """
    params = Params([id])
    if not await tx.fetchval(f"SELECT 1 FROM patient p WHERE p.id = $1 AND {visible.sql('p', params)} FOR UPDATE OF p", *params):
        raise NotFound("Patient", id)
    await record.expect_version(tx, "Patient", id, version)
    before = await tx.fetchval("SELECT version FROM patient WHERE id = $1", id)
    if survivor := await tx.fetchval("SELECT replaced_by FROM patient WHERE id = $1", id):
        raise Conflict("patient-replaced", survivor=f"Patient/{survivor}")
    await _refuse_own_merge(tx, id, resource)
    written = await _write(tx, {**resource, "id": id}, mode)
    if written != before:
        await tell(tx, "U", "update", id, written)
    return written


async def _refuse_own_merge(tx: Transaction, id: str, resource: Resource) -> None:
    """Who replaces whom is not rewritten: it moves what is open, and asks who is in charge of identities."""
    known = decode(await record.current(tx.beyond(), "Patient", id))
    if _replacements(known) != _replacements(resource):
        raise Invalid.one("link-by-merge", "Patient.link", "use Patient/$merge and Patient/[id]/$unmerge")


def _replacements(resource: Resource) -> set[tuple[str, str]]:
    links = [(str(one.get("type")), str(one.get("other", {}).get("reference"))) for one in dicts(resource.get("link"))]
    return {(type, other) for type, other in links if type in ("replaced-by", "replaces")}


async def tell(tx: Transaction, action: str, verb: str, id: str, version: int) -> None:
    """Who kept this version, for the trail and for FHIR."""
    await record.audit(tx, action, "Patient", id, patient=id, verb=verb)
    await record.provenance(tx, verb, [("Patient", id, version)], patient=id, owner=tx.actor.organization or None)


async def _write(tx: Transaction, resource: Resource, mode: Mode) -> int:
    errors = [issue for issue in rules.check_patient(resource, mode) if issue.severity == "error"]
    if errors:
        raise Invalid(*errors)
    row = rows_from_patient(resource, mode)
    first = await record.lock_head(tx, "Patient", row.id) is None
    owner = await _owner(tx, resource, first=first)
    version = await record.photograph(tx, resource, patient=row.id, kept_by=owner, if_changed=True)
    await _put_row(tx, resource, mode, owner, version, first=first)
    await put_identifiers(tx, resource, row, owner, first=first)
    return version


async def _owner(tx: Transaction, resource: Resource, *, first: bool) -> str | None:
    """Who keeps the file: as before; for a new one the organisation that it names, when the actor acts for it, else the actor's own."""
    before: str | None = None if first else await tx.fetchval("SELECT owner_org FROM patient WHERE id = $1", resource["id"])
    named = ref_id(resource.get("managingOrganization"), "Organization")
    may_name = tx.actor.kind == "system" or named in tx.actor.organizations
    return before or (named if named and may_name else None) or tx.actor.organization or None


def patient_values(resource: Resource, mode: Mode) -> dict[str, Any]:
    """The columns of the row that stands beside a Patient."""
    row = rows_from_patient(resource, mode)
    return {**{field.name: getattr(row, field.name) for field in fields(row)}, "families_folded": list(row.families_folded)}


async def _put_row(tx: Transaction, resource: Resource, mode: Mode, owner: str | None, version: int, *, first: bool) -> None:
    values = {**patient_values(resource, mode), "owner_org": owner, "version": version}
    columns = ", ".join(values)
    places = ", ".join(f"${rank}" for rank in range(1, len(values) + 1))
    insert = f"INSERT INTO patient ({columns}) VALUES ({places})"
    if first and tx.writes_many:
        row = tuple({**values, "parties": ()}.values())
        made = _patients((*values, "parties"))
        await tx.write(("patient", resource["id"]), (insert,), [*values.values()], rows=lambda: [(made, row)])
        return
    changes = ", ".join(f"{name} = excluded.{name}" for name in values if name != "owner_org")
    await tx.execute(f"{insert} ON CONFLICT (id) DO UPDATE SET {changes}", *values.values())


@cache
def _patients(columns: tuple[str, ...]) -> Block:
    return Block("patient", columns)


async def put_identifiers(tx: Transaction, resource: Resource, row: PatientRow, owner: str | None, *, first: bool) -> None:
    """The identifiers of a patient as its photograph has them; a sure INS counts while the file is active."""
    if not first:
        await tx.execute("DELETE FROM patient_identifier WHERE patient_id = $1", row.id)
    found = [
        (row.id, owner, rank, item.system, item.type_code, item.value, item.normalised, item.use, item.sure and row.active, ())
        for rank, item in enumerate(identifiers(resource))
    ]
    if first and tx.writes_many:
        for one in found:
            await _add_identifier(tx, one)
    elif found:
        await tx.executemany(_IDENTIFIER, found)


async def _add_identifier(tx: Transaction, row: tuple[Any, ...]) -> None:
    await tx.write(("patient_identifier", f"{row[0]} {row[2]}"), (_IDENTIFIER,), row, rows=lambda: [(_IDENTIFIERS, row)])


_NAMES = ("patient_id", "owner_org", "rank", "system", "type_code", "value", "normalised", "use", "sure", "parties")
_IDENTIFIERS = Block("patient_identifier", _NAMES)
_IDENTIFIER = f"INSERT INTO patient_identifier ({', '.join(_NAMES)}) VALUES ({', '.join(f'${n}' for n in range(1, len(_NAMES) + 1))})"
