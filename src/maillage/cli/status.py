"""How a command ends: its exit status, and the failure that carries one."""

from __future__ import annotations

OK, PROBLEM, USAGE, ENVIRONMENT = 0, 1, 2, 3


class Failure(Exception):
    """A command cannot go on: one clear line and the exit status."""

    def __init__(self, message: str, status: int = PROBLEM) -> None:
        super().__init__(message)
        self.status = status
