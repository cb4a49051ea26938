"""Where a written resource goes: to the verb of the room that decides on it, to the directory, or kept whole (house.md, part 1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from maillage import access, directory, journeys, record
from maillage.access import DIRECTORY_TYPES, peers
from maillage.codes.json import decode
from maillage.doors.fhir import references
from maillage.doors.fhir.bodies import cleared, slot_types
from maillage.doors.fhir.context import Context
from maillage.doors.fhir.references import Present
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import Invalid, Issue, MaillageError, NotAllowed
from maillage.kernel.ids import new_id
from maillage.record import SERVED, Stored
from maillage.store import Transaction

Resource = dict[str, Any]
VERB_PREFIX = "$"
READ_ONLY = frozenset({"Provenance"})
"""Written by the server with each act, never by a client."""


async def create(context: Context, resource: Resource, base: str, *, id: str = "", chosen: bool = False) -> tuple[str, str, list[Issue]]:
    """Take a new resource in; answers its type, its id and the warnings. `chosen`: the id is the client's own choice.

    Raises `NotAllowed` for what the scopes do not let the caller create.
    """
    kind, made, warnings = await _create(context, resource, base, id=id, chosen=chosen)
    await context.stay_within(kind, made, "c")
    return kind, made, warnings


async def _create(context: Context, resource: Resource, base: str, *, id: str, chosen: bool) -> tuple[str, str, list[Issue]]:
    kind = resource["resourceType"]
    _refuse_read_only(kind)
    content, warnings = cleared(references.relative(resource, base))
    content = {**content, "id": id or new_id()}
    if not chosen:
        record.foresee(context.tx, kind, content["id"])
    unknown, present = await references.check(context, content)
    warnings += _identifier_warnings(context, content) + unknown
    claim = context.registry.intake.get(kind)
    if claim and await claim.claims(context.tx, content if chosen else _without_id(content)):
        if chosen and not (claim.takes_ids and await peers.is_peer(context.tx)):
            raise Invalid(Issue("error", "business-rule", "room-decides", kind), use=f"POST {kind}")
        kind, made = await claim.create(context.tx, content)
    elif kind == "Patient":
        made = await journeys.register_patient(context.tx, content, mode=context.registry.mode, patient_id=content["id"])
    elif kind in directory.KEPT_TYPES:
        made = content["id"]
        await directory.save(context.tx, content, mode=context.registry.mode)
    else:
        made = (await _keep(context, content, present)).id
    return kind, made, warnings


async def made(tx: Transaction, kind: str, id: str) -> Stored:
    """What was just taken in: whoever created a resource is shown it once, even where no link makes it visible afterwards."""
    await tx.settle()
    return record.written(tx, kind, id) or await record.read(tx, kind, id, access.visible_to(SYSTEM, kind))


async def _keep(context: Context, content: Resource, present: Present) -> Stored:
    tx, kind = context.tx, content["resourceType"]
    patient = None if kind in DIRECTORY_TYPES else references.patient_of(content, present)
    owner = tx.actor.organization or None
    made = await record.first_photograph(tx, content, patient=patient, owner=owner)
    await record.audit(tx, "C", kind, made.id, patient=patient)
    await _provenance(context, "create", (kind, made.id, made.version), patient=patient, owner=owner)
    return made


async def _provenance(
    context: Context, verb: str, target: tuple[str, str, int], *, patient: str | None, owner: str | None = None, parties: Sequence[str] = ()
) -> None:
    owner = owner or context.tx.actor.organization or None
    if context.gathered is not None:
        context.gathered.setdefault((verb, patient, owner, tuple(parties)), []).append(target)
        return
    await record.provenance(context.tx, verb, [target], patient=patient, owner=owner, parties=parties)


async def tell_gathered(context: Context) -> None:
    """One Provenance for each patient of what was gathered."""
    gathered, context.gathered = context.gathered or {}, {}
    for (verb, patient, owner, parties), targets in gathered.items():
        await record.provenance(context.tx, verb, targets, patient=patient, owner=owner, parties=parties)


async def update(context: Context, before: Stored, resource: Resource, base: str, version: int | None) -> tuple[Stored, list[Issue]]:
    """Replace a resource that the caller sees; answers the new version and the warnings. Without a version the last writer wins.

    Raises `NotAllowed` when the scopes let the caller write what it was, not what it becomes.
    """
    stored, warnings = await _update(context, before, resource, base, version)
    await context.stay_within(stored.type, stored.id, "u")
    return stored, warnings


async def _update(context: Context, before: Stored, resource: Resource, base: str, version: int | None) -> tuple[Stored, list[Issue]]:
    kind, id, tx = before.type, before.id, context.tx
    _refuse_read_only(kind)
    content, warnings = cleared(references.relative(resource, base))
    content = _labelled({**content, "id": id}, before)
    if await _changed_by_verb(context, before, content, version):
        return await made(tx, kind, id), warnings
    await refuse_rooms(context, before, content)
    await _refuse_strangers(context, before)
    unknown, present = await references.check(context, content)
    warnings += _identifier_warnings(context, content) + unknown
    claim = context.registry.intake.get(kind)
    if claim and claim.update:
        await claim.update(tx, before, content, version)
        return await made(tx, kind, id), warnings
    if kind == "Patient":
        await directory.update_patient(tx, id, content, context.visible(kind, "u"), version=version, mode=context.registry.mode)
    elif kind in directory.KEPT_TYPES:
        await directory.save(tx, content, mode=context.registry.mode, version=version)
    else:
        return await _replace(context, before, content, present), warnings
    return await record.read(tx, kind, id, access.visible_to(SYSTEM, kind)), warnings


async def _changed_by_verb(context: Context, before: Stored, after: Resource, version: int | None) -> bool:
    """Whether the update was a verb of its room, and done: the interfaces of shared agendas tell an appointment by its next state (GAP, SAS)."""
    claim = context.registry.intake.get(before.type)
    if not context.interface or claim is None or claim.read_change is None:
        return False
    stands = decode(before.content)
    if not await claim.claims(context.tx, stands):
        return False
    change = claim.read_change(stands, after)
    if change is None:
        return False
    verb, parameters = change
    if verb:
        context.require(before.type, "u", "verb")
        await context.registry.operations[(before.type, verb, True)].call(context.tx, before.id, version=version, **parameters)
    return True


async def revive(context: Context, before: Stored, resource: Resource, base: str) -> tuple[Stored, list[Issue]]:
    """Bring a deleted resource back with this content; only the organisation that kept it may."""
    kind = before.type
    _refuse_read_only(kind)
    content, warnings = cleared(references.relative(resource, base))
    content = {**content, "id": before.id}
    claim = context.registry.intake.get(kind)
    if claim and await claim.claims(context.tx, content):
        raise Invalid(Issue("error", "business-rule", "room-decides", kind), use=f"POST {kind}")
    if before.owner_org not in context.tx.actor.organizations:
        raise NotAllowed("not-the-owner")
    unknown, present = await references.check(context, content)
    warnings += _identifier_warnings(context, content) + unknown
    stored = await _replace(context, before, content, present)
    await context.stay_within(kind, stored.id, "c")
    return stored, warnings


def _labelled(content: Resource, before: Stored) -> Resource:
    """The labels that the server set stay as they are."""
    stood = decode(before.content).get("meta", {}) if '"security"' in before.content else {}
    own = slot_types(stood)
    labels = [label for label in stood.get("security", ()) if label not in own] + slot_types(content.get("meta", {}))
    return {**content, "meta": {**content.get("meta", {}), "security": labels}} if labels else content


async def _replace(context: Context, before: Stored, content: Resource, present: Present) -> Stored:
    """The next version of a resource kept whole; equal content makes none."""
    tx, kind = context.tx, before.type
    if kind not in DIRECTORY_TYPES and references.patient_of(content, present) != before.patient_id:
        raise Invalid.one("patient-changed", f"{kind}.subject", "A resource never moves to another patient.")
    made = await record.next_photograph(tx, content, before)
    if made.version != before.version:
        await record.audit(tx, "U", kind, made.id, patient=made.patient_id)
        target = (kind, made.id, made.version)
        await _provenance(context, "update", target, patient=made.patient_id, owner=made.owner_org, parties=made.parties)
    return made


async def delete(context: Context, before: Stored, version: int | None) -> int:
    """Bury a resource that the caller sees and whose organisation is the caller's; answers the version of its deletion."""
    kind, id, tx = before.type, before.id, context.tx
    _refuse_read_only(kind)
    await refuse_rooms(context, before, {})
    await _refuse_strangers(context, before)
    claim = context.registry.intake.get(kind)
    if claim and claim.delete:
        return await claim.delete(tx, before, version)
    if kind == "Patient" or kind in directory.KEPT_TYPES:
        raise Invalid.one("kept-in-directory", kind, "Entries of the directory are not deleted: set active to false.")
    await record.expect_version(tx, kind, id, version)
    buried = await record.bury(tx, kind, id)
    await record.audit(tx, "D", kind, id, patient=before.patient_id)
    target = (kind, id, buried)
    await _provenance(context, "delete", target, patient=before.patient_id, owner=before.owner_org, parties=before.parties)
    return buried


