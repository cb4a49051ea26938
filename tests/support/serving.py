"""A real server on a data folder of its own, to be killed and started again; nothing of it outlives its block."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
from tests.support.ports import free_port

START_SECONDS = 180  # a few on an idle machine; the suite runs on busy ones
ENVIRONMENT = {"MAILLAGE_DEMO__PAST": "false", "MAILLAGE_DEMO__PATIENTS": "5", "MAILLAGE_DATABASE__SHARED_BUFFERS": "32MB"}


class Server:
    """`maillage serve --demo` as a process, and the PostgreSQL under it."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        self.log = data.parent / f"{data.name}.log"
        self.environment = {**ENVIRONMENT, **environment}
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready."""
        words = [sys.executable, "-m", "maillage", "serve", "--demo", "--port", str(self.port), "--data", str(self.data)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=log, env={**os.environ, **self.environment})
        self.wait()

    def wait(self, seconds: float = START_SECONDS) -> float:
        """Wait until `/readyz` answers 200; the seconds that it took."""
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            assert self.process is not None
            assert self.process.poll() is None, f"the server ended with status {self.process.returncode}: {self.log.read_text()[-2000:]}"
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.base}/readyz", timeout=5).status_code == 200:
                    return time.monotonic() - begun
            time.sleep(0.1)
        raise AssertionError(f"not ready after {seconds} s")

    def kill(self) -> None:
        """What a power cut does to the server; PostgreSQL goes on."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        """Ask it to end; then make sure that neither it nor its PostgreSQL is left."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        with suppress(LookupError):
            end(self.postmaster())
        self.log.unlink(missing_ok=True)

    def signal(self, number: int) -> None:
        """Send a signal to the server alone."""
        assert self.process is not None
        self.process.send_signal(number)

    def pin(self, core: int) -> None:
        """Let the server and its PostgreSQL, and whatever they start from now on, use one processor alone."""
        assert self.process is not None
        for pid in (self.process.pid, self.postmaster(), *self.children()):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                with suppress(ProcessLookupError):
                    os.sched_setaffinity(int(thread.name), {core})

    def memory(self) -> int:
        """The most that the server has held so far, in bytes."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) * 1024

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """PostgreSQL, all of it, stopped in the middle of whatever it did."""
        stopped: list[int] = []
        try:
            for pid in (self.postmaster(), *self.children()):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
                    stopped.append(pid)
            yield
        finally:
            for pid in stopped:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def children(self) -> list[int]:
        """The processes of PostgreSQL under its main one."""
        parent, found = self.postmaster(), []
        for folder in Path("/proc").iterdir():
            with suppress(OSError, ValueError, IndexError):
                if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                    found.append(int(folder.name))
        return found

    def postmaster(self) -> int:
        """The main process of PostgreSQL. Raises `LookupError` when it does not run."""
        note = self.data / "postgres.location"
        home = Path(note.read_text(encoding="utf-8").strip()) if note.exists() else self.data / "postgres"
        pidfile = home / "cluster" / "postmaster.pid"
        pid = int(pidfile.read_text(encoding="ascii").split()[0]) if pidfile.exists() else 0
        if pid == 0 or not Path(f"/proc/{pid}").exists():
            raise LookupError("postgres-not-running")
        return pid

    def backend(self) -> int:
        """A process of PostgreSQL that serves a connection of the application."""
        for pid in self.children():
            with suppress(OSError):
                if b"app_rw maillage" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
        raise LookupError("no-backend")

    def token(self, client: str, organization: str) -> str:
        """A bearer token, asked of the command."""
        words = [sys.executable, "-m", "maillage", "token", "--client", client, "--scope", "system/*.cruds"]
        words += ["--organization", organization, "--data", str(self.data)]
        done = subprocess.run(words, capture_output=True, text=True, check=True, env={**os.environ, **self.environment}, timeout=60)
        return done.stdout.strip()


def end(pid: int) -> None:
    """End one process of ours and wait until it is gone."""
    for number, patience in ((signal.SIGINT, 20.0), (signal.SIGKILL, 5.0)):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not Path(f"/proc/{pid}").exists():
                return
            time.sleep(0.1)


@contextmanager
def served(data: Path, **environment: str) -> Iterator[Server]:
    """A ready server for the length of the block."""
    server = Server(data, **environment)
    try:
        server.start()
        yield server
    finally:
        server.stop()
