"""F20 and F21: a backup leads back to what was acknowledged, or is refused before it is used; a point in time; files without rows and the reverse.

Correctness only; `make faults` has the restore of an installation under load, where RPO and RTO are judged (`test_restore_nightly.py`).
"""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support import postgres
from tests.support.installed import Installed, environment, told

from maillage.cli.audit import audit
from maillage.cli.backup import backup
from maillage.cli.proving import Points, prove
from maillage.cli.restore import restore
from maillage.cli.status import ENVIRONMENT, OK, PROBLEM, USAGE, Failure
from maillage.codes.json import decode
from maillage.settings import Settings
from maillage.store.backup import manifest as m
from maillage.store.backup import pack, unpack
from maillage.store.blobs import Ring
from maillage.store.migrate import migrations
from maillage.store.server import embedded

pytestmark = pytest.mark.slow


@dataclass
class Copies:
    """An installation that goes on after its backup, and the instant in between."""

    one: Installed
    plain: Path
    between: datetime
    before: set[str]


@pytest.fixture(scope="module")
def copies() -> Iterator[Copies]:
    folder = postgres.open_folder()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(folder).items():
            patch.setenv(name, value)
        one = Installed(folder)
        try:
            with embedded(one.settings):
                one.live(2)
                plain = folder / "plain"
                assert backup(plain) == OK
                one.live(1)
                before, between = set(one.acts), datetime.now(UTC)
                one.live(1)
                one.hand_over()
                yield Copies(one, plain, between, before)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def test_f20_a_backup_is_encrypted_restored_and_proved_at_once(copies: Copies, capsys: pytest.CaptureFixture[str]) -> None:
    sealed, key = copies.one.folder / "sealed.maillage", copies.one.folder / "backup.keys"
    assert backup(sealed, key=key, with_keys=True, verify=True, json=True) == OK
    said = decode(capsys.readouterr().out)
    assert {name: said["keys_included"].count(name) for name in ("documents.keys", "signing.key")} == {
        "documents.keys": 1,
        "signing.key": 1,
    }
    proof = said["verified"]
    assert proof["proved"]
    assert [one["name"] for one in proof["checks"]] == ["backup", "migrations", "invariants", "audit", "documents"]
    assert any(note.startswith("4 documents opened") for note in proof["notes"]), proof
    assert 0 <= proof["rpo_seconds"] < 300
    assert 0 < proof["rto_seconds"] < 1800
    assert b"lettre" not in sealed.read_bytes()
    live = asyncio.run(told(copies.one.settings))
    assert live["operator"][-2:] == [("backup", "0"), ("restore", "0")], "both stand in the audit trail of the installation"
    assert not any(path.name.startswith(".backup-") for path in (copies.one.folder / "data").iterdir()), "nothing is left in the clear"