async def refuse_rooms(context: Context, before: Stored, after: Resource) -> None:
    """A resource that a room decides on is moved by verbs: 422 and the name of the verb. Nothing becomes a room's by being rewritten."""
    claim = context.registry.intake.get(before.type)
    if claim is None or claim.update:
        return
    stored = decode(before.content)
    if await claim.claims(context.tx, stored):
        verb = claim.verb_for(stored, after).removeprefix(VERB_PREFIX)
        use = f"POST {before.type}/{before.id}/${verb}" if verb else f"the operations of {before.type} (see $available-actions)"
        raise Invalid(Issue("error", "business-rule", "room-decides", before.type), use=use, **await _legal(context, before))
    if after and await claim.claims(context.tx, _without_id(after)):
        raise Invalid(Issue("error", "business-rule", "room-decides", before.type), use=f"POST {before.type}")


def _without_id(content: Resource) -> Resource:
    """What an id that was just made, or that was already asked about, cannot tell."""
    return {key: value for key, value in content.items() if key != "id"}


async def _legal(context: Context, before: Stored) -> dict[str, Any]:
    """The verbs that this caller may play now, as the room says."""
    operation = context.registry.operations.get((before.type, "available-actions", True))
    if operation is None:
        return {}
    try:
        told = await operation.call(context.tx, before.id)
    except MaillageError:  # a resource of the room that this caller has no part in
        return {}
    parts = [part for action in told.get("parameter", ()) for part in action.get("part", ())]
    return {"legal": [part["valueCode"] for part in parts if part.get("name") == "verb" and "valueCode" in part]}


