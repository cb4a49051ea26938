"""A document comes back exactly as it was kept, or not at all: each part of it is tampered with in turn (ADR 0016)."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support import postgres

from maillage import documents
from maillage.documents import Checked
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import NotFound, Unavailable
from maillage.kernel.ids import new_id
from maillage.settings import DataSettings, DocumentSettings, Settings
from maillage.store import Database, Transaction
from maillage.store.blobs import CHUNK, About, Broken, Folder, Kept, KeyFileError, Ring, Vault

pytestmark = pytest.mark.asyncio
LARGE = os.urandom(2 * CHUNK + 17)
OURS = Actor("user", "a", ("ours",), frozenset({"medecin"}))
THEIRS = Actor("user", "b", ("theirs",), frozenset({"medecin"}))


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(Folder(tmp_path / "objects"), Ring(tmp_path / "master.keys"))


async def keep(db: Database, vault: Vault, data: bytes = LARGE, patient: str = "p1") -> str:
    async with db.transaction(SYSTEM) as tx:
        await tx.execute(
            """
            INSERT INTO patient (id, family, given, families_folded, given_folded, gender, birth_insee, identity_status, validation_mode, version,
                method_collection, qualified, ins, phone, residence_insee, general_practitioner, deceased, active)
            VALUES ($1, 'X', 'Y', '{x}', 'y', 'female', '', '', '', 1, '', false, '', '', '', '', false, true) ON CONFLICT DO NOTHING
            """,
            patient,
        )
        file = Checked("f", "lettre.pdf", "application/pdf", data)
        return (await documents.keep(tx, vault, file, patient=patient, owner="ours", parties=["ours"])).id


async def load(db: Database, vault: Vault, id: str, actor: Actor = OURS) -> bytes:
    async with db.transaction(actor) as tx:
        return (await documents.load(tx, vault, id))[1]


@pytest.mark.parametrize("data", [b"", b"x", b"y" * CHUNK, LARGE], ids=["nothing", "byte", "chunk", "chunks"])
async def test_a_document_comes_back_as_it_was_kept(db: Database, vault: Vault, data: bytes) -> None:
    id = await keep(db, vault, data)
    assert await load(db, vault, id) == data
    sealed = vault.folder.path(id).read_bytes()
    assert len(data) < 100 or data[:100] not in sealed


async def test_files_and_keys_are_read_by_their_owner_alone(db: Database, vault: Vault) -> None:
    id = await keep(db, vault)
    assert vault.folder.path(id).stat().st_mode & 0o777 == 0o600
    assert vault.ring.path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in vault.folder.path(id).parent.iterdir()] == [id]


async def test_only_its_parties_see_a_document(db: Database, vault: Vault) -> None:
    id = await keep(db, vault)
    with pytest.raises(NotFound):
        await load(db, vault, id, THEIRS)
    async with db.transaction(SYSTEM) as tx:
        await documents.show_to(tx, [id], ["ours", "theirs"])
    assert await load(db, vault, id, THEIRS) == LARGE


def swapped(data: bytes) -> bytes:
    size = CHUNK + 16
    return data[:13] + data[13 + size : 13 + 2 * size] + data[13 : 13 + size] + data[13 + 2 * size :]


TAMPERED: dict[str, Callable[[bytes], bytes]] = {
    "bit": lambda data: data[:5000] + bytes([data[5000] ^ 1]) + data[5001:],
    "header": lambda data: data[:8] + bytes([data[8] ^ 1]) + data[9:],
    "chunks-swapped": swapped,
    "last-chunk-gone": lambda data: data[: 13 + 2 * (CHUNK + 16)],
    "cut": lambda data: data[:-1],
    "longer": lambda data: data + b"\0",
    "empty": lambda _data: b"",
}


@pytest.mark.parametrize("how", TAMPERED)
async def test_a_file_that_was_tampered_with_does_not_open(db: Database, vault: Vault, clock: FixedClock, how: str) -> None:
    id = await keep(db, vault)
    path = vault.folder.path(id)
    path.write_bytes(TAMPERED[how](path.read_bytes()))
    with pytest.raises(Unavailable, match="document-broken"):
        await load(db, vault, id)
    report = await documents.check(db, vault, now=clock.now())
    assert [line.partition(":")[0] for line in report.broken] == [id]


async def test_the_file_of_another_object_does_not_open(db: Database, vault: Vault) -> None:
    one, other = await keep(db, vault), await keep(db, vault, b"autre")
    vault.folder.path(one).write_bytes(vault.folder.path(other).read_bytes())
    with pytest.raises(Unavailable, match="document-broken"):
        await load(db, vault, one)


@pytest.mark.parametrize(
    "change",
    [
        "patient_id = 'p2'",
        "content_version = 2",
        "key_id = 'absent'",
        "wrapped_key = set_byte(wrapped_key, 20, 255 - get_byte(wrapped_key, 20))",
        "sha256 = set_byte(sha256, 0, 255 - get_byte(sha256, 0))",
        "size = size + 1",
    ],
)
async def test_a_row_that_was_tampered_with_does_not_open(db: Database, dsn: str, vault: Vault, change: str) -> None:
    id, _ = await keep(db, vault), await keep(db, vault, b"autre", patient="p2")
    await postgres.as_owner(dsn, "SET session_replication_role = replica", f"UPDATE document SET {change} WHERE id = '{id}'")
    with pytest.raises(Unavailable, match="document-broken"):
        await load(db, vault, id)


async def test_the_key_of_another_object_does_not_open(db: Database, vault: Vault) -> None:
    one, other = await keep(db, vault), await keep(db, vault, b"autre")
    async with db.transaction(SYSTEM) as tx:
        await tx.execute("UPDATE document SET wrapped_key = (SELECT wrapped_key FROM document WHERE id = $2) WHERE id = $1", one, other)
    with pytest.raises(Unavailable, match="document-broken"):
        await load(db, vault, one)


async def test_class_09_a_destroyed_document_is_gone_and_its_file_cannot_be_read(db: Database, vault: Vault, clock: FixedClock) -> None:
    id = await keep(db, vault)
    copy = vault.folder.path(id).read_bytes()
    async with db.transaction(SYSTEM) as tx:
        await documents.destroy(tx, [id])
        row = await tx.fetchrow("SELECT wrapped_key, key_id, destroyed_at FROM document WHERE id = $1", id)
    assert row is not None
    assert (row["wrapped_key"], row["key_id"], row["destroyed_at"]) == (None, None, clock.now())
    with pytest.raises(NotFound):
        await load(db, vault, id)
    await documents.sweep(db, vault, now=datetime.now(UTC) + timedelta(hours=2))
    assert not vault.folder.path(id).exists()
    assert len(copy) > len(LARGE)


async def test_a_rotated_key_opens_what_was_kept_before_and_is_forgotten_an_hour_later(db: Database, vault: Vault) -> None:
    id = await keep(db, vault)
    first = vault.ring.masters()[0]
    second, count, gone = await documents.rotate(db, vault, now=datetime.now(UTC))
    assert (count, gone) == (1, [])
    assert await load(db, Vault(vault.folder, Ring(vault.ring.path)), id) == LARGE
    assert [one.id for one in vault.ring.masters()] == [second, first.id]
    _, count, gone = await documents.rotate(db, vault, now=datetime.now(UTC) + timedelta(hours=2))
    assert (count, gone) == (1, [first.id])
    assert first.key not in [one.key for one in Ring(vault.ring.path).masters()]
    assert base64.b64encode(first.key) not in vault.ring.path.read_bytes()
    assert await load(db, vault, id) == LARGE


async def test_a_server_that_runs_uses_a_new_key_at_once(db: Database, vault: Vault) -> None:
    await keep(db, vault, b"avant")
    command = Vault(vault.folder, Ring(vault.ring.path))
    made, _, _ = await documents.rotate(db, command, now=datetime.now(UTC))
    id = await keep(db, vault, b"apres")
    async with db.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT key_id FROM document WHERE id = $1", id) == made


async def test_i14_files_and_rows_are_compared_both_ways(db: Database, vault: Vault) -> None:
    whole, missing = await keep(db, vault), await keep(db, vault, b"perdu")
    vault.folder.remove(missing)
    orphan = new_id()
    vault.folder.write(orphan, [b"reste"])
    draft = vault.folder.path(orphan).with_name(".draft-0011")
    draft.write_bytes(b"moitie")
    now = datetime.now(UTC)
    assert (await documents.check(db, vault, now=now)).orphans == [], "work that goes on is no orphan"
    report = await documents.check(db, vault, now=now + timedelta(hours=2))
    assert (report.whole, report.missing) == (1, [f"{missing}: file gone"])
    assert sorted(report.orphans) == sorted([f"{orphan[-2:]}/{orphan}", f"{orphan[-2:]}/.draft-0011"])
    repaired = await documents.check(db, vault, now=now + timedelta(hours=2), repair=True)
    assert (repaired.removed, repaired.orphans) == (2, [])
    assert [one.id for one in vault.folder.lying()] == [whole]


async def test_a_row_that_was_not_committed_leaves_an_orphan_and_no_document(db: Database, vault: Vault) -> None:
    await keep(db, vault, b"avant")
    file = Checked("f", "a.txt", "text/plain", b"texte")

    async def fail(tx: Transaction) -> None:
        await documents.keep(tx, vault, file, patient="p1", owner="ours", parties=["ours"])
        await documents.visible(tx, "absent")

    with pytest.raises(NotFound):
        await db.run(SYSTEM, fail)
    report = await documents.check(db, vault, now=datetime.now(UTC) + timedelta(hours=2))
    assert (report.whole, len(report.orphans)) == (1, 1)


async def test_class_16_no_name_but_an_id_of_ours_reaches_a_path(vault: Vault) -> None:
    for name in ("../../etc/passwd", "a", "", f"{new_id()}/..", f"{new_id()}\n"):
        with pytest.raises(ValueError, match="not the id"):
            vault.folder.path(name)


async def test_an_object_is_never_written_over(vault: Vault) -> None:
    about = About(new_id(), "p1", 1)
    kept = await vault.keep(b"premier", about)
    with pytest.raises(FileExistsError):
        await vault.keep(b"second", about)
    assert await vault.open(kept, about) == b"premier"


async def test_keys_that_others_may_read_are_refused(vault: Vault) -> None:
    about = About(new_id(), "p1", 1)
    kept: Kept = await vault.keep(b"texte", about)
    vault.ring.path.chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        await vault.open(kept, about)
    vault.ring.path.chmod(0o600)
    vault.ring.path.write_text("un 2026-01-01T00:00:00+00:00 AAAA\n", encoding="ascii")
    with pytest.raises(KeyFileError, match="not a file"):
        await vault.open(kept, about)


async def test_two_processes_that_make_the_first_key_end_with_the_same(tmp_path: Path) -> None:
    rings = [Ring(tmp_path / "master.keys") for _ in range(2)]
    assert rings[0].masters() == rings[1].masters()
    with pytest.raises(Broken):
        rings[0].unwrap("other", b"", About("o", "p", 1))


async def test_the_settings_say_where_files_and_keys_lie(tmp_path: Path) -> None:
    plain = Settings(data=DataSettings(folder=tmp_path))
    assert (Vault.of(plain).folder.root, Vault.of(plain).ring.path) == (tmp_path / "documents", tmp_path / "documents.keys")
    apart = Vault.of(replace(plain, documents=DocumentSettings(folder="/a", keys="/b/keys")))
    assert (str(apart.folder.root), str(apart.ring.path)) == ("/a", "/b/keys")
