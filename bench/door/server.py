"""The processes that are measured: PostgreSQL as in production, `maillage serve` on it, and whatever else listens on a port."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.postgres import open_folder

from maillage.store import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[2]

UNCOUNTED = {
    f"MAILLAGE_EDGE__{name}": "0" for name in ("PER_ADDRESS", "PER_CLIENT", "PER_ORGANIZATION", "PATIENT_SEARCH_BY_CLIENT", "EXPORT")
}
"""The load is one client at one address, far above what one may ask; turns and deadlines stay."""


@contextmanager
def postgres() -> Iterator[tuple[str, EmbeddedPostgres, Path]]:
    """The address of an embedded server in a folder that is removed afterwards."""
    folder = open_folder()
    server = EmbeddedPostgres(folder / "data")
    try:
        yield server.start(), server, folder
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def listening(
    module: str, words: Sequence[str] = (), *, dsn: str = "", trail: str = "", path: str = "/readyz", heard: bool = False
) -> Iterator[tuple[int, int]]:
    """`python -m module ... --port N`, once it answers 200 on `path`: its port and its process. It is told to end afterwards.

    `trail`: the address of the login that reads the audit trail, where `dsn` is that of the one that serves.
    What it prints goes to the standard error, unless it is to be `heard`.
    """
    port = free_port()
    environment = {**os.environ, **UNCOUNTED, "MAILLAGE_DATABASE__URL": dsn, "MAILLAGE_DATABASE__AUDIT_URL": trail or dsn}
    process = subprocess.Popen(
        [sys.executable, "-m", module, *words, "--port", str(port)], env=environment, cwd=ROOT, stdout=None if heard else sys.stderr
    )
    try:
        _wait(port, path, process)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(60)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int, path: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    asked = f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n".encode()
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with status {process.returncode} before it was ready")
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as talk:
                talk.sendall(asked)
                if talk.recv(100)[9:12] == b"200":
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the server was not ready in time")