def test_f20_an_instant_in_between_comes_back_and_serves(
    copies: Copies, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = copies.one.folder / "restored"
    for name, value in environment(copies.one.folder / "restored-home").items():
        monkeypatch.setenv(name, value)
    data.mkdir(mode=0o711)
    shutil.copyfile(copies.one.folder / "data" / "documents.keys", data / "documents.keys")
    (data / "documents.keys").chmod(0o600)
    archive = copies.one.folder / "archive"
    assert restore(copies.plain, until=copies.between, archive=archive, data=data, json=True) == OK
    said = decode(capsys.readouterr().out)
    assert any("they are not in this database" in note for note in said["notes"]), "what was signed later is told"
    monkeypatch.setenv("MAILLAGE_DATA__FOLDER", str(data))
    found = asyncio.run(told(Settings.from_environment()))
    assert found["acts"] == copies.before
    assert found["operator"][-1] == ("restore", "0")
    assert (found["documents"].whole, found["documents"].missing, found["documents"].broken) == (3, [], [])
    assert audit("verify", data=data, json=True) == OK, "its trail verifies, the restoring included"
    assert list((data / "audit").glob("checkpoints.before-*.jsonl")), "the book as it was lies beside the new one"
    with pytest.raises(Failure, match="not-empty") as caught:
        restore(copies.plain, data=data)
    assert caught.value.status == ENVIRONMENT
    kept = [id for id, at in copies.one.kept.items() if at < copies.between]
    without_a_file(Settings.from_environment(), copies, kept[0])


def without_a_file(settings: Settings, copies: Copies, id: str) -> None:
    """The database without one of its files, and with a file that no row knows, which has lain there for two hours."""
    gone = settings.data.folder / "documents" / id[-2:] / id
    stray = gone.with_name(f"{id[:-4]}{'11' if id[-4:-2] == '00' else '00'}{id[-2:]}")
    gone.rename(stray)
    os.utime(stray, (stray.stat().st_mtime - 7200,) * 2)
    points = Points.of([copies.plain / m.AUDIT], settings.audit_public_key, datetime.now(UTC), wanted=True)
    found = asyncio.run(prove(settings, m.read(copies.plain), points, scratch=True))
    assert found.problems == ["documents"]
    assert id in dict(found.checks)["documents"]
    assert any("1 files without a document" in note for note in found.notes), found.notes


def changed(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.unlink()  # it may be a link to the one that is kept
    path.write_bytes(data)


def first(folder: Path, pattern: str) -> Path:
    return max(path for path in folder.glob(pattern) if path.is_file() and path.stat().st_size)


def emptied(path: Path) -> None:
    path.unlink()
    path.write_bytes(b"\0" * 2**24)


DAMAGES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "a page of the database": ("corrupt", lambda folder: changed(first(folder, "database/base/*/*"))),
    "a file of the database is gone": ("corrupt", lambda folder: first(folder, "database/base/*/*").unlink()),
    "the log of the copy is gone": ("wal-missing", lambda folder: first(folder, "database/pg_wal/0*").unlink()),
    "the log of the copy": ("wal-missing", lambda folder: emptied(first(folder, "database/pg_wal/0*"))),
    "PostgreSQL's own manifest": ("corrupt", lambda folder: changed(folder / m.OF_POSTGRESQL)),
    "a document": ("corrupt", lambda folder: changed(first(folder, "objects/*/*"))),
    "a document is gone": ("corrupt", lambda folder: first(folder, "objects/*/*").unlink()),
    "a document too many": ("corrupt", lambda folder: (folder / "objects" / "stray").touch()),
    "the checkpoints": ("corrupt", lambda folder: changed(folder / "audit" / "checkpoints.jsonl")),
    "the manifest": ("corrupt", lambda folder: changed(folder / m.NAME)),
    "no manifest": ("not-a-backup", lambda folder: (folder / m.NAME).unlink()),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_f21_a_damaged_backup_is_refused_before_it_is_used(copies: Copies, tmp_path: Path, what: str) -> None:
    code, damage = DAMAGES[what]
    folder = tmp_path / "damaged"
    shutil.copytree(copies.plain, folder, copy_function=os.link)
    damage(folder)
    with pytest.raises(Failure, match=f"^{code}: ") as caught:
        restore(folder, verify=True, scratch=tmp_path)
    assert caught.value.status == PROBLEM
    assert not list(tmp_path.glob("maillage-restore-*")), "nothing of it is left"


def hole(wal: Path) -> None:
    sorted(path for path in wal.glob("0*.gz") if ".backup" not in path.name)[-2].unlink()


def torn(wal: Path) -> None:
    last = max(path for path in wal.glob("0*.gz") if ".backup" not in path.name)
    short = gzip.compress(gzip.decompress(last.read_bytes())[: 2**20])
    last.unlink()
    last.write_bytes(short)


@pytest.mark.parametrize(("damage", "code"), [(hole, "wal-missing"), (torn, "corrupt")], ids=["hole", "torn"])
def test_f21_a_log_with_a_hole_is_refused_before_it_is_used(
    copies: Copies, tmp_path: Path, damage: Callable[[Path], None], code: str
) -> None:
    archive = tmp_path / "archive"
    shutil.copytree(copies.one.folder / "archive", archive, copy_function=os.link)
    damage(archive / "wal")
    with pytest.raises(Failure, match=f"^{code}: ") as caught:
        restore(copies.plain, verify=True, archive=archive)
    assert caught.value.status == PROBLEM


@pytest.mark.nightly
def test_f21_a_log_that_ends_before_the_instant_is_refused(copies: Copies) -> None:
    with pytest.raises(Failure, match=r"^wal-missing: ") as caught:
        restore(copies.plain, verify=True, archive=copies.one.folder / "archive", until=datetime(2099, 1, 1, tzinfo=UTC))
    assert caught.value.status == PROBLEM


def test_f21_an_encrypted_backup_opens_whole_under_its_own_key_or_not_at_all(copies: Copies, tmp_path: Path) -> None:
    source, sealed, ring = tmp_path / "source", tmp_path / "sealed", Ring(tmp_path / "right.keys")
    (source / "empty").mkdir(parents=True)
    (source / "large").write_bytes(bytes(range(256)) * 2**14)
    pack(source, sealed, ring)
    unpack(sealed, tmp_path / "out", ring)
    assert (tmp_path / "out" / "large").read_bytes() == (source / "large").read_bytes()
    assert (tmp_path / "out" / "empty").is_dir()
    whole = sealed.read_bytes()
    cases = {
        "cut": whole[:-20],
        "longer": whole + b"x",
        "changed": whole[:500] + bytes([whole[500] ^ 1]) + whole[501:],
        "head": whole[:60] + bytes(one ^ 1 for one in whole[60:64]) + whole[64:],
    }
    for name, data in cases.items():
        sealed.write_bytes(data)
        with pytest.raises(m.BackupError, match=r"^corrupt: "):
            unpack(sealed, tmp_path / name, ring)
    sealed.write_bytes(whole)
    Ring(tmp_path / "wrong.keys").masters()
    with pytest.raises(Failure, match=r"^wrong-key: ") as caught:
        restore(sealed, verify=True, key=tmp_path / "wrong.keys")
    assert caught.value.status == PROBLEM
    with pytest.raises(Failure, match="--key names the file") as caught:
        restore(sealed, verify=True)
    assert caught.value.status == ENVIRONMENT


def test_what_cannot_be_meant_is_refused(copies: Copies) -> None:
    for wrong in (
        lambda: backup(copies.plain),
        lambda: backup(copies.plain.with_name("new"), with_keys=True),
        lambda: restore(copies.plain, verify=True, until=datetime(2026, 11, 22, 10)),  # noqa: DTZ001  # an instant without offset is the point
    ):
        with pytest.raises(Failure) as caught:
            wrong()
        assert caught.value.status == USAGE


@pytest.mark.nightly
def test_f20_the_rows_of_an_operator_s_own_server_come_back(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MAILLAGE_DATABASE__URL", dsn)
    monkeypatch.setenv("MAILLAGE_DATABASE__AUDIT_URL", postgres.trail(dsn))
    monkeypatch.setenv("MAILLAGE_BACKUP__URL", postgres.owner(dsn))
    monkeypatch.setenv("MAILLAGE_DATA__FOLDER", str(tmp_path))
    known = ", ".join(f"({one.number}, '{one.name}', '{one.checksum}')" for one in migrations())
    asyncio.run(postgres.as_owner(dsn, f"INSERT INTO schema_migration (number, name, checksum) VALUES {known}"))
    assert backup(tmp_path / "rows", verify=True, json=True) == OK
    said = decode(capsys.readouterr().out)
    assert (said["kind"], said["verified"]["proved"]) == ("dump", True)
    changed(tmp_path / "rows" / m.DUMP)
    with pytest.raises(Failure, match=r"^corrupt: "):
        restore(tmp_path / "rows", verify=True)
