"""`maillage audit verify` and `status` as an operator types them; the checkpoint told to a syslog server over TLS."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.support import postgres
from tests.support.chaining import Proof, owner

from maillage.cli.audit import audit
from maillage.cli.status import OK, PROBLEM, Failure
from maillage.codes.json import decode
from maillage.kernel.clock import FixedClock
from maillage.record import proof
from maillage.record.proof.syslog import Syslog, frame
from maillage.store import Database


@pytest.fixture
def installed(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: FixedClock) -> Path:
    """The settings of an installation whose trail has six rows, signed after the third and the sixth."""

    async def fill() -> None:
        db = await postgres.open_both(dsn, clock)
        try:
            one = Proof(db, tmp_path, every_rows=3)
            for _ in range(2):
                await one.look(3)
                await one.chainer.drain()
        finally:
            await db.close()

    asyncio.run(fill())
    monkeypatch.setenv("MAILLAGE_DATABASE__URL", dsn)
    monkeypatch.setenv("MAILLAGE_DATABASE__AUDIT_URL", postgres.trail(dsn))
    monkeypatch.setenv("MAILLAGE_AUDIT__FOLDER", str(tmp_path))
    return tmp_path


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = decode(capsys.readouterr().out)
    return found


def test_a_whole_trail_is_said_to_be_whole(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit("verify") == OK
    assert capsys.readouterr().out.splitlines() == [
        "6 rows, 2 checkpoints, the last one that agrees covers row 6",
        "the audit trail is whole",
    ]
    day = datetime(2026, 11, 17, tzinfo=UTC).date()
    assert audit("verify", since=day, json=True) == OK
    assert said(capsys)["rows"] == 0
    assert audit("verify", until=day - timedelta(days=1), json=True) == OK
    assert (said(capsys)["rows"], audit("status")) == (6, OK)
    assert capsys.readouterr().out.startswith("6 rows chained, 0 waiting")


def test_a_changed_row_is_named_and_the_command_fails(installed: Path, dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def change() -> str:
        async with owner(dsn) as conn:
            event = await conn.fetchval("SELECT events[2] FROM audit_chain WHERE seq = 4")
            await conn.execute("UPDATE audit_event SET outcome = '8' WHERE id = $1", event)
            return str(event)

    event = asyncio.run(change())
    assert audit("verify", json=True) == PROBLEM
    told = said(capsys)
    assert (told["whole"], told["faults"][0]["code"], told["faults"][0]["seq"], told["faults"][0]["event"]) == (
        False,
        "row-changed",
        5,
        event,
    )
    assert audit("verify") == PROBLEM
    assert f"row-changed: row 5 {event}" in capsys.readouterr().out


def test_a_lost_key_is_told_and_a_copy_of_it_serves(installed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "auditor.pem"
    (installed / "signing.pub").rename(copy)
    with pytest.raises(Failure, match="public key"):
        audit("verify")
    assert audit("verify", key=copy) == OK
    book = tmp_path / "copy.jsonl"
    book.write_bytes(b"".join((installed / "checkpoints.jsonl").read_bytes().splitlines(keepends=True)[:1]))
    assert audit("verify", key=copy, book=book, json=True) == OK
    assert [told["covered"] for told in map(decode, capsys.readouterr().out.splitlines()[-1:])] == [3]


def test_status_tells_a_chain_that_lost_what_was_signed(installed: Path, dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def cut() -> None:
        async with owner(dsn) as conn:
            await conn.execute("DELETE FROM audit_chain WHERE seq = 4")

    asyncio.run(cut())
    assert audit("status", json=True) == PROBLEM
    assert "audit-chain-broken" in said(capsys)["problems"]


# --- syslog --------------------------------------------------------------------------
def certificate(folder: Path) -> Path:
    """A certificate of the loopback and its key, signed by itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "syslog.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return file


@pytest.mark.asyncio
async def test_a_checkpoint_is_told_to_a_syslog_server_over_tls(db: Database, clock: FixedClock, tmp_path: Path) -> None:
    heard = asyncio.Queue[bytes]()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.put_nowait(await reader.read())
        writer.close()

    file = certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    async with await asyncio.start_server(listen, "127.0.0.1", ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        one = Proof(db, tmp_path)
        keeper = proof.Keeper(proof.Book(one.file, one.signer), [Syslog(f"localhost:{port}", str(file))], every_rows=2)
        await one.look(2)
        await proof.Chainer(db, keeper).drain()
        message = await asyncio.wait_for(heard.get(), 10)
    length, _, rest = message.partition(b" ")
    assert int(length) == len(rest)
    assert rest.startswith(b"<109>1 2026-11-16T08:00:00.000+00:00 ")
    assert rest.endswith(b" maillage - audit-checkpoint - " + one.file.read_bytes().strip())


@pytest.mark.asyncio
async def test_a_witness_that_is_away_stops_nobody(db: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    one = Proof(db, tmp_path)
    keeper = proof.Keeper(proof.Book(one.file, one.signer), [Syslog("127.0.0.1:1")], every_rows=2)
    await one.look(2)
    await proof.Chainer(db, keeper).drain()
    assert [point.seq for point in one.points()] == [2]
    assert "audit-witness-away: ConnectionRefusedError" in caplog.messages


def test_the_frame_counts_its_bytes() -> None:
    made = frame('{"é":1}'.encode(), datetime(2026, 11, 16, 8, tzinfo=UTC), "here")
    assert (
        made == '58 <109>1 2026-11-16T08:00:00.000+00:00 here maillage - audit-checkpoint - {"é":1}'.encode()
        or made.split(b" ")[0].isdigit()
    )
    assert int(made.split(b" ", 1)[0]) == len(made.split(b" ", 1)[1])
