"""What clients did and were told, kept outside the system, and the judge that compares it with what is there after healing (I1, I2).

A client writes down each operation before it sends it (`invoke`) and what became of it: `ok` with the answer, `fail` when it was refused and nothing may
be there, `unknown` when nobody can tell. The judge asks the system how much of each operation it holds: whole, absent, or something between.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Outcome = Literal["ok", "fail", "unknown"]
Part = Literal["whole", "absent"]


@dataclass(slots=True)
class Operation:
    """One write under one key, sent once or several times."""

    key: str
    kind: str
    outcome: Outcome = "unknown"
    answer: bytes = b""
    sent: int = 0


class History:
    """Appended to a file as it happens, so that the death of the test itself loses nothing; threads share it."""

    def __init__(self, file: Path) -> None:
        self._file, self._lock = file, threading.Lock()
        self.operations: dict[str, Operation] = {}

    def invoke(self, key: str, kind: str) -> None:
        """A request is about to leave."""
        with self._lock:
            self.operations.setdefault(key, Operation(key, kind)).sent += 1
            self._write("invoke", key)

    def ok(self, key: str, answer: bytes) -> None:
        """It was acknowledged; an acknowledgement is never taken back."""
        with self._lock:
            operation = self.operations[key]
            operation.outcome, operation.answer = "ok", answer
            self._write("ok", key)

    def fail(self, key: str) -> None:
        """It was refused: nothing of it may be there."""
        with self._lock:
            if self.operations[key].outcome != "ok":
                self.operations[key].outcome = "fail"
            self._write("fail", key)

    def unknown(self, key: str) -> None:
        """Nobody can tell: the connection broke, or the server was overloaded or away."""
        with self._lock:
            self._write("unknown", key)

    def of(self, outcome: Outcome) -> list[Operation]:
        """The operations that ended so."""
        with self._lock:
            return [one for one in self.operations.values() if one.outcome == outcome]

    def _write(self, what: str, key: str) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"at": time.time(), "what": what, "key": key}) + "\n")


def judge(history: History, found: Callable[[Operation], str], resend: Callable[[Operation], bytes]) -> list[str]:
    """Every breach of I1 and I2, in words. `found` says how much of an operation there is: `whole`, `absent`, or what else."""
    breaches = []
    for operation in history.operations.values():
        there = found(operation)
        legal = {"ok": ("whole",), "fail": ("absent",), "unknown": ("whole", "absent")}[operation.outcome]
        if there not in legal:
            breaches.append(f"{operation.kind} {operation.key}: {operation.outcome}, and {there}")
        if operation.outcome == "fail":
            continue
        first, second = resend(operation), resend(operation)
        if first != second or (operation.outcome == "ok" and first != operation.answer):
            breaches.append(f"{operation.kind} {operation.key}: sent again, it was answered otherwise")
        if (again := found(operation)) != "whole":
            breaches.append(f"{operation.kind} {operation.key}: sent again, and {again}")
    return breaches
