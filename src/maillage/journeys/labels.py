"""Labels as verbs on each type that may need one; the photograph says it where no room redraws the resource."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from maillage import access, messaging, record, referrals
from maillage.access import labels
from maillage.codes.json import decode
from maillage.journeys.drift import RENDERERS
from maillage.kernel.errors import Gone, NotFound
from maillage.kernel.operations import Operation, Param
from maillage.record import Stored
from maillage.store import Transaction

KINDS = (
    "Composition",
    "Condition",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "Media",
    "Observation",
    "Procedure",
    "ServiceRequest",
)
_CODE = Param("code", "code", required=True, values=labels.CODES)
Security = list[dict[str, Any]]


async def _drawn_by_a_room(tx: Transaction, found: Stored) -> bool:
    draw = RENDERERS.get(found.type)
    return draw is not None and await draw(tx, found.id) is not None


async def _show(tx: Transaction, found: Stored, change: Callable[[Security], Security]) -> str:
    """The next photograph with the labels as they are now; the rows decide either way."""
    if not await _drawn_by_a_room(tx, found):
        resource = decode(found.content)
        meta = resource.get("meta", {})
        security = change(list(meta.get("security", [])))
        rest = {key: value for key, value in meta.items() if key != "security"}
        await record.next_photograph(tx, {**resource, "meta": {**rest, **({"security": security} if security else {})}}, found)
    return found.id


async def put_label(tx: Transaction, kind: str, id: str, code: str) -> str:
    """Close a resource by a label, and say so in its photograph; on a Patient, all that is known of the person. What is held back takes its files along."""
    found = await labels.put_label(tx, kind, id, code)
    if code == labels.HELD_BACK and kind == "DocumentReference":
        for file in await referrals.files_of_letter(tx.beyond(), id):
            await labels.follow(tx, kind, id, file)
    return await _show(tx, found, lambda security: [*security, labels.coding(code)])


async def lift_label(tx: Transaction, kind: str, id: str, code: str) -> str:
    """Take a label away; what was held back gives its files back."""
    found = await labels.end_label(tx, kind, id, code)
    if code == labels.HELD_BACK and kind == "DocumentReference":
        await labels.release(tx, kind, await referrals.files_of_letter(tx.beyond(), id))
    return await _show(tx, found, lambda security: [one for one in security if one != labels.coding(code)])


async def release_late(tx: Transaction) -> None:
    """What was held back for thirty days is the patient's to read; the named seniors of the house are told that nobody announced it."""
    for row in await labels.announced_too_late(tx):
        focus = (row["res_type"] or "Patient", row["res_id"] or row["patient_id"])
        try:
            found = await record.read(tx, *focus, access.visible_to(tx.actor, focus[0], tx.now))
        except (NotFound, Gone):
            continue  # deleted meanwhile: nobody has to be told
        await _show(tx, found, lambda security: [one for one in security if one != labels.coding(labels.HELD_BACK)])
        await messaging.notify(
            tx, "released-late", focus=focus, organizations=[row["owner_org"]], roles=("referent",), patient=row["patient_id"]
        )


def _label(kind: str) -> Callable[..., Awaitable[str]]:
    async def label(tx: Transaction, id: str, *, code: str, version: int | None = None) -> str:
        """Close a resource by a label."""
        del version
        return await put_label(tx, kind, id, code)

    return label


def _unlabel(kind: str) -> Callable[..., Awaitable[str]]:
    async def unlabel(tx: Transaction, id: str, *, code: str, version: int | None = None) -> str:
        """Take a label away."""
        del version
        return await lift_label(tx, kind, id, code)

    return unlabel


OPERATIONS: tuple[Operation, ...] = tuple(
    operation
    for kind in KINDS
    for operation in (Operation("label", kind, _label(kind), (_CODE,)), Operation("unlabel", kind, _unlabel(kind), (_CODE,)))
)
