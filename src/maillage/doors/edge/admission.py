"""Who is worked for now, who waits, who is told to come back: decided before any work, by how long the wait would be (ADR 0014)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic

from maillage.doors.edge.routes import Lane
from maillage.settings import EdgeSettings

Waiter = asyncio.Future[None]
_STALLED = 1.0
"""Seconds without any beginning or end of work after which nobody is let into the queue: what holds the others would hold them too."""

_SMOOTHING = 0.05
_LONGEST = 2.0
"""What one piece of work may count for, in seconds: a single long one does not close the door."""


class Full(Exception):
    """Not now: the wait would be longer than the lane allows."""


class Turn:
    """A turn that was taken: given back once, whoever gives it back first."""

    __slots__ = ("_admission", "_since")

    def __init__(self, admission: Admission, since: float) -> None:
        self._admission: Admission | None = admission
        self._since = since

    def leave(self) -> None:
        """Give it back."""
        if self._admission is not None:
            self._admission.leave(self._since)
            self._admission = None


class Admission:
    """Turns. The lanes before yours may use your turns, never the reverse: a part of them is kept for emergencies, another for people."""

    def __init__(self, settings: EdgeSettings, at: Callable[[], float] = monotonic) -> None:
        everyone = settings.running
        self._at = at
        self._most = {
            Lane.EMERGENCY: everyone,
            Lane.INTERACTIVE: max(1, everyone - settings.kept_for_emergencies),
            Lane.BATCH: max(1, everyone - settings.kept_for_emergencies - settings.kept_for_people),
        }
        self._patience = {
            Lane.EMERGENCY: settings.wait_emergency,
            Lane.INTERACTIVE: settings.wait_interactive,
            Lane.BATCH: settings.wait_batch,
        }
        self._queues: dict[Lane, deque[Waiter]] = {lane: deque() for lane in self._most}
        self._mean = 0.02
        self._moved = at()
        self.running = 0

    @property
    def waiting(self) -> int:
        """How many wait, in all lanes."""
        return sum(map(len, self._queues.values()))

    def hopeless(self, lane: Lane) -> bool:
        """Whether a request of this lane would be refused now: asked before its body is read."""
        return self._busy(lane) and self._wait(lane) > self._patience[lane]

    async def enter(self, lane: Lane) -> float:
        """Take a turn, when it comes; give back, to `leave`, the instant at which it began. Raises `Full`."""
        if not self._busy(lane):
            self.running += 1
            self._moved = self._at()
            return self._moved
        if self._wait(lane) > self._patience[lane]:
            raise Full
        turn: Waiter = asyncio.get_running_loop().create_future()
        self._queues[lane].append(turn)
        try:
            async with asyncio.timeout(self._patience[lane]):
                await turn
        except TimeoutError as error:
            self._give_up(lane, turn)
            raise Full from error
        except asyncio.CancelledError:
            self._give_up(lane, turn)
            raise
        return self._at()

    def leave(self, since: float) -> None:
        """Give the turn back; whoever waits in the most urgent lane gets it."""
        now = self._at()
        self._mean += _SMOOTHING * (min(now - since, _LONGEST) - self._mean)
        self._moved = now
        self._pass_on()

    def _pass_on(self) -> None:
        self.running -= 1
        for lane, queue in self._queues.items():
            while queue and self.running < self._most[lane]:
                turn = queue.popleft()
                if not turn.done():
                    self.running += 1
                    turn.set_result(None)

    def _give_up(self, lane: Lane, turn: Waiter) -> None:
        """Leave the queue; a turn that was given at the very same instant goes to the next one."""
        if turn.done() and not turn.cancelled():
            self._pass_on()
        else:
            turn.cancel()
            if turn in self._queues[lane]:
                self._queues[lane].remove(turn)

    def _busy(self, lane: Lane) -> bool:
        return self.running >= self._most[lane] or any(self._queues[other] for other in self._queues if other <= lane)

    def _wait(self, lane: Lane) -> float:
        """How long the next one of this lane would wait: those before it, each as long as work has lasted of late, shared by the turns."""
        if self.running and self._at() - self._moved > _STALLED and lane is not Lane.EMERGENCY:
            return float("inf")
        ahead = sum(len(queue) for other, queue in self._queues.items() if other <= lane)
        return (ahead + 1) * self._mean / self._most[lane]
