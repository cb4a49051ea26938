"""What the machine is, and what processes cost it, as /proc tells."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import asyncpg

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
REST_SECONDS, IDLE = 0.5, 0.06


def facts() -> dict[str, str | int]:
    """Cores, memory, versions."""
    memory = PAGE * os.sysconf("SC_PHYS_PAGES") // 2**30
    return {"cores": os.cpu_count() or 0, "memory_gib": memory, "python": platform.python_version(), "system": platform.platform()}


async def postgres_version(dsn: str) -> str:
    """What PostgreSQL says of itself."""
    conn = await asyncpg.connect(dsn)
    try:
        return str(await conn.fetchval("SHOW server_version"))
    finally:
        await conn.close()


def family(root: int) -> list[int]:
    """A process and all that descends from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, todo = [], [root]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def cpu_seconds(roots: Sequence[int]) -> float:
    """Processor time of these processes, of their families, and of those of the families that have ended."""
    return sum(_cpu(pid) for root in roots for pid in family(root))


def idle(pids: Sequence[int], seconds: float = 10.5) -> list[float]:
    """Milliseconds of processor time that each takes in a second when nobody asks for anything: two rounds of the slowest clock."""
    before = [cpu_seconds([pid]) for pid in pids]
    time.sleep(seconds)
    return [(cpu_seconds([pid]) - spent) * 1e3 / seconds for pid, spent in zip(pids, before, strict=True)]


def wait_for_rest(pids: Sequence[int], longest: float = 20.0) -> None:
    """Wait until these processes do almost nothing: what one measure left to be done is not to slow the next."""
    deadline = time.monotonic() + longest
    before = cpu_seconds(pids)
    while time.monotonic() < deadline:
        time.sleep(REST_SECONDS)
        before, spent = cpu_seconds(pids), cpu_seconds(pids) - before
        if spent < IDLE * REST_SECONDS:
            return


def pin(pids: Sequence[int], core: int) -> None:
    """Let these processes, and whatever they start from now on, use one processor alone."""
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(thread.name), {core})


def resident(pids: Iterable[int]) -> float:
    """Resident memory in MiB."""
    return sum(int(fields[21]) * PAGE / 2**20 for pid in pids if (fields := _stat(pid)))


def _cpu(pid: int) -> float:
    fields = _stat(pid)
    return sum(int(ticks) for ticks in fields[11:15]) / TICK if fields else 0.0


def _stat(pid: int) -> list[str]:
    """The fields after the name: [0] is the state."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
