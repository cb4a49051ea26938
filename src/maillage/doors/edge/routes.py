"""What a door says of a request before anybody is known: its route, how urgent it is, what it may cost."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Lane(IntEnum):
    """The classes of admission, the most urgent first. `FREE` takes no turn: files of the pages, which cost nothing."""

    FREE = 0
    EMERGENCY = 1
    INTERACTIVE = 2
    BATCH = 3


class Limit(StrEnum):
    """What is counted more strictly than the rest."""

    NONE = ""
    LOGIN = "login"
    SEARCH = "patient_search"
    EXPORT = "export"
    BREAK_GLASS = "break_glass"


@dataclass(frozen=True, slots=True)
class Route:
    """A matched route: its template (never the address itself, which names people), its lane, its count, and whether it writes.

    A `stream` gives its turn back when its answer begins: it goes on for as long as somebody listens.
    `seconds` is the time that it may take once it is admitted; 0 is what its lane allows. `body` is the largest body; 0 is what the server allows.
    """

    name: str
    lane: Lane = Lane.INTERACTIVE
    limit: Limit = Limit.NONE
    writes: bool = False
    seconds: float = 0.0
    body: int = 0
    stream: bool = False
