"""What leaves on the standard error: one JSON object a line, coded events, no identity.

A line holds the time, the level, the event's code and the fields listed here, nothing else: neither the text of a message nor that of an exception,
which may quote what somebody wrote. A defect is told by the types and the places of its frames.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import traceback
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

FIELDS = ("request_id", "route", "lane", "status", "ms", "query", "count", "step", "reason", "signal", "folder")
"""Fields that an event may carry: each is a code, a number, a template or a hash."""

_WORDS = re.compile(r"[A-Za-z][A-Za-z ,'-]*")
LONGEST = 120
MOMENT, MOST_LINES = 0.05, 500
"""Seconds that a line waits at most, and how many may wait."""


class JsonLines(logging.Formatter):
    """A record as one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Only what is known to name nobody."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": getattr(record, "code", None) or _event(record),
        }
        line |= {name: value for name in FIELDS if (value := getattr(record, name, None)) is not None}
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = _chain(record.exc_info[1])
        return msgspec.json.encode(line).decode()


class Gathered(logging.StreamHandler[TextIO]):
    """Lines of requests wait a moment for one another and leave by one write; a warning takes them along at once, and the end of the process does.

    A process that is killed takes the lines of its last moment with it; what it must not lose is in the audit trail.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines: list[str] = []
        self._later: asyncio.TimerHandle | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line; called under the handler's lock."""
        try:
            self._lines.append(self.format(record) + self.terminator)
        except Exception:  # noqa: BLE001  # the library's own rule: a line that cannot be written stops nobody
            self.handleError(record)
        loop = asyncio._get_running_loop()
        if record.levelno >= logging.WARNING or loop is None or len(self._lines) >= MOST_LINES:
            self.flush()
        elif self._later is None:
            self._later = loop.call_later(MOMENT, self.flush)

    def flush(self) -> None:
        """Write what waits."""
        with self.lock or nullcontext():
            lines, self._lines = self._lines, []
            if self._later is not None:
                self._later.cancel()
                self._later = None
            with suppress(OSError, ValueError):  # a full disk, a closed stream
                self.stream.write("".join(lines))
                super().flush()


def _event(record: logging.LogRecord) -> str:
    """A library's message has no code: its first words, as its programmer wrote them, without the values."""
    found = _WORDS.match(str(record.msg).strip())
    text = found[0].strip().lower().replace(" ", "-")[:60] if found else "message"
    return f"{record.name.partition('.')[0]}:{text}"


def _chain(error: BaseException) -> list[dict[str, Any]]:
    """Types and frames of an error and of what caused it, innermost last."""
    chain: list[dict[str, Any]] = []
    seen: BaseException | None = error
    while seen is not None and len(chain) < 5:
        frames = [f"{_place(frame.filename)}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(seen.__traceback__)]
        told: dict[str, Any] = {"type": type(seen).__name__, "frames": frames[-12:]}
        if state := getattr(seen, "sqlstate", None):
            told["sqlstate"] = state
        chain.append(told)
        seen = seen.__cause__ or seen.__context__
    return chain


def _place(path: str) -> str:
    """The file from its package on."""
    return path.rpartition("/src/")[2] if "/src/" in path else path.rpartition("site-packages/")[2][-LONGEST:]


def write_json_lines(level: int = logging.INFO) -> None:
    """Let every logger of the process write so, the libraries' too."""
    logging._srcfile = None  # nobody asks which line logged: the guide of the library says so, and finding it walks the stack
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = Gathered(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("maillage").setLevel(level)
    logging.captureWarnings(True)
