"""The server that a scenario talks to, and the bearer tokens of its three organisations."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import httpx

from maillage import access, directory
from maillage.cli.output import ENVIRONMENT, Failure
from maillage.kernel.actor import SYSTEM
from maillage.settings import Settings
from maillage.store.server import opened

TOWN, HOSPITAL, STRANGER = "cms-clamart-soins", "hia-percy", "cds-montgeron"
START_SECONDS = 300


def tokens(settings: Settings) -> dict[str, str]:
    """A token for the town's centre, the hospital, and an organisation that has nothing to do with the request."""
    return asyncio.run(_tokens(settings))


async def _tokens(settings: Settings) -> dict[str, str]:
    made = {}
    async with opened(settings) as database, database.transaction(SYSTEM) as tx:
        known = await directory.establishments(tx)
        for organization in (TOWN, HOSPITAL, STRANGER):
            if organization not in known:
                raise Failure(
                    f"{organization} is not in this data folder: the scenario needs the demonstration (maillage serve --demo)", ENVIRONMENT
                )
            made[organization] = await access.issue_token(
                tx, f"scenario-{organization}", ["system/*.cruds"], [organization], timedelta(hours=1)
            )
    return made


@contextmanager
def served(settings: Settings, base: str) -> Iterator[str]:
    """The address of a server that is ready: `base`, or one started on a free port for the length of the block."""
    if base:
        _wait(base.rstrip("/"), None)
        yield base.rstrip("/")
        return
    port = _free_port()
    words = [sys.executable, "-m", "maillage", "serve", "--demo", "--port", str(port), "--data", str(settings.data.folder)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, env=os.environ.copy()) as process:  # noqa: S603  # ourselves
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(address, process)
            yield address
        finally:
            process.terminate()
            process.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(address: str, process: subprocess.Popen[bytes] | None) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process and process.poll() is not None:
            raise Failure(f"the server ended with status {process.returncode} before it was ready", ENVIRONMENT)
        try:
            if httpx.get(f"{address}/readyz", timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        if not process:
            break
        time.sleep(0.2)
    raise Failure(f"no server is ready at {address}", ENVIRONMENT)
