"""What a merge writes in the directory: the two files, the merge, its ledger. What it moves belongs to the rooms; `journeys` calls them all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from maillage import record
from maillage.codes.json import decode, encode_text
from maillage.directory.actions.patients import put_identifiers, tell
from maillage.directory.merging.types import File, Merge, Moved
from maillage.directory.patient_rows import rows_from_patient
from maillage.directory.rows import dicts
from maillage.kernel.errors import Conflict
from maillage.kernel.ids import new_id
from maillage.store import Transaction, register

register("patient_replaced", lambda: Conflict("patient-replaced"))
register("patient_merge_one_live", lambda: Conflict("patient-replaced"))

Resource = dict[str, Any]
REPLACED_BY, REPLACES = "replaced-by", "replaces"
_PATIENT, _IDENTIFIER = "patient", "patient_identifier"


async def close(tx: Transaction, source: File, target: File, comment: str) -> Merge:
    """Let `target` replace `source`: both say so (Patient.link), the source is no longer active, its numbers stay known as old ones of the survivor."""
    made = Merge(new_id(), source.id, target.id, target.owner_org, tx.now, tx.actor.role_id or tx.actor.id, comment)
    await tx.execute(
        "INSERT INTO patient_merge (id, source_id, target_id, owner_org, comment, merged_at, merged_by) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        *(made.id, made.source, made.target, made.owner_org, comment, made.merged_at, made.merged_by),
    )
    eyes = tx.beyond()
    old, kept = decode(await record.current(eyes, "Patient", source.id)), decode(await record.current(eyes, "Patient", target.id))
    added = [
        {**one, "use": "old"} for one in old.get("identifier", ()) if _key(one) not in {_key(mine) for mine in kept.get("identifier", ())}
    ]
    await note_moves(tx, made, [Moved(_PATIENT, source.id, encode_text({"active": old.get("active")})), *_noted(added)])
    await tx.execute("UPDATE patient SET active = false, replaced_by = $2 WHERE id = $1", source.id, target.id)
    await _write(tx, "merge", _linked({**old, "active": False}, REPLACED_BY, target.id), source)
    whole = {**kept, "identifier": [*kept.get("identifier", ()), *added]} if added else kept
    await _write(tx, "merge", _linked(whole, REPLACES, source.id), target)
    return made


async def give_back(tx: Transaction, merge: Merge) -> None:
    """Say that a merge is taken back: from now on the rows of its ledger may return."""
    await tx.execute(
        "UPDATE patient_merge SET undone_at = $2, undone_by = $3 WHERE id = $1", merge.id, tx.now, tx.actor.role_id or tx.actor.id
    )


async def reopen(tx: Transaction, source: File, target: File, ledger: Iterable[Moved]) -> None:
    """Open the replaced file as it was; the survivor keeps what it was told since, and loses the numbers that the merge gave it."""
    noted = {(one.kind, one.id): one.was for one in ledger}
    await tx.execute(
        "UPDATE patient SET active = $2, replaced_by = NULL WHERE id = $1",
        *(source.id, decode(noted[_PATIENT, source.id])["active"] is not False),
    )
    eyes = tx.beyond()
    old, kept = decode(await record.current(eyes, "Patient", source.id)), decode(await record.current(eyes, "Patient", target.id))
    await _write(tx, "unmerge", open_again(old, decode(noted[_PATIENT, source.id])["active"], target.id), source)
    added = {id for kind, id in noted if kind == _IDENTIFIER}
    rest = [one for one in kept.get("identifier", ()) if one.get("use") != "old" or _key(one) not in added]
    whole = {**{key: value for key, value in kept.items() if key != "identifier"}, **({"identifier": rest} if rest else {})}
    await _write(tx, "unmerge", _unlinked(whole, REPLACES, source.id), target)


def open_again(resource: Resource, active: bool | None, survivor: str) -> Resource:
    """A replaced file as it stood before: its link gone, `active` as it was, said or not."""
    rest = {key: value for key, value in _unlinked(resource, REPLACED_BY, survivor).items() if key != "active"}
    return rest if active is None else {**rest, "active": active}


async def note_moves(tx: Transaction, merge: Merge, moved: Iterable[Moved]) -> None:
    """Write lines of the ledger, each once."""
    await tx.executemany(
        "INSERT INTO patient_move (merge_id, kind, row_id, was) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        [(merge.id, one.kind, one.id, one.was) for one in moved],
    )


async def keep_apart(tx: Transaction, first: File, second: File) -> None:
    """Two files that look alike are of two persons: not proposed again to their keeper."""
    low, high = sorted((first.id, second.id))
    await tx.execute(
        "INSERT INTO patient_apart (patient_id, other_id, owner_org, at, said_by) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        *(low, high, first.owner_org, tx.now, tx.actor.role_id or tx.actor.id),
    )
    for id in (low, high):
        await record.audit(tx, "U", "Patient", id, patient=id, verb="keep-apart")


async def _write(tx: Transaction, verb: str, resource: Resource, file: File) -> None:
    """The next photograph of a file, its number in the row, its identifiers as they count now."""
    id, eyes = file.id, tx.beyond()
    version = await record.photograph(eyes, resource, patient=id, kept_by=file.owner_org or None)
    await eyes.execute("UPDATE patient SET version = $2 WHERE id = $1", id, version)
    await put_identifiers(eyes, resource, rows_from_patient(resource), file.owner_org or None, first=False)
    await tell(tx, "U", verb, id, version)


def _linked(resource: Resource, type: str, other: str) -> Resource:
    links = [*_others(resource, type, other), {"other": {"reference": f"Patient/{other}"}, "type": type}]
    return {**resource, "link": links}


def _unlinked(resource: Resource, type: str, other: str) -> Resource:
    links = _others(resource, type, other)
    rest = {key: value for key, value in resource.items() if key != "link"}
    return {**rest, "link": links} if links else rest


def _others(resource: Resource, type: str, other: str) -> list[Resource]:
    return [one for one in dicts(resource.get("link")) if links_of(one) != (type, f"Patient/{other}")]


def links_of(link: Resource) -> tuple[str, str]:
    """The type of a link and whom it names."""
    return str(link.get("type", "")), str(link.get("other", {}).get("reference", ""))


def _key(identifier: Resource) -> str:
    return f"{identifier.get('system', '')}|{identifier.get('value', '')}"


def _noted(identifiers: Iterable[Resource]) -> list[Moved]:
    return [Moved(_IDENTIFIER, _key(one)) for one in identifiers]
