"""What start-up refuses, on a real server where it can be had and on its facts where not."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.support.postgres import BINARIES, TestCluster, store_alone

from maillage.store import Database, UnsafeServer, checks

FILL = store_alone
NOW = datetime(2026, 11, 22, tzinfo=UTC)
SOUND: dict[str, Any] = {
    "version": 180006,
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "encoding": "UTF8",
    "zone": "UTC",
    "strings": "on",
    "now": NOW,
}


@pytest.mark.asyncio
async def test_the_server_of_the_tests_is_sound(dsn: str) -> None:
    db = await Database.open(dsn)
    await db.close()
    assert db.warnings == () or BINARIES in os.environ


@pytest.mark.asyncio
async def test_a_server_that_does_not_wait_for_the_disk_is_refused(cluster: TestCluster, dsn: str) -> None:
    name = urlsplit(dsn).path.removeprefix("/")
    await cluster._admin(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    try:
        with pytest.raises(UnsafeServer, match="synchronous_commit"):
            await Database.open(dsn)
    finally:
        await cluster._admin(f'ALTER DATABASE "{name}" RESET synchronous_commit')


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("fsync", "off"),
        ("full_page_writes", "off"),
        ("synchronous_commit", "off"),
        ("encoding", "SQL_ASCII"),
        ("zone", "Europe/Paris"),
        ("strings", "off"),
        ("now", NOW + timedelta(seconds=3)),
        ("version", 140020),
        ("version", 150017),
        ("version", 160013),
        ("version", 170009),
        ("version", 180003),
    ],
)
def test_refused(fact: str, value: Any) -> None:
    with pytest.raises(UnsafeServer):
        checks.judge({**SOUND, fact: value}, NOW)


@pytest.mark.parametrize(
    ("version", "warned"),
    [(150018, True), (150019, False), (160014, True), (170010, True), (180005, True), (180006, False), (190000, False)],
)
def test_warned(version: int, warned: bool) -> None:  # a table
    assert bool(checks.judge({**SOUND, "version": version}, NOW)) is warned
