"""Migrations: linear, once each, and they lead to the tables as the rooms declare them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from tests.support.postgres import TestCluster

from maillage.store import migrate

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def blank(cluster: TestCluster) -> AsyncIterator[str]:
    """A database with nothing in it."""
    name = f"blank_{cluster.worker}"
    await cluster._admin(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}" TEMPLATE template0')
    yield cluster.owner(name)
    await cluster._admin(f'DROP DATABASE "{name}" WITH (FORCE)')


def write(folder: Path, *texts: str) -> Path:
    for number, text in enumerate(texts, 1):
        (folder / f"{number:04}_step.sql").write_text(text, encoding="utf-8")
    return folder


async def test_migrated_equals_created(blank: str, dsn: str) -> None:
    await migrate.migrate(blank)
    migrated, created = set(await migrate.catalog(blank)), set(await migrate.catalog(dsn))
    created = {fact for fact in created if "seed." not in fact}
    assert sorted(migrated - created) == [], "only in the migrated database; after a change of schema.sql write a migration"
    assert sorted(created - migrated) == [], "only in the created database; after a change of schema.sql write a migration"


async def test_each_file_is_applied_once(blank: str, tmp_path: Path) -> None:
    folder = write(tmp_path, "CREATE TABLE a (x int)")
    assert await migrate.migrate(blank, folder) == ["0001_step"]
    assert await migrate.migrate(blank, folder) == []
    write(tmp_path, "CREATE TABLE a (x int)", "ALTER TABLE a ADD y int")
    assert await migrate.migrate(blank, folder) == ["0002_step"]


async def test_two_processes_at_once_take_turns(blank: str, tmp_path: Path) -> None:
    folder = write(tmp_path, "SELECT pg_sleep(0.3); CREATE TABLE a (x int)")
    assert sorted(await asyncio.gather(migrate.migrate(blank, folder), migrate.migrate(blank, folder))) == [[], ["0001_step"]]


async def test_a_file_that_fails_leaves_nothing(blank: str, tmp_path: Path) -> None:
    folder = write(tmp_path, "CREATE TABLE a (x int)", "CREATE TABLE b (x int); SELECT 1/0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate.migrate(blank, folder)
    facts = "\n".join(await migrate.catalog(blank))
    assert "public a " in facts
    assert "public b " not in facts


async def test_a_changed_or_unknown_file_is_refused(blank: str, tmp_path: Path) -> None:
    folder = write(tmp_path, "CREATE TABLE a (x int)")
    await migrate.migrate(blank, folder)
    write(tmp_path, "CREATE TABLE a (x bigint)")
    with pytest.raises(migrate.MigrationError, match="not the one"):
        await migrate.migrate(blank, folder)
    (tmp_path / "0001_step.sql").unlink()
    with pytest.raises(migrate.MigrationError, match="newer program"):
        await migrate.migrate(blank, folder)


async def test_names_and_numbers_are_checked(tmp_path: Path) -> None:
    (tmp_path / "0002_late.sql").touch()
    with pytest.raises(migrate.MigrationError, match="without gap"):
        migrate.migrations(tmp_path)
    (tmp_path / "first.sql").touch()
    with pytest.raises(migrate.MigrationError, match="NNNN_purpose"):
        migrate.migrations(tmp_path)
