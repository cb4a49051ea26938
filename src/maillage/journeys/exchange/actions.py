"""A turn of a worker with one peer: take it, prepare one step after the other, say how each ended. No network here.

A step that could not be told waits, and all of the peer's steps with it; one that the peer refuses is set aside, told to the people of our side, and the
next one goes on: the peer decides by the same rules, so what follows is judged there again.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from maillage import access, documents, record, referrals
from maillage.access import peers
from maillage.access.clients.queries import CLIENT_ROLES, PROVED
from maillage.codes.json import decode
from maillage.journeys.exchange import message, queries
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.operations import Operation
from maillage.store import Database, Transaction
from maillage.store.blobs import Vault

log = logging.getLogger(__name__)
FIRST, LONGEST = 2.0, 600.0
"""Seconds after which a peer that was away is tried again: twice as long each time, up to ten minutes."""

_DECLARED: Final[Mapping[str, Operation]] = {operation.name: operation for operation in referrals.OPERATIONS}


@dataclass(frozen=True, slots=True)
class Parcel:
    """One step ready to be told: nothing in it needs the database any more.

    `patient`, `request`, `form`, `services`: what a sending is about, where the peer may not have it yet. `files`: the documents that go with it.
    """

    peer: peers.Peer
    task: str
    seq: int
    target: str
    verb: str
    parameters: Mapping[str, Any]
    role: str = ""
    patient: Mapping[str, Any] = field(default_factory=dict)
    request: Mapping[str, Any] = field(default_factory=dict)
    form: Mapping[str, Any] | None = None
    services: tuple[str, ...] = ()
    part: str = ""
    files: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What makes a second telling of it harmless."""
        return f"{self.task}.{self.seq}"


async def lease(db: Database) -> list[tuple[str, int]]:
    """Take the peers that have something to be told now: name and fencing number."""
    async with db.transaction(SYSTEM) as tx:
        rows = await tx.fetch(queries.LEASE, tx.now, peers.LEASE)
    return sorted((row["client"], row["fence"]) for row in rows)


async def prepare(db: Database, client: str, fence: int) -> Parcel | None:
    """The next step for a peer that was taken, audited before it leaves; None when there is none, or another worker has the peer.

    A patient who meanwhile refuses that the peer's people read the record is told of no more (CSP L1110-4): those steps are set aside.
    """
    async with db.transaction(SYSTEM) as tx:
        peer = await peers.find(tx, client)
        if peer is None or peer.fence != fence:
            return None
        theirs = tx.acting_as(_actor(peer))
        while row := await queries.next_step(tx, client):
            if await _may_know(theirs, row):
                break
            await _set_aside(tx, row, "not-visible")
        if row is None:
            return None
        await tx.execute("UPDATE referral_step SET tries = tries + 1 WHERE task_id = $1 AND seq = $2", row["task_id"], row["seq"])
        await tx.execute("UPDATE peer SET leased_until = $2 WHERE client = $1", client, tx.now + peers.LEASE)
        await record.audit(theirs, "R", "Task", row["task_id"], patient=row["patient_id"], verb="notify")
        return await _parcel(tx, peer, row)


def _actor(peer: peers.Peer) -> Actor:
    return Actor("client", peer.client, peer.organizations, CLIENT_ROLES, None, (), peer.client, PROVED, client=peer.client)


async def _may_know(theirs: Transaction, row: Any) -> bool:
    """Whether the peer's people see the Task now; before its sending, the request too, which is not theirs yet."""
    wanted = {"Task": [row["task_id"]], **({"ServiceRequest": [row["request_id"]]} if row["verb"] == "send" else {})}
    seen = await record.present(theirs, wanted, lambda kind: access.visible_to(theirs.actor, kind, theirs.now))
    return len(seen) == len(wanted)


async def _parcel(tx: Transaction, peer: peers.Peer, row: Any) -> Parcel:
    given = decode(row["given"])
    base = Parcel(peer, row["task_id"], row["seq"], row["target"], row["verb"], {}, row["role_id"] or "")
    if row["verb"] == "attach":
        return replace(base, part=given["part"], files=tuple(given["files"]))
    told = message.parameters(row["verb"], _DECLARED[row["verb"]].parameters, given, diary_there=row["peer_side"] == "performer")
    base = replace(base, parameters=told)
    if row["verb"] != "send":
        return base
    form = await referrals.current_form(tx, row["request_id"])
    files = [one["id"] for one in await referrals.shown_attachments(tx, row["request_id"]) if one["part"] == "request"]
    return replace(
        base,
        patient=decode(await record.current(tx, "Patient", row["patient_id"])),
        request=decode(await record.current(tx, "ServiceRequest", row["request_id"])),
        form=decode(await record.current(tx, "QuestionnaireResponse", form["id"])) if form else None,
        services=tuple(await queries.services_at(tx, row["request_id"], peer.client)),
        part="request",
        files=tuple(files),
    )