async def _refuse_strangers(context: Context, before: Stored) -> None:
    """Only the organisation that keeps a resource rewrites it; an entry of the directory, who wrote it first or whom it is about."""
    if before.type == "Patient":
        return
    owner = before.owner_org
    keepers = {owner} if owner else {await record.first_organization(context.tx, before.type, before.id), *_named(decode(before.content))}
    if keepers.isdisjoint(context.tx.actor.organizations):
        raise NotAllowed("not-the-owner")


def _named(resource: Resource) -> Iterator[str]:
    """The organisations that an entry of the directory is about."""
    if resource["resourceType"] == "Organization":
        yield resource["id"]
    for key in ("organization", "managingOrganization", "providedBy", "participatingOrganization"):
        item = resource.get(key)
        if type(item) is dict:
            yield str(item.get("reference", "")).removeprefix("Organization/")


def _refuse_read_only(kind: str) -> None:
    if kind not in SERVED or kind in READ_ONLY:
        raise Invalid(Issue("error", "not-supported", "written-by-the-server", kind, f"{kind} is written by the server only."))


def _identifier_warnings(context: Context, content: Resource) -> list[Issue]:
    """What the identifier policy and the claimed profiles say short of an error. Raises `Invalid` with everything found."""
    check = directory.check_patient if content["resourceType"] == "Patient" else directory.check_identifiers
    findings = check(content, context.registry.mode)
    claimed = context.registry.definitions.profiles.validate_claims(content, without=directory.INVARIANTS)
    findings += [issue for issue in claimed if issue.severity != "information"]
    if any(finding.severity == "error" for finding in findings):
        raise Invalid(*findings)
    return findings
