"""Databases for tests: one embedded cluster for a whole run, and for each worker one database per template, emptied before each test.

Emptying a database of a hundred tables takes 15 ms, making one from its template 100 ms and dropping it 250 ms: hence the reuse.
"""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from tests.support.keeper import Keeper, plainly

from maillage.kernel.clock import Clock
from maillage.store import Connection, Database, EmbeddedPostgres, Limits, logins, migrate

FOLDER = "MAILLAGE_TEST_FOLDER"
BINARIES = "MAILLAGE_TEST_BINARIES"  # run the suite on another PostgreSQL: the folder of its programs
Fill = Callable[[str], Awaitable[None]]
CLUSTERS: list[TestCluster] = []
_MADE: list[str] = []

_KEEP_SEED = """
DO $$ DECLARE t record; BEGIN
  CREATE SCHEMA seed;
  FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
    EXECUTE format('CREATE TABLE seed.%I AS TABLE public.%I', t.relname, t.relname);
  END LOOP;
END $$;
"""

_DROP_EMPTY = """
DO $$ DECLARE t record; filled boolean; BEGIN
  FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'seed'::regnamespace AND relkind = 'r' LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM seed.%I)', t.relname) INTO filled;
    IF NOT filled THEN EXECUTE format('DROP TABLE seed.%I', t.relname); END IF;
  END LOOP;
END $$;
"""

POOLS, CONNECTIONS = 4, 3
"""Of how many databases a worker keeps its pool between two tests, and how many connections of it."""

_RESET = """
DO $$ DECLARE t record; columns text; mark bigint; kept bigint; wanted bigint; BEGIN
  PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL ('{:spared}'::integer[]);
  SET LOCAL session_replication_role = replica;
  CREATE SEQUENCE IF NOT EXISTS seed.mark;
  SELECT CASE WHEN is_called THEN last_value ELSE pg_current_xact_id()::text::bigint END INTO mark FROM seed.mark;
  FOR t IN SELECT c.oid, c.relname, s.oid AS seed FROM pg_class c
           LEFT JOIN pg_class s ON s.relname = c.relname AND s.relnamespace = 'seed'::regnamespace AND s.relkind = 'r'
           WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND (s.oid IS NOT NULL OR pg_relation_size(c.oid) > 0) LOOP
    IF t.seed IS NULL THEN
      EXECUTE format('DELETE FROM public.%I', t.relname);
      CONTINUE;
    END IF;
    EXECUTE format('DELETE FROM public.%I WHERE xmin::text::bigint > %s', t.relname, mark);
    EXECUTE format('SELECT count(*) FROM public.%I', t.relname) INTO kept;
    EXECUTE format('SELECT count(*) FROM seed.%I', t.relname) INTO wanted;
    CONTINUE WHEN kept = wanted;
    EXECUTE format('DELETE FROM public.%I', t.relname);
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns
      FROM pg_attribute WHERE attrelid = t.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    EXECUTE format('INSERT INTO public.%I (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM seed.%I', t.relname, columns, columns, t.relname);
  END LOOP;
  PERFORM setval('seed.mark', pg_current_xact_id()::text::bigint);
END $$;
"""
"""Most of the territory is as it was: what a test wrote is taken away, and only a table that then lacks rows is filled again."""


class ShufflingConnection(Connection):
    """Rows of a query that asks for no order come back in any order, as the database is free to do."""

    async def fetch(self, query: str, *args: Any, **options: Any) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await super().fetch(query, *args, **options)
        if "order by" not in query.lower():
            random.shuffle(rows)
        return rows


