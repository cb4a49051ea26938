"""Plays one request of a row through the real door, in this process, over connections that write down what they are asked."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import Any, ClassVar

import asyncpg

from bench.door.plan import Plan
from bench.door.recording import Recording, Statement
from bench.door.rows import RECORDED_VERSION, Row, Words
from maillage.app import create_app
from maillage.settings import Settings
from maillage.store import Connection, Database

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
Entry = tuple[int, str, str, tuple[Any, ...]]


class Recorder(Connection):
    """A connection that writes down what it is asked, and what it is answered (the method is then empty), while `log` is a list."""

    log: ClassVar[list[Entry] | None] = None

    def _note(self, method: str, sql: str, values: tuple[Any, ...]) -> None:
        if Recorder.log is not None:
            Recorder.log.append((id(self), method, sql, values))

    async def execute(self, query: str, *args: Any, **options: Any) -> Any:
        self._note("execute", query, args)
        return await super().execute(query, *args, **options)

    async def executemany(self, command: str, args: Any, **options: Any) -> None:
        rows = [tuple(row) for row in args]
        self._note("executemany", command, tuple(rows))
        await super().executemany(command, rows, **options)

    async def fetch(self, query: str, *args: Any, **options: Any) -> Any:
        return await self._answered("fetch", query, args, options)

    async def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        return await self._answered("fetchrow", query, args, options)

    async def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        return await self._answered("fetchval", query, args, options)

    async def _answered(self, method: str, query: str, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        self._note(method, query, args)
        answer = await getattr(super(), method)(query, *args, **options)
        if Recorder.log is not None and answer is not None:
            Recorder.log.append((id(self), "", repr(answer), ()))
        return answer


async def record(plan: Plan, row: Row) -> Recording:
    """Play the row through the door in this process until its caches are warm, then once more, written down."""
    db = await Database.open(plan.dsn, connection_class=Recorder)
    try:
        app = create_app(Settings(), db)
        number = row.numbers - 13
        laps = RECORDED_VERSION - 1 if row.name == "update" else 3
        for lap in range(laps):
            await _ask(app, row, row.words(number if row.name == "update" else number - 1 - lap, lap, f"warm-{row.name}-{lap}"), plan.token)
        words = row.words(number, laps, "recorded-once")
        Recorder.log = []
        body = await _ask(app, row, words, plan.token)
        await asyncio.sleep(0.2)
        log, Recorder.log = Recorder.log, None
        statements = await _typed(plan.dsn, log)
        return Recording(row.name, statements, words, _made(log, row, words, plan), datetime.now(UTC), body)
    finally:
        await db.close()


async def _ask(app: Any, row: Row, words: Words, token: str) -> bytes:
    """One request to an ASGI application; raises unless it is answered as expected."""
    head, _, body = row.request(words, token).partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, target, _ = first.split(b" ")
    path, _, query = target.partition(b"?")
    headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    scope = {"type": "http", "method": method.decode(), "path": path.decode(), "raw_path": path, "query_string": query, "headers": headers}
    told: list[dict[str, Any]] = []
    bodies = [body]

    async def receive() -> dict[str, Any]:
        if not bodies:
            await asyncio.Event().wait()  # the caller stays, and has no more to say
        return {"type": "http.request", "body": bodies.pop(), "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    await app(scope, receive, send)
    answer = b"".join(message.get("body", b"") for message in told)
    if told[0]["status"] != row.status:
        raise RuntimeError(f"{row.name}: unexpected answer {told[0]['status']}\n{answer.decode()[:3000]}")
    return answer


async def _typed(dsn: str, log: list[Entry]) -> list[Statement]:
    places: dict[int, int] = {}
    conn = await asyncpg.connect(dsn)
    try:
        return [
            Statement(places.setdefault(where, len(places)), method, sql, values, await _types(conn, sql) if values else ())
            for where, method, sql, values in log
            if method
        ]
    finally:
        await conn.close()


async def _types(conn: Any, sql: str) -> tuple[str, ...]:
    return tuple(parameter.name for parameter in (await conn.prepare(sql)).get_parameters())


def _made(log: list[Entry], row: Row, words: Words, plan: Plan) -> tuple[str, ...]:
    """Ids that were sent before any answer of the database held them, and that are not in the request: made for it."""
    asked = row.request(words, plan.token).decode()
    first: dict[str, str] = {}
    for _, method, text, values in log:
        for id in UUID.findall(f"{text} {values!r}"):
            first.setdefault(id, method)
    return tuple(id for id, method in first.items() if method and id not in asked)
