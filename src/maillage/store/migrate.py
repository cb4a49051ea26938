"""Numbered plain SQL, forward only, each file in one transaction; and the proof that it leads to the tables as the rooms declare them.

The rooms' `schema.sql` files, in the order of `SCHEMAS`, are the state as it stands ("created"); the files of `migrations/` lead an older database there
("migrated"). A test compares the catalogs of both.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from maillage.store import logins

PACKAGE = Path(__file__).resolve().parents[1]
MIGRATIONS = Path(__file__).with_name("migrations")
SCHEMAS = (
    *(
        "store",
        "record",
        "directory",
        "access",
        "access/clients",
        "access/peers",
        "access/patient_binding",
        "access/patient_link",
        "messaging",
        "messaging/subscriptions",
        "documents",
        "exports",
    ),
    *("referrals", "booking", "tele_expertise", "admissions", "discharge", "overflow", "laboratory", "prevention"),
    *("governance", "training", "evaluation", "research", "experiments", "journeys", "indicators"),
)
LOCK = 0x6D61696C6C616765  # "maillage"

_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migration (
    number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())
"""
_MARK = "INSERT INTO schema_migration (number, name, checksum) VALUES ($1, $2, $3)"
TRIES = 5


class MigrationError(Exception):
    """The database and the program do not belong together; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(folder: Path = MIGRATIONS) -> list[Migration]:
    """The files in order; a gap or a repeated number is an error."""
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", path.name)
        if not match:
            raise MigrationError(f"{path.name} is not named NNNN_purpose.sql")
        found.append(Migration(int(match[1]), match[2], path.read_text(encoding="utf-8")))
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise MigrationError("migrations must be numbered 1, 2, 3... without gap")
    return found


async def migrate(dsn: str, folder: Path = MIGRATIONS) -> list[str]:
    """Bring the database up to date; give the names of what was applied. Two processes at once take turns."""
    conn = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    try:
        await conn.execute("SELECT pg_advisory_lock($1)", LOCK)
        await conn.execute(_TABLE)
        await logins.make(conn)
        todo = _pending(migrations(folder), await conn.fetch("SELECT number, name, checksum FROM schema_migration ORDER BY number"))
        for migration in todo:
            await _apply(conn, migration)
        await logins.tighten(conn)
        return [f"{migration.number:04}_{migration.name}" for migration in todo]
    finally:
        await conn.close()


async def _apply(conn: Any, migration: Migration) -> None:
    """One file and its mark, whole or not at all; where a server that runs held the tables in another order, it is begun again."""
    for attempt in range(1, TRIES + 1):
        try:
            async with conn.transaction():
                await conn.execute(migration.sql)
                await conn.execute(_MARK, migration.number, migration.name, migration.checksum)
        except asyncpg.DeadlockDetectedError:
            if attempt == TRIES:
                raise
            await asyncio.sleep(0.2 * attempt)
        else:
            return


async def applied(dsn: str) -> list[tuple[int, str, str]]:
    """What a database was migrated by: number, name, checksum."""
    conn = await asyncpg.connect(dsn)
    try:
        there = await conn.fetchval("SELECT to_regclass('schema_migration')")
        return (
            [tuple(row) for row in await conn.fetch("SELECT number, name, checksum FROM schema_migration ORDER BY number")] if there else []
        )
    finally:
        await conn.close()


def _pending(known: list[Migration], applied: list[Any]) -> list[Migration]:
    by_number = {migration.number: migration for migration in known}
    for row in applied:
        migration = by_number.get(row["number"])
        if migration is None:
            raise MigrationError(f"The database was migrated to {row['number']:04}_{row['name']} by a newer program.")
        if migration.checksum != row["checksum"]:
            raise MigrationError(f"Migration {row['number']:04}_{row['name']} is not the one that this database was made with.")
    return [migration for migration in known if migration.number > len(applied)]


def schema(rooms: Sequence[str] = SCHEMAS) -> str:
    """The state as it stands: the rooms' schema files in the order of their foreign keys, then who may do what with which rows."""
    passes = (("schema.sql", "index.sql"), ("walls.sql", "index_walls.sql"))
    files = [PACKAGE / room / name for names in passes for room in rooms for name in names]
    parts = [
        f"-- ===== {path.parent.name}/{path.name} =====\n\n{path.read_text(encoding='utf-8').strip()}\n" for path in files if path.exists()
    ]
    return "\n".join(parts)


async def create(dsn: str, rooms: Sequence[str] = SCHEMAS) -> None:
    """Make the tables of an empty database straight from the schema files (tests)."""
    conn = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    try:
        await logins.make(conn)
        async with conn.transaction():
            await conn.execute(_TABLE)
            await conn.execute(schema(rooms))
        await logins.tighten(conn)
    finally:
        await conn.close()


def snapshot(folder: Path = MIGRATIONS) -> Path:
    """While nothing is released: write the schema files as the one migration."""
    target = folder / "0001_ground.sql"
    target.write_text(f"-- The first state, written by `python -m maillage.store.migrate snapshot`.\n\n{schema()}", encoding="utf-8")
    return target


async def catalog(dsn: str) -> list[str]:
    """The facts of a database that matter, one a line, sorted: two databases are the same when these are."""
    queries = [part for part in Path(__file__).with_name("catalog.sql").read_text(encoding="utf-8").split(";") if part.strip()]
    conn = await asyncpg.connect(dsn)
    try:
        facts = [str(row[0]) for query in queries for row in await conn.fetch(query)]
    finally:
        await conn.close()
    return sorted(facts)


if __name__ == "__main__":
    if sys.argv[1:] == ["snapshot"]:
        sys.stdout.write(f"{snapshot()}\n")
    elif len(sys.argv) == 3 and sys.argv[1] == "apply":
        sys.stdout.write("\n".join(asyncio.run(migrate(sys.argv[2]))) + "\n")
    else:
        sys.exit("python -m maillage.store.migrate snapshot | apply DSN")
