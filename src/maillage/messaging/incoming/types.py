"""A message that came, and what became of each thing that it is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

DONE: Final = "done"
KEPT: Final = "kept"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one focus of a message: a verb was played or a resource kept in the record (`made`), or it waits for a person (`reason`)."""

    focus: str
    verdict: str
    made: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """A message as the ledger has it."""

    id: str
    sender: str
    message_id: str
    event: str
    received_at: datetime
    outcomes: tuple[Outcome, ...]

    @property
    def verdict(self) -> str:
        """Done when each of its things was."""
        return DONE if self.outcomes and all(one.verdict == DONE for one in self.outcomes) else KEPT
