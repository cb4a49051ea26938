"""What is known of each destination: how many requests are under way there, and whether it failed so often that it is left alone for a while. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

FAILURES = 3
"""So many failures in a row open the circuit."""

FIRST, LONGEST = 10.0, 600.0


@dataclass(slots=True)
class _Line:
    busy: int = 0
    failures: int = 0
    closed_until: float = 0.0


@dataclass(slots=True)
class Circuits:
    """The destinations of one worker. Instants are seconds of a monotonic clock."""

    each: int
    lines: dict[str, _Line] = field(default_factory=dict)

    def shut(self, now: float) -> list[str]:
        """The destinations to which nothing may go now: full, or left alone. After a pause one request tries."""
        return sorted(
            name
            for name, line in self.lines.items()
            if line.busy >= (1 if line.failures >= FAILURES else self.each) or line.closed_until > now
        )

    def take(self, name: str) -> None:
        """A request goes there."""
        self.lines.setdefault(name, _Line()).busy += 1

    def done(self, name: str, now: float, *, well: bool) -> None:
        """It came back."""
        line = self.lines[name]
        line.busy -= 1
        line.failures = 0 if well else line.failures + 1
        line.closed_until = 0.0 if line.failures < FAILURES else now + min(FIRST * 2.0 ** min(line.failures - FAILURES, 16), LONGEST)
        if well and not line.busy:
            del self.lines[name]  # what is well and idle needs no memory
