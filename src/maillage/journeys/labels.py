"""Labels as verbs on each type that may need one; the photograph says it where no room redraws the resource."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from maillage import record
from maillage.access import labels
from maillage.codes.json import decode
from maillage.journeys.drift import RENDERERS
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
    """Close a resource by a label, and say so in its photograph; on a Patient, all that is known of the person."""
    found = await labels.put_label(tx, kind, id, code)
    return await _show(tx, found, lambda security: [*security, labels.coding(code)])


async def lift_label(tx: Transaction, kind: str, id: str, code: str) -> str:
    """Take a label away."""
    found = await labels.end_label(tx, kind, id, code)
    return await _show(tx, found, lambda security: [one for one in security if one != labels.coding(code)])


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
