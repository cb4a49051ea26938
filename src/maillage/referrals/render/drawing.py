"""How a row of each table is read and drawn: by the actions for photographs, and again by `maillage rerender`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from maillage.kernel.errors import NotFound
from maillage.referrals import queries
from maillage.referrals.render.cases import attachment, encounter, form, letter, service_request
from maillage.referrals.render.elements import Resource, Row
from maillage.referrals.render.tasks import capacity_failure, child, task
from maillage.store import Transaction


async def _task(tx: Transaction, row: Row) -> Resource:
    request = await queries.row_of(tx, "service_request", row["request_id"])
    return task(row, request, await queries.form_ids(tx, row["request_id"]))


async def _request(tx: Transaction, row: Row) -> Resource:
    files = [file["id"] for file in await queries.attachments(tx, row["id"]) if file["part"] != "letter" and file["status"] == "current"]
    return service_request(row, await queries.service_ids(tx, row["id"]), await queries.form_ids(tx, row["id"]), files)


async def _form(_tx: Transaction, row: Row) -> Resource:
    return form(row)


async def _letter(_tx: Transaction, row: Row) -> Resource:
    return letter(row)


async def _attachment(_tx: Transaction, row: Row) -> Resource:
    return attachment(row)


async def _child(tx: Transaction, row: Row) -> Resource:
    parent = await queries.task(tx, row["task_id"])
    asked = row["round"] and parent["state"] != "entered-in-error"
    return child(row, parent, await queries.questions(tx, row["task_id"], row["round"]) if asked else ())


def _of_task(draw: Callable[[Row, Row], Resource]) -> Callable[[Transaction, Row], Awaitable[Resource]]:
    async def drawn(tx: Transaction, row: Row) -> Resource:
        return draw(row, await queries.task(tx, row["task_id"]))

    return drawn


DRAWERS: Final[Mapping[str, Callable[[Transaction, Row], Awaitable[Resource]]]] = {
    "service_request": _request,
    "referral_task": _task,
    "referral_child": _child,
    "capacity_failure": _of_task(capacity_failure),
    "referral_form": _form,
    "referral_letter": _letter,
    "referral_attachment": _attachment,
    "referral_encounter": _of_task(encounter),
}
"""How a row of each table is drawn."""


async def draw(tx: Transaction, table: str, id: str) -> tuple[Row, Resource]:
    """The row and its resource. Raises `NotFound`."""
    row = await queries.row_of(tx, table, id)
    if row is None:
        raise NotFound(queries.TYPE_OF_TABLE[table], id)
    return row, await DRAWERS[table](tx, row)


def _renderer(kind: str) -> Callable[[Transaction, str], Awaitable[Resource | None]]:
    tables = [table for table, type_ in queries.TYPE_OF_TABLE.items() if type_ == kind]

    async def render(tx: Transaction, id: str) -> Resource | None:
        for table in tables:
            if await queries.is_ours(tx, [table], id):
                return (await draw(tx, table, id))[1]
        return None

    return render


RENDERERS: Final = {kind: _renderer(kind) for kind in dict.fromkeys(queries.TYPE_OF_TABLE.values())}
"""Type to `async (tx, id) -> resource`; None for an id that is not ours (drift check, `maillage rerender`)."""
