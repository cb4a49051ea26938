"""What comes with a request, an answer or a letter: files that were checked, kept encrypted, and shown to whom the text is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from maillage import documents
from maillage.access import labels, visible_to
from maillage.documents import Checked
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from maillage.referrals import held, queries
from maillage.referrals.actions.case import Work
from maillage.referrals.actions.rows import insert, update
from maillage.referrals.actions.sharing import tell_peer
from maillage.store import Params, Transaction
from maillage.store.blobs import Vault

MOST: Final = 20
"""Files of one request, answers and letters together."""
_WHEN: Final = {
    "request": ("requester_org", ("to-complete",)),
    "answer": ("requester_org", ("info-received",)),
    "letter": ("owner_org", ("letter-sent",)),
}
"""Part -> whose, and in which states of the Task: a file goes with the text that its author just wrote."""


async def attach(tx: Transaction, vault: Vault, task_id: str, files: Sequence[Checked], part: str) -> list[str]:
    """Attach checked files to what was just written: the request being prepared, the answers given, or the signed letter; answers their ids.

    Raises `NotFound`, `NotAllowed("not-for-this-party")`, `Conflict("not-in-table")`, `Invalid("too-many-files")`.
    """
    task = await queries.visible_task(tx, task_id)
    request = await queries.lock_request(tx, task["request_id"])
    task = await queries.task(tx, task_id)
    side, states = _WHEN[part]
    if task[side] not in tx.actor.organizations:
        raise NotAllowed("not-for-this-party")
    if task["state"] not in states and tx.actor.id != task["peer"]:  # there it came with its text; here somebody may have gone on
        raise Conflict("not-in-table", state=task["state"], legal=[])
    if files and len([row for row in await queries.attachments(tx, request["id"]) if row["status"] == "current"]) + len(files) > MOST:
        raise Invalid.one("too-many-files", files[0].field)
    work = Work(tx, "attach")
    parties = list(task["parties"] if part == "letter" else request["parties"])
    made = [await _attach(work, vault, request, task, file, part, parties) for file in files]
    if made:
        if part != "letter":
            work.touch("service_request", request["id"])
        await work.finish(("Task", task_id), task["patient_id"])
        await tell_peer(tx, "attach", task_id, {"part": part, "files": made})
    return made


async def _attach(work: Work, vault: Vault, request: Any, task: Any, file: Checked, part: str, parties: list[str]) -> str:
    tx, owner = work.tx, task["owner_org"] if part == "letter" else request["owner_org"]
    kept = await documents.keep(tx, vault, file, patient=task["patient_id"], owner=owner, parties=parties)
    await insert(
        tx,
        "referral_attachment",
        id=kept.id,
        request_id=request["id"],
        task_id=None if part == "request" else task["id"],
        patient_id=task["patient_id"],
        owner_org=owner,
        parties=parties,
        part=part,
        round=task["rounds"] if part == "answer" else None,
        letter_id=task["document_id"] if part == "letter" else None,
        status="current",
        title=kept.title,
        content_type=kept.content_type,
        size=kept.size,
        hash=kept.sha1,
        author_role_id=tx.actor.role_id,
        author_display=tx.actor.display or tx.actor.id,
        attached_at=tx.now,
    )
    work.touch("referral_attachment", kept.id)
    if part == "letter":
        await labels.follow(tx, "DocumentReference", task["document_id"], kept.id)
    return kept.id


async def shown_attachments(tx: Transaction, request_id: str) -> Sequence[Any]:
    """The files of a request, of its answers and letters, that the actor may see."""
    params = Params([request_id])
    seen = visible_to(tx.actor, "DocumentReference").sql("a", params)
    return await tx.fetch(
        f"SELECT a.* FROM referral_attachment a WHERE a.request_id = $1 AND a.status = 'current' AND {seen} ORDER BY a.attached_at, a.id",
        *params,
    )


async def detach(tx: Transaction, task_id: str, id: str) -> None:
    """Take a file off a request that is still being prepared: its key is destroyed. Raises `NotFound`, `NotAllowed`, `Conflict("not-in-table")`."""
    task = await queries.visible_task(tx, task_id)
    request = await queries.lock_request(tx, task["request_id"])
    row = next((row for row in await queries.attachments(tx, request["id"]) if row["id"] == id), None)
    if row is None or row["status"] != "current":
        raise NotFound("DocumentReference", id)
    if request["owner_org"] not in tx.actor.organizations:
        raise NotAllowed("not-for-this-party")
    if request["status"] != "draft":
        raise Conflict("not-in-table", state=task["state"], legal=[])
    work = Work(tx, "detach")
    await update(tx, "referral_attachment", id, status="entered-in-error")
    await documents.destroy(tx, [id])
    work.touch("referral_attachment", id)
    work.touch("service_request", request["id"])
    await work.finish(("Task", task_id), task["patient_id"])


async def show_to(work: Work, request_id: str, parties: Sequence[str]) -> None:
    """Files of the request and of its answers go where the request goes."""
    ids = [row["id"] for row in await queries.attachments(work.tx, request_id) if row["part"] != "letter" and row["status"] == "current"]
    if ids:
        await _change(work, ids, "parties = $2", list(parties))
        await documents.show_to(work.tx, ids, parties)


async def hide(work: Work, request_id: str) -> None:
    """Files of a request that should never have been are shown to nobody any more, their author included."""
    ids = [row["id"] for row in await queries.attachments(work.tx, request_id) if row["status"] == "current"]
    if ids:
        await _change(work, ids, "status = $2", "entered-in-error")
        await documents.withhold(work.tx, ids)


async def _change(work: Work, ids: Sequence[str], change: str, value: Any) -> None:
    """The same change of several files of one request."""
    sql = f"UPDATE referral_attachment SET {change} WHERE id = ANY ($1::text[]) RETURNING *"
    for row in await work.tx.fetch(sql, list(ids), value):
        held.note(work.tx, "referral_attachment", row)
    for id in ids:
        work.touch("referral_attachment", id)
