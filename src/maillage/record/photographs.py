"""Writing photographs: the FHIR face of what a transaction changed (house.md, part 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from maillage.codes.json import decode, encode
from maillage.kernel.errors import Invalid, NotFound, Stale
from maillage.kernel.ids import new_id
from maillage.record import entries
from maillage.record.entries import Frame
from maillage.record.types import SERVED, Head, Stored
from maillage.store import Transaction


async def photograph(
    tx: Transaction,
    resource: dict[str, Any],
    *,
    patient: str | None = None,
    owner: str | None = None,
    parties: Sequence[str] = (),
    kept_by: str | None = None,
    if_changed: bool = False,
) -> int:
    """Append the next version of `resource` and refresh its index row; answers the version number.

    `patient`, `owner` (organisation) and `parties` (organisations) say who may see it; `kept_by` is an owner who sees it by care links
    alone. With `if_changed`, a content equal to the last version writes nothing. Gives `meta.versionId` and `meta.lastUpdated`, strictly later
    than the version before. Raises `Invalid` for a type that is not served.
    """
    kind, id = resource["resourceType"], resource["id"]
    head = await lock_head(tx, kind, id)
    if if_changed and head and await _same_content(tx, kind, id, head["version"], resource):
        return int(head["version"])
    return (await _write(tx, resource, head and Head(head["version"], head["at"]), patient, owner, parties, kept_by)).version


async def first_photograph(
    tx: Transaction, resource: dict[str, Any], *, patient: str | None = None, owner: str | None = None, parties: Sequence[str] = ()
) -> Stored:
    """The first version of a resource whose id was just made, so that nobody else can know it; answers it as stored."""
    return await _write(tx, resource, None, patient, owner, parties)


async def next_photograph(tx: Transaction, resource: dict[str, Any], before: Stored) -> Stored:
    """The version after `before`, seen by the same people; the same content writes nothing and answers `before`.

    Nothing is locked: who writes this version second is tried again from the start (`store.constraints.retried`).
    """
    if not before.deleted and comparable(decode(before.content)) == comparable(decode(encode(resource))):
        return before
    return await _write(tx, resource, Head(before.version, before.at), before.patient_id, before.owner_org, before.parties)


async def _write(
    tx: Transaction,
    resource: dict[str, Any],
    head: Head | None,
    patient: str | None,
    owner: str | None,
    parties: Sequence[str],
    kept_by: str | None = None,
) -> Stored:
    kind, id = resource["resourceType"], resource["id"]
    if kind not in SERVED:
        raise Invalid.one("type-not-served", "resourceType", f"{kind} is not served here")
    version, at = _next(tx, head)
    content = encode(_with_meta(resource, version, at)).decode()
    seen_by = sorted({*parties, *([owner] if owner else [])})
    frame = Frame(version, at, content, _author(tx), tx.actor.organization, patient, owner or kept_by, seen_by)
    await entries.put(tx, resource, frame, first=head is None)
    made = Stored(kind, id, version, at, content, patient_id=patient, owner_org=owner, parties=tuple(seen_by))
    tx.keep(("head", kind, id), {name: getattr(made, name) for name in _HEAD})
    tx.keep(("written", kind, id), made)
    return made


def written(tx: Transaction, kind: str, id: str) -> Stored | None:
    """What this transaction wrote last of a resource; None when it wrote nothing of it, or no longer knows."""
    made: Stored | None = tx.known(("written", kind, id))
    return made


async def bury(tx: Transaction, kind: str, id: str) -> int:
    """Append a deleted version: the resource answers 410 from now on, its history stays."""
    head = await lock_head(tx, kind, id)
    if head is None:
        raise NotFound(kind, id)
    version, at = _next(tx, Head(head["version"], head["at"]))
    await _append_deleted(tx, (kind, id, version, at), head)
    await entries.remove(tx, kind, id)
    tx.keep(("head", kind, id), {**head, "version": version, "at": at, "deleted": True})
    return version


def foresee(tx: Transaction, kind: str, id: str) -> None:
    """Say that an id was just made: nothing can be there, and nobody needs to look."""
    tx.keep(("head", kind, id), _NOTHING)


async def lock_head(tx: Transaction, kind: str, id: str) -> Any | None:
    """Lock the current version of a resource for this transaction; None when there has never been one. Asked once: who holds it knows it."""
    known = tx.known(("head", kind, id))
    if known is not None:
        return known or None
    head = await tx.lock(
        (kind, id),
        "SELECT version, at, deleted, patient_id, owner_org, parties FROM resource_head WHERE res_type = $1 AND id = $2 FOR UPDATE",
        kind,
        id,
    )
    if head:
        tx.keep(("head", kind, id), head)
    return head


_NOTHING: Final[Mapping[str, Any]] = {}
_HEAD: Final = ("version", "at", "deleted", "patient_id", "owner_org", "parties")


async def expect_version(tx: Transaction, kind: str, id: str, version: int | None) -> None:
    """Raise `Stale` unless `version` is None or the current version of the resource; locks it either way."""
    await tx.settle()
    head = await lock_head(tx, kind, id)
    if version is not None and head is not None and head["version"] != version:
        raise Stale(int(head["version"]))


async def provenance(
    tx: Transaction,
    verb: str,
    targets: Sequence[tuple[str, str, int]],
    *,
    patient: str | None = None,
    owner: str | None = None,
    parties: Sequence[str] = (),
    on_behalf_of: str | None = None,
) -> str:
    """Photograph who did `verb` to which versions, and for which organisation; answers the Provenance id."""
    id = new_id()
    agent: dict[str, Any] = {"who": _who(tx)}
    organization = on_behalf_of or tx.actor.organization
    if organization:
        agent["onBehalfOf"] = {"reference": f"Organization/{organization}"}
    resource = {
        "resourceType": "Provenance",
        "id": id,
        "target": [{"reference": f"{kind}/{target}/_history/{version}"} for kind, target, version in targets],
        "recorded": tx.now.isoformat(),
        "activity": {"text": verb},
        "agent": [agent],
    }
    await first_photograph(tx, resource, patient=patient, owner=owner, parties=parties)
    return id


def _author(tx: Transaction) -> str:
    return tx.actor.role_id or f"{tx.actor.kind}/{tx.actor.id}"


def _who(tx: Transaction) -> dict[str, Any]:
    if tx.actor.role_id:
        return {"reference": f"PractitionerRole/{tx.actor.role_id}"}
    return {"display": f"{tx.actor.kind} {tx.actor.id}"}


def _next(tx: Transaction, head: Head | None) -> tuple[int, datetime]:
    now = tx.now.replace(microsecond=tx.now.microsecond // 1000 * 1000)
    if head is None:
        return 1, now
    return head.version + 1, max(now, head.at + timedelta(milliseconds=1))


def _with_meta(resource: dict[str, Any], version: int, at: datetime) -> dict[str, Any]:
    meta = {**resource.get("meta", {}), "versionId": str(version), "lastUpdated": at.isoformat(timespec="milliseconds")}
    rest = {key: value for key, value in resource.items() if key not in ("resourceType", "id", "meta")}
    return {"resourceType": resource["resourceType"], "id": resource["id"], "meta": meta, **rest}


async def _same_content(tx: Transaction, kind: str, id: str, version: int, resource: dict[str, Any]) -> bool:
    content = await tx.fetchval("SELECT content FROM resource_version WHERE res_type = $1 AND id = $2 AND version = $3", kind, id, version)
    return bool(content) and comparable(decode(content)) == comparable(decode(encode(resource)))


def comparable(resource: dict[str, Any]) -> dict[str, Any]:
    """The resource without what the server writes into `meta`: two photographs of the same row are equal."""
    meta = {key: value for key, value in resource.get("meta", {}).items() if key not in ("versionId", "lastUpdated")}
    return {**{key: value for key, value in resource.items() if key != "meta"}, **({"meta": meta} if meta else {})}


async def _append_deleted(tx: Transaction, key: tuple[str, str, int, datetime], head: Any) -> None:
    await tx.execute(
        """
        WITH written AS (
            INSERT INTO resource_version
                (res_type, id, version, at, deleted, content, author, author_organization, patient_id, owner_org, parties)
            VALUES ($1, $2, $3, $4, true, '', $5, $6, $7, $8, $9)
        )
        UPDATE resource_head SET version = $3, at = $4, deleted = true WHERE res_type = $1 AND id = $2
        """,
        *key,
        _author(tx),
        tx.actor.organization,
        head["patient_id"],
        head["owner_org"],
        head["parties"],
    )
