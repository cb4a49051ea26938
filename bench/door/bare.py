"""The first floor: an ASGI application under the same server that runs the same SQL on the same kind of pool, and does nothing else."""

from __future__ import annotations

import argparse
import gc
from pathlib import Path
from typing import Any

import asyncpg
import uvicorn
import uvloop

from bench.door import plan, recording, replay
from bench.door.rows import rows
from maillage.settings import Settings
from maillage.store import Connection


class Bare:
    """Answers every request with the recorded answer, once the statements of the next request in turn have run."""

    def __init__(self, filled: plan.Plan, recorded: recording.Recording, share: plan.Share) -> None:
        self.pool: Any = None
        self._filled = filled
        self._row = rows(filled)[recorded.row]
        self._steps = [replay.Step(statement, recorded) for statement in recorded.statements]
        self._made = len(recorded.made)
        self._turns, self._ids = share.turns(), replay.Ids()
        self._body = recorded.body
        length = str(len(self._body)).encode()
        headers = [(b"content-type", b"application/fhir+json"), (b"content-length", length)]
        self._start = {"type": "http.response.start", "status": self._row.status, "headers": headers}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        while (await receive()).get("more_body"):
            pass
        try:
            if scope["path"] != "/ready":
                await self._play()
        except asyncpg.PostgresError as error:
            body = repr(error).encode()
            await send({"type": "http.response.start", "status": 500, "headers": [(b"content-length", str(len(body)).encode())]})
            await send({"type": "http.response.body", "body": body})
        else:
            await send(self._start if scope["path"] != "/ready" else {**self._start, "status": 200})
            await send({"type": "http.response.body", "body": self._body})

    async def _play(self) -> None:
        words, now = (*self._row.words(*next(self._turns)), *self._ids.take(self._made)), replay.now()
        taken: dict[int, Any] = {}
        try:
            for step in self._steps:
                conn = taken.get(step.connection)
                if conn is None:
                    conn = taken[step.connection] = await self.pool.acquire()
                sql, values = step.make(words, now)
                await getattr(conn, step.method)(sql, *([values] if step.method == "executemany" else values))
        finally:
            for conn in taken.values():
                await self.pool.release(conn)


async def _serve(asked: argparse.Namespace) -> None:
    filled = plan.load(asked.plan)
    share = plan.Share(asked.name, asked.first, asked.span)
    application = Bare(filled, recording.load(asked.recording), share)
    size = Settings().database.pool_size
    settings = {"timezone": "UTC", "jit": "off", "application_name": "bare"}
    application.pool = await asyncpg.create_pool(
        filled.dsn, min_size=size, max_size=size, connection_class=Connection, server_settings=settings, statement_cache_size=512
    )
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    config = uvicorn.Config(
        application, port=asked.port, log_level="warning", access_log=False, server_header=False, limit_concurrency=512, lifespan="off"
    )
    await uvicorn.Server(config).serve()
    application.pool.terminate()


def main() -> None:
    """Serve until told to end."""
    parser = argparse.ArgumentParser()
    for name, kind in (("plan", Path), ("recording", Path), ("name", str), ("first", int), ("span", int), ("port", int)):
        parser.add_argument(f"--{name}", type=kind)
    uvloop.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
