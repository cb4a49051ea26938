"""The embedded server: owned by several, outliving its owners, losing nothing it acknowledged."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import Unavailable
from maillage.settings import DatabaseSettings, DataSettings, Settings
from maillage.store import Database, EmbeddedPostgres, Limits, UnsafeServer, accounts, binaries, cluster, migrate
from maillage.store.server import embedded, limits

SMALL = "32MB"
OWNER = """
import sys, time
from maillage.store import EmbeddedPostgres
server = EmbeddedPostgres(sys.argv[1], shared_buffers="32MB")
server.start()
print(server.pid, flush=True)
time.sleep(60)
"""


def wait_until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


@pytest.fixture
def server(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(data_dir, shared_buffers=SMALL)
    made.start()
    yield made
    made.stop()


async def numbers(dsn: str) -> set[int]:
    db = await Database.open(dsn)
    try:
        async with db.transaction(SYSTEM) as tx:
            return {row["n"] for row in await tx.fetch("SELECT n FROM kept ORDER BY n")}
    finally:
        await db.close()


@pytest.mark.asyncio
async def test_kill_9_of_postgres_under_load_loses_nothing_acknowledged(server: EmbeddedPostgres) -> None:
    db = await Database.open(server.dsn(), limits=Limits(acquire=1))
    async with db.transaction(SYSTEM) as tx:
        await tx.execute("CREATE TABLE kept (n bigint PRIMARY KEY)")
    acknowledged: set[int] = set()
    refused: set[str] = set()
    stop = asyncio.Event()

    async def client(start: int) -> None:
        n = start
        while not stop.is_set():
            n += 8
            try:
                async with db.transaction(SYSTEM) as tx:
                    await tx.execute("INSERT INTO kept VALUES ($1)", n)
                acknowledged.add(n)
            except Unavailable as error:
                refused.add(error.reason)
                await asyncio.sleep(0.02)

    clients = [asyncio.create_task(client(start)) for start in range(8)]
    for _ in range(2):
        await asyncio.sleep(0.4)
        before, pid = len(acknowledged), server.pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(wait_until, lambda pid=pid: server.pid not in {None, pid})
        deadline = time.monotonic() + 20
        while len(acknowledged) < before + 100:
            assert time.monotonic() < deadline, "the pool did not come back"
            await asyncio.sleep(0.05)
    stop.set()
    await asyncio.gather(*clients)
    await db.close()
    kept = await numbers(server.dsn())
    assert acknowledged <= kept
    assert len(acknowledged) > 200
    assert refused <= {"database-away", "no-connection"}


def test_a_second_process_attaches_and_the_last_one_stops_it(server: EmbeddedPostgres, data_dir: Path) -> None:
    pid = server.pid
    other = EmbeddedPostgres(data_dir)
    assert other.start() == server.dsn()
    server.stop()
    assert other.pid == pid
    other.stop()
    assert other.pid is None
    other.stop()


def test_a_server_that_outlived_its_killed_owner_is_taken_over(data_dir: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER, str(data_dir)], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        pid = int(owner.stdout.readline())
        owner.kill()
    heir = EmbeddedPostgres(data_dir)
    heir.start()
    assert heir.pid == pid
    heir.stop()
    assert heir.pid is None


def test_owner_and_server_killed_together(data_dir: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER, str(data_dir)], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        pid = int(owner.stdout.readline())
        owner.kill()
        os.kill(pid, signal.SIGKILL)
    with EmbeddedPostgres(data_dir, shared_buffers=SMALL) as dsn:
        assert asyncio.run(migrate.migrate(dsn, Path("/nonexistent"))) == []


def test_the_mark_of_a_server_whose_number_went_to_another_program_is_no_obstacle(server: EmbeddedPostgres) -> None:
    folder = server._cluster
    mark = (folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    server.stop()
    (folder / "postmaster.pid").write_text("\n".join([str(os.getpid()), *mark[1:]]) + "\n", encoding="utf-8")
    server._account.own(folder / "postmaster.pid")
    assert server.pid is None
    server.start()
    assert server.pid


def test_half_a_creation_is_begun_again(data_dir: Path) -> None:
    (data_dir / "postgres" / "draft" / "cluster").mkdir(parents=True)
    (data_dir / "postgres" / "draft" / "cluster" / "PG_VERSION").touch()
    with EmbeddedPostgres(data_dir, shared_buffers=SMALL) as dsn:
        assert dsn
    assert not (data_dir / "postgres" / "draft").exists()


def test_a_long_path_gets_a_short_socket(data_dir: Path) -> None:
    deep = data_dir / ("d" * 60) / ("e" * 60)
    deep.parent.mkdir(mode=0o711)
    server = EmbeddedPostgres(deep, shared_buffers=SMALL)
    server.start()
    first = cluster.socket_folder(server._cluster)
    assert len(first) < 40
    server.stop()
    server.start()
    assert cluster.socket_folder(server._cluster) == first
    server.stop()
    shutil.rmtree(first)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes accounts")
def test_root_runs_it_under_another_account_and_out_of_a_closed_folder(data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    closed = data_dir / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "data", shared_buffers=SMALL)
    server.start()
    pid = server.pid
    assert Path(f"/proc/{pid}").stat().st_uid != 0
    note = (closed / "data" / "postgres.location").read_text(encoding="utf-8").strip()
    assert "cannot enter" in caplog.text
    server.stop()
    again = EmbeddedPostgres(closed / "data", shared_buffers=SMALL)
    again.start()
    assert str(again._home) == note
    again.stop()
    shutil.rmtree(note)


def test_it_listens_on_no_port_and_its_log_holds_no_value(server: EmbeddedPostgres) -> None:
    async def duplicate() -> tuple[str, str, str]:
        db = await Database.open(server.dsn())
        async with db.transaction(SYSTEM) as tx:
            await tx.execute("CREATE TABLE person (name text PRIMARY KEY)")
            await tx.execute("INSERT INTO person VALUES ('CANARY')")
        with pytest.raises(Exception, match="duplicate key"):  # the statement in its transaction
            async with db.transaction(SYSTEM) as tx:
                await tx.execute("INSERT INTO person VALUES ($1)", "CANARY")
        async with db.transaction(SYSTEM) as tx:
            names = ("listen_addresses", "fsync", "data_checksums")
            one, two, three = [await tx.fetchval("SELECT current_setting($1)", name) for name in names]
        await db.close()
        return one, two, three

    assert asyncio.run(duplicate()) == ("", "on", "on")
    logs = [""]
    until = time.monotonic() + 30
    while not any("duplicate key" in text for text in logs) and time.monotonic() < until:  # another process writes it, when it has its turn
        time.sleep(0.05)
        logs = [path.read_text(encoding="utf-8") for path in (server._cluster / "log").iterdir()]
    assert any("duplicate key" in text for text in logs)
    assert not any("CANARY" in text for text in logs)


def test_a_wrong_setting_is_said_in_a_sentence(data_dir: Path) -> None:
    with pytest.raises(cluster.ClusterError, match="SHARED_BUFFERS"):
        EmbeddedPostgres(data_dir, shared_buffers="lots").start()
    with pytest.raises(binaries.BinariesError, match="MAILLAGE_DATABASE__BINARIES"):
        EmbeddedPostgres(data_dir, binaries_dir="/nonexistent").start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes accounts")
def test_an_unknown_account_is_refused(data_dir: Path) -> None:
    with pytest.raises(accounts.AccountError, match="RUN_AS"):
        EmbeddedPostgres(data_dir, run_as="root")


def test_a_cluster_is_served_by_the_version_that_made_it(data_dir: Path) -> None:
    installed = binaries._installed()
    if not any(binaries._version(folder) for folder in installed):
        pytest.skip("no installed server")
    other = next(folder for folder in installed if binaries._version(folder))
    first = EmbeddedPostgres(data_dir, binaries_dir=str(other), shared_buffers=SMALL)

    async def look(dsn: str) -> int:
        try:
            db = await Database.open(dsn)
        except UnsafeServer as error:
            return int(str(error).split()[1].split(".")[0])
        async with db.transaction(SYSTEM) as tx:
            number: int = await tx.fetchval("SELECT current_setting('server_version_num')::int / 10000")
        await db.close()
        return number

    made = asyncio.run(look(first.start()))
    first.stop()
    second = EmbeddedPostgres(data_dir, shared_buffers=SMALL)
    assert asyncio.run(look(second.start())) == made
    second.stop()


def test_settings_lead_to_a_server(data_dir: Path) -> None:
    settings = Settings(database=DatabaseSettings(shared_buffers=SMALL, pool_size=3), data=DataSettings(folder=data_dir))
    assert limits(settings.database).pool_size == 3
    with embedded(settings) as dsn:
        assert asyncio.run(numbers_of_tables(dsn)) == 0


async def numbers_of_tables(dsn: str) -> int:
    return len([fact for fact in await migrate.catalog(dsn) if "kind=r" in fact])