class TestCluster:
    """The cluster of this run, as one of its workers sees it."""

    __test__ = False

    def __init__(self, folder: Path, worker: str) -> None:
        self.folder = folder
        self.worker = worker
        self.postgres = EmbeddedPostgres(folder / "data", shared_buffers="128MB", binaries_dir=os.environ.get(BINARIES, ""))
        self.keeper = Keeper()
        self._pools: dict[str, Database] = {}
        CLUSTERS.append(self)

    def dsn(self, database: str) -> str:
        """The address of one of the cluster's databases, for the login that serves."""
        return self.postgres.dsn(database, login=logins.SERVING)

    def owner(self, database: str) -> str:
        """The same for the owner, whom no wall stops."""
        return self.postgres.dsn(database)

    async def database(self, template: str, fill: Fill) -> str:
        """The address of this worker's database made from `template`, as `fill(dsn)` left it; the template is filled once in the run."""
        name = f"{template}_{self.worker}"
        if not (self.folder / name).exists():
            await self._make(template, fill, name)
        await self._reset(name)
        return self.dsn(name)

    async def _make(self, template: str, fill: Fill, name: str) -> None:
        with self._exclusive(template):
            if not (self.folder / template).exists():
                await self._admin(f'DROP DATABASE IF EXISTS "{template}"', f'CREATE DATABASE "{template}" TEMPLATE template0')
                await fill(self.dsn(template))
                conn = await asyncpg.connect(self.owner(template))
                try:
                    await conn.execute(_KEEP_SEED)
                    await conn.execute(_DROP_EMPTY)
                finally:
                    await conn.close()
                (self.folder / template).touch()
            await self._admin(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        (self.folder / name).touch()

    async def _reset(self, name: str) -> None:
        kept = self._pools.get(self.dsn(name))
        spared = _free(kept) if kept else []
        pids = ",".join(str(one._con.get_server_pid()) for one in spared)
        await self.keeper.run(self.owner(name), plainly(_RESET.replace(":spared", pids)))
        for one in kept._pool._holders if kept else ():
            if one._con is not None and one not in spared:  # the server has ended it, which nobody is to find out in the middle of a test
                one.terminate()

    async def open(self, dsn: str, clock: Clock, limits: Limits) -> Database:
        """A database over the connections that the test before left: one that is made anew plans every statement again, a tenth of a second for a few writes."""
        kept = self._pools.get(dsn)
        if kept is None or kept._pool.is_closing():
            if kept is None and len(self._pools) >= POOLS:
                await self._pools.pop(next(iter(self._pools))).close()
            kept = self._pools[dsn] = await open_both(dsn, clock, limits=limits, connection_class=ShufflingConnection)
        opened = Database(kept._pool, clock, limits, kept.warnings)
        opened._dsn = dsn
        opened._trail, opened._figures = (_beside(one, clock, limits) for one in (kept.trail, kept._figures))
        return opened

    async def leave(self, database: Database) -> None:
        """A test is over: keep a few of its connections."""
        for one, most in ((database, CONNECTIONS), (database.trail, 0), (database._figures, 0)):
            if one is None:
                continue
            await one._hand_back()
            for holder in _free(one)[most:]:
                holder.terminate()

    def stop(self) -> None:
        """Leave it; the last worker to leave stops the server."""
        self.keeper.stop()
        self.postgres.stop()

    async def _admin(self, *statements: str) -> None:
        conn = await asyncpg.connect(self.owner("postgres"))
        try:
            for statement in statements:
                await conn.execute(statement)
        finally:
            await conn.close()

    @contextmanager
    def _exclusive(self, name: str) -> Iterator[None]:
        with (self.folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _beside(kept: Database | None, clock: Clock, limits: Limits) -> Database | None:
    """What stood beside the database of the test before, under another login and this test's clock."""
    if kept is None:
        return None
    made = Database(kept._pool, clock, limits, kept.warnings)
    made._dsn = kept._dsn
    return made


def _free(database: Database) -> list[Any]:
    """The pool's holders of a connection that nobody uses."""
    return [one for one in database._pool._holders if one._con is not None and one._in_use is None]


def owner(dsn: str) -> str:
    """The owner's address of the database whose serving address this is."""
    return CLUSTERS[-1].owner(urlsplit(dsn).path.removeprefix("/"))


def trail(dsn: str) -> str:
    """The address of the login that reads the audit trail, for the database whose serving address this is."""
    return _as(dsn, logins.AUDIT)


def _as(dsn: str, login: str) -> str:
    return CLUSTERS[-1].postgres.dsn(urlsplit(dsn).path.removeprefix("/"), login=login)


async def open_both(dsn: str, clock: Clock | None = None, **options: Any) -> Database:
    """A database as it is served: under the login that serves, beside it the one that reads the audit trail and the one that counts."""
    return await Database.open(dsn, clock, trail=trail(dsn), figures=_as(dsn, logins.STATISTICS), **options)


async def as_owner(dsn: str, *statements: str) -> None:
    """What only the owner of the database can do, and no trigger nor wall stops when it begins by `SET session_replication_role = replica`."""
    conn = await asyncpg.connect(owner(dsn))
    try:
        for statement in statements:
            await conn.execute(statement)
    finally:
        await conn.close()


async def texts(dsn: str, *tables: str) -> str:
    """Every row of some tables as text, as their owner reads them."""
    conn = await asyncpg.connect(owner(dsn))
    try:
        return " ".join([row["text"] for table in tables for row in await conn.fetch(f"SELECT t::text AS text FROM {table} t")])
    finally:
        await conn.close()


async def unknown(dsn: str, patient: str, keeper: str = "") -> None:
    """Take a patient away from everybody, as only the owner can; `keeper`: the organisation that keeps the file all the same."""
    owned = f"'{keeper}'" if keeper else "NULL"
    tables = (("patient", "id"), ("resource_head", "id"), ("ix_patient", "id"))
    emptied = [f"UPDATE {table} SET parties = '{{}}', owner_org = {owned} WHERE {name} = '{patient}'" for table, name in tables]
    await as_owner(dsn, f"DELETE FROM care_link WHERE patient_id = '{patient}'", *emptied)


async def create(dsn: str, rooms: Sequence[str] = migrate.SCHEMAS) -> None:
    """The tables, made by their owner, in the database of a serving address."""
    await migrate.create(owner(dsn), rooms)


async def ground(dsn: str) -> None:
    """Fill of the plain template: the tables as the rooms declare them, no row but what the schema itself puts there."""
    await create(dsn)


async def store_alone(dsn: str) -> None:
    """Fill of the template for tests of the store itself: its own tables only."""
    await create(dsn, ("store",))


def open_folder() -> Path:
    """A folder for data that PostgreSQL's own account can enter, which pytest's folders are not when root runs the tests."""
    folder = Path(tempfile.mkdtemp(prefix="maillage-test-"))
    folder.chmod(0o755)
    return folder


def begin_run() -> None:
    """The controlling process makes the folder that all workers share, unless the run was given one (`tools/mutate.py` keeps one for many)."""
    if FOLDER not in os.environ:
        os.environ[FOLDER] = str(open_folder())
        _MADE.append(os.environ[FOLDER])


def end_run() -> None:
    """The controlling process removes what it made; the last worker to leave has stopped the cluster."""
    if _MADE:
        shutil.rmtree(_MADE.pop(), ignore_errors=True)
        del os.environ[FOLDER]
