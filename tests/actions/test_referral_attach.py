"""Files go where the text that they came with goes, and no further (CSP L1110-4; vulnerability class 9)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.factories import referrals as make
from tests.factories.referrals import CARDIOLOGIST, GP, STRANGER, TRIAGER, act, territory

from maillage import access, documents, record, referrals
from maillage.codes.json import decode
from maillage.documents import Checked
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from maillage.store import Database
from maillage.store.blobs import Folder, Ring, Vault

FILL = territory
pytestmark = pytest.mark.asyncio
FILE = Checked("pieces", "radio.pdf", "application/pdf", b"%PDF-1.7 CANARI-RADIO %%EOF")
OTHER = Checked("pieces", "note.txt", "text/plain", b"CANARI-NOTE")


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(Folder(tmp_path / "objects"), Ring(tmp_path / "master.keys"))


async def attach(db: Database, vault: Vault, by: Actor, task: str, part: str = "request", file: Checked = FILE) -> str:
    async with db.transaction(by) as tx:
        [id] = await referrals.attach(tx, vault, task, [file], part)
        return id


async def read(db: Database, vault: Vault, by: Actor, id: str) -> bytes:
    async with db.transaction(by) as tx:
        return (await documents.load(tx, vault, id))[1]


async def sees(db: Database, vault: Vault, by: Actor, id: str) -> bool:
    try:
        await read(db, vault, by, id)
    except NotFound:
        return False
    return True


async def resource(db: Database, kind: str, id: str) -> dict[str, Any]:
    async with db.transaction(SYSTEM) as tx:
        found: dict[str, Any] = decode((await record.read(tx, kind, id, access.visible_to(SYSTEM, kind))).content)
        return found


async def test_a_file_of_a_draft_is_its_authors_until_it_is_sent(db: Database, vault: Vault) -> None:
    [task] = await make.draft(db)
    id = await attach(db, vault, GP, task)
    assert await sees(db, vault, GP, id)
    assert not await sees(db, vault, TRIAGER, id)
    await act(db, GP, referrals.send, task, **make.SEND)
    assert await read(db, vault, TRIAGER, id) == FILE.data
    assert not await sees(db, vault, STRANGER, id)


async def test_a_request_that_goes_elsewhere_takes_its_files_and_not_the_letters(db: Database, vault: Vault, clock: FixedClock) -> None:
    [task] = await make.draft(db)
    id = await attach(db, vault, GP, task)
    await act(db, GP, referrals.send, task, **make.SEND)
    await act(db, TRIAGER, referrals.open_, task)
    await act(db, TRIAGER, referrals.decline, task, reason="no-indication", comment="Pas d'indication à ce stade.")
    assert not await sees(db, vault, CARDIOLOGIST, id)
    await act(db, GP, referrals.send_elsewhere, task, service=make.ELSEWHERE, reason="other-specialty")
    assert await sees(db, vault, CARDIOLOGIST, id)
    assert await sees(db, vault, TRIAGER, id)


async def test_a_file_of_an_answer_goes_to_the_service_and_one_of_a_letter_to_both_sides(
    db: Database, vault: Vault, clock: FixedClock
) -> None:
    task = await make.info_received(db)
    answer = await attach(db, vault, GP, task, "answer", OTHER)
    assert await read(db, vault, TRIAGER, answer) == OTHER.data
    other = await make.letter_sent(db, clock, patient=1)
    letter = await attach(db, vault, TRIAGER, other, "letter")
    assert await sees(db, vault, GP, letter)
    assert not await sees(db, vault, CARDIOLOGIST, letter)


@pytest.mark.parametrize(
    ("state", "part", "by", "error"),
    [
        ("sent", "request", GP, Conflict),
        ("sent", "answer", GP, Conflict),
        ("info-requested", "answer", GP, Conflict),
        ("info-received", "answer", TRIAGER, NotAllowed),
        ("letter-sent", "letter", GP, NotAllowed),
        ("seen", "letter", TRIAGER, Conflict),
        ("sent", "request", STRANGER, NotFound),
    ],
)
async def test_a_file_comes_with_what_its_author_just_wrote_or_not_at_all(
    db: Database, vault: Vault, clock: FixedClock, state: str, part: str, by: Actor, error: type[Exception]
) -> None:
    task = await make.reach(db, clock, state)
    with pytest.raises(error):
        await attach(db, vault, by, task, part)
    assert list(vault.folder.lying()) == []


async def test_class_09_a_file_that_is_taken_off_a_draft_is_destroyed(db: Database, vault: Vault) -> None:
    [task] = await make.draft(db)
    id = await attach(db, vault, GP, task)
    await act(db, GP, referrals.detach, task, id)
    assert not await sees(db, vault, GP, id)
    assert not await sees(db, vault, SYSTEM, id)
    assert (await resource(db, "DocumentReference", id))["status"] == "entered-in-error"
    with pytest.raises(NotFound):
        await act(db, GP, referrals.detach, task, id)


async def test_a_file_of_a_request_that_was_sent_stays(db: Database, vault: Vault) -> None:
    [task] = await make.draft(db)
    id = await attach(db, vault, GP, task)
    await act(db, GP, referrals.send, task, **make.SEND)
    with pytest.raises(Conflict):
        await act(db, GP, referrals.detach, task, id)
    with pytest.raises(NotAllowed):
        await act(db, TRIAGER, referrals.detach, task, id)


async def test_class_09_files_of_a_request_entered_in_error_are_shown_to_nobody(db: Database, vault: Vault) -> None:
    [task] = await make.draft(db)
    id = await attach(db, vault, GP, task)
    await act(db, GP, referrals.send, task, **make.SEND)
    await act(db, GP, referrals.enter_in_error, task, reason="wrong-patient")
    assert not await sees(db, vault, GP, id)
    assert not await sees(db, vault, TRIAGER, id)
    assert "radio.pdf" not in str(await resource(db, "DocumentReference", id))


async def test_a_file_is_told_in_fhir_with_its_address_and_never_its_bytes(db: Database, vault: Vault) -> None:
    [task] = await make.draft(db)
    id = await attach(db, vault, GP, task)
    told = await resource(db, "DocumentReference", id)
    attachment = told["content"][0]["attachment"]
    assert (attachment["url"], attachment["size"], attachment["contentType"]) == (f"Binary/{id}", len(FILE.data), "application/pdf")
    assert "data" not in attachment
    request = told["context"]["related"][0]["reference"]
    assert {"reference": f"DocumentReference/{id}"} in (await resource(db, *request.split("/")))["supportingInfo"]


async def test_a_request_has_so_many_files_and_no_more(db: Database, vault: Vault) -> None:
    [task] = await make.draft(db)
    async with db.transaction(GP) as tx:
        await referrals.attach(tx, vault, task, [OTHER] * 20, "request")
    with pytest.raises(Invalid, match="too-many-files"):
        await attach(db, vault, GP, task)
