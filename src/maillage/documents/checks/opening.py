"""Images and PDFs are opened by a process of their own, with little memory, little time and nothing to write to: see `opener.py`."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from dataclasses import dataclass
from pathlib import Path
from typing import Final

OPENER: Final = Path(__file__).with_name("opener.py")
TOGETHER: Final = 2
"""Files opened at once by one process of ours: each may take its whole share of memory."""
_REASONS: Final = frozenset({"attachment-unsafe", "attachment-broken", "attachment-locked", "image-too-large"})
_gates: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}


class Unsafe(Exception):
    """The file is not taken; `reason` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Limits:
    """What opening one file may cost: seconds, bytes of memory, pixels of the image."""

    seconds: int = 10
    memory: int = 1_000_000_000
    pixels: int = 50_000_000


async def run(tool: str, kind: str, data: bytes, limits: Limits) -> bytes:
    """What the opener makes of a file. Raises `Unsafe`: also for whatever ends it, by its own fault or by a limit."""
    words = [str(OPENER), tool, kind, str(limits.seconds), str(limits.memory), str(limits.pixels)]
    async with _gate():
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", *words, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}, start_new_session=True
        )
        try:
            async with asyncio.timeout(2 * limits.seconds):  # the limit itself counts its work, not its waiting for a processor
                made, _ = await process.communicate(data)
        except TimeoutError as error:
            raise Unsafe("attachment-broken") from error
        finally:
            await _end(process)
    status, _, rest = made.partition(b"\n")
    if process.returncode == 0 and status == b"ok":
        return rest
    reason = status.decode("ascii", "replace")
    raise Unsafe(reason if reason in _REASONS else "attachment-broken")


def _gate() -> asyncio.Semaphore:
    """The turns of this event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _gates:
        for ended in [one for one in _gates if one.is_closed()]:
            del _gates[ended]
        _gates[loop] = asyncio.Semaphore(TOGETHER)
    return _gates[loop]


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()
