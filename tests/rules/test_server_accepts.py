"""Whoever connects is taken soon, however many do."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack
from typing import Any

import uvicorn
import uvloop
from tests.rules.test_edge_hurry import fine

from maillage.cli.server import ACCEPTED, Server
from maillage.doors.edge import Stance, guarded


async def turns_until_taken(count: int) -> int:
    """How many turns of the loop it takes until so many connections that wait are taken."""
    config = uvicorn.Config(fine, port=0, http=guarded(header_timeout=9, write_timeout=9), ws="none", lifespan="off", log_config=None)
    config.load()
    server = Server(config, Stance(), 0)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    told: Any = server.servers[0].sockets[0].getsockname()
    with ExitStack() as callers:
        for _ in range(count):
            callers.enter_context(socket.create_connection(told, timeout=5))
        turns = 0
        while len(server.server_state.connections) < count and turns < count:
            await asyncio.sleep(0)
            turns += 1
    await server.shutdown()
    return turns


def test_many_who_connect_are_taken_in_one_turn_of_the_loop() -> None:
    """One for each descriptor, so that nobody waits behind them: an emergency neither."""
    assert uvloop.run(turns_until_taken(4 * ACCEPTED)) < 2 * ACCEPTED
