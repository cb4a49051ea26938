"""The long fault tests (`make faults`): an idle machine is assumed, times are judged, histories are kept outside the system and judged after healing.

F8 mounts a small volume and so needs root; the rest runs as anybody.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.actions.test_kill import ABSENT, WHOLE, Load, counts
from tests.faults.test_served import caller, patient, well
from tests.support.history import History, Operation, judge
from tests.support.invariants import breaches
from tests.support.openloop import Order, drive
from tests.support.serving import Server, served
from tests.support.site_load import UNCOUNTED, wire

from maillage.store import EmbeddedPostgres

pytestmark = pytest.mark.nightly


def invariants(server: Server) -> list[str]:
    """What no longer holds in the database."""
    with EmbeddedPostgres(server.data) as dsn:
        return asyncio.run(breaches(dsn))


def verdict(load: Load, folder: Path) -> list[str]:
    """The judge's word on everything that a load wrote."""
    history = History(folder / f"history-{time.monotonic_ns()}.jsonl")
    writes = {write.key: write for write in load.writes}
    for key, write in writes.items():
        history.invoke(key, "referral")
        if write.answer is not None:
            history.ok(key, write.answer)
    names = {WHOLE: "whole", ABSENT: "absent"}
    with load.client() as client:

        def found(operation: Operation) -> str:
            there = counts(client, writes[operation.key])
            return names.get(there, f"{there}")

        def resend(operation: Operation) -> bytes:
            return client.post("/fhir", content=writes[operation.key].bundle, headers={"idempotency-key": operation.key}).content

        return judge(history, found, resend)


def test_f1_fifty_kills_of_the_server_lose_nothing(data_dir: Path, tmp_path: Path) -> None:
    with served(data_dir, **UNCOUNTED) as server:
        for _ in range(50):
            with Load(server, insist=False) as load:
                load.reach(6)
                server.kill()
            server.start()
            assert verdict(load, tmp_path) == []
        assert invariants(server) == []


def test_f2_ten_kills_of_postgresql_lose_nothing(data_dir: Path, tmp_path: Path) -> None:
    with served(data_dir, **UNCOUNTED) as server:
        for _ in range(10):
            with Load(server, insist=True) as load:
                load.reach(6)
                os.kill(server.postmaster(), signal.SIGKILL)
                assert server.wait(30) < 15
                load.reach(len(load.acknowledged) + 6)
            assert verdict(load, tmp_path) == []
        assert invariants(server) == []


def test_f4_and_f13_thirty_frozen_seconds_and_the_storm_of_retries_after_them(data_dir: Path, tmp_path: Path) -> None:
    with served(data_dir, **UNCOUNTED) as server, Load(server, insist=True) as load:
        load.reach(6)
        with server.frozen(), caller(server, "frozen") as client:
            until = time.monotonic() + 30
            while time.monotonic() < until:
                begun = time.monotonic()
                assert client.get("/fhir/HealthcareService", params={"_count": "1"}).status_code == 503
                assert time.monotonic() - begun < 6
        storm = drive(Order(server.port, rate=600, seconds=5, lanes={"read": (1.0, [wire(server, load.headers)])}))
        assert storm["read"]["lost"] == 0
        server.wait(30)
        begun = len(load.acknowledged)
        load.reach(begun + 6)
    with served(data_dir, **UNCOUNTED) as server:
        load.server = server
        assert verdict(load, tmp_path) == []
        assert invariants(server) == []


@contextmanager
def small_volume(folder: Path, megabytes: int) -> Iterator[None]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0711", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_f8_a_volume_fills_up_and_is_emptied_again(data_dir: Path) -> None:
    """A tmpfs of 900 MB holds the data, the log of PostgreSQL and its temporary files."""
    settings = {**UNCOUNTED, "MAILLAGE_DATA__ENOUGH_FREE": str(2**62)}
    with small_volume(data_dir, 900), served(data_dir, **settings) as server, caller(server) as client:
        assert client.post("/fhir/Patient", json=patient(1)).status_code == 201
        filler = data_dir / "filler"
        space = os.statvfs(data_dir)
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, int((space.f_bavail - space.f_blocks * 0.08) * space.f_frsize))
        time.sleep(1.2)
        assert client.post("/fhir/Patient", json=patient(2)).status_code == 507
        well(client)
        filler.unlink()
        time.sleep(1.2)
        kept = client.post("/fhir/Patient", json=patient(2))
        assert kept.status_code == 201
        assert invariants(server) == []