async def content(db: Database, vault: Vault, parcel: Parcel, file: str) -> Mapping[str, Any]:
    """A file of a step as the peer takes it, audited before it leaves. Raises `Unavailable` when it is not what was kept."""
    async with db.transaction(SYSTEM) as tx:
        document, data = await documents.load(tx, vault, file)
        theirs = tx.acting_as(_actor(parcel.peer))
        await record.audit(theirs, "R", "DocumentReference", file, patient=document.patient_id, verb="notify")
    return message.file(parcel.part, document.title, document.content_type, data)


async def told(db: Database, parcel: Parcel) -> None:
    """The peer played it."""
    async with db.transaction(SYSTEM) as tx:
        await _mark(tx, parcel, "told_at", "")
        await tx.execute("UPDATE peer SET failures = 0, error = '', answered_at = $2 WHERE client = $1", parcel.peer.client, tx.now)


async def refused(db: Database, parcel: Parcel, reason: str) -> None:
    """The peer will not play it, however often it is asked: people are told, unless the request had ended here anyway."""
    log.warning("peer-refused %s %s %s", parcel.peer.client, parcel.key, reason, extra={"code": "peer-refused"})
    async with db.transaction(SYSTEM) as tx:
        if await _mark(tx, parcel, "refused_at", reason):
            await referrals.tell_refused(tx, parcel.task)
        await tx.execute("UPDATE peer SET failures = 0, error = '', answered_at = $2 WHERE client = $1", parcel.peer.client, tx.now)


async def _mark(tx: Transaction, parcel: Parcel, column: str, error: str) -> bool:
    """Whether it had no end yet. What was brought is kept no longer than it is needed: it stands in the request itself."""
    brought = ", given = '{}'" if column == "told_at" else ""
    tag = await tx.execute(
        f"UPDATE referral_step SET {column} = $3, error = $4{brought} WHERE task_id = $1 AND seq = $2 AND told_at IS NULL AND refused_at IS NULL",
        *(parcel.task, parcel.seq, tx.now, error),
    )
    return tag == "UPDATE 1"


async def _set_aside(tx: Transaction, row: Any, reason: str) -> None:
    await tx.execute(
        "UPDATE referral_step SET refused_at = $3, error = $4 WHERE task_id = $1 AND seq = $2", row["task_id"], row["seq"], tx.now, reason
    )


async def away(db: Database, client: str, fence: int, error: str) -> None:
    """The peer did not answer, or not now: all that is for it waits."""
    log.warning("peer-away %s %s", client, error, extra={"code": "peer-away"})
    async with db.transaction(SYSTEM) as tx:
        peer = await peers.find(tx, client)
        if peer is None or peer.fence != fence:
            return
        pause = min(FIRST * 2.0 ** min(peer.failures, 16), LONGEST) * random.uniform(0.8, 1.2)  # noqa: S311  # jitter, not a secret
        await tx.execute(
            "UPDATE peer SET leased_until = NULL, failures = failures + 1, error = $2, due_at = $3 WHERE client = $1",
            *(client, error, tx.now + timedelta(seconds=pause)),
        )


async def give_back(db: Database, client: str, fence: int) -> None:
    """Nothing is left to be told to a peer that was taken."""
    async with db.transaction(SYSTEM) as tx:
        await tx.execute("UPDATE peer SET leased_until = NULL WHERE client = $1 AND fence = $2", client, fence)


async def retry(tx: Transaction, client: str) -> int:
    """Tell again what a peer refused, and at once what waits: for when its cause was mended there. Answers how many were refused.

    Of an administrator only what his or her organisation shares: the rows are those that the actor may see.
    """
    again = await tx.execute(
        """
        UPDATE referral_step SET refused_at = NULL, error = '' WHERE refused_at IS NOT NULL AND task_id IN (SELECT id FROM referral_task WHERE peer = $1)
        """,
        client,
    )
    await tx.execute("UPDATE peer SET due_at = $2, failures = 0, error = '' WHERE client = $1", client, tx.now)
    return int(again.removeprefix("UPDATE "))
