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

_FORGIVEN = 4.0
"""By how much a prediction may have been wrong: who was let into the queue is not sent away late for the sake of those who came before it unforeseen."""

_SMOOTHING = 0.05
_WINDOW = 0.25
"""Seconds over which turns are counted."""

_QUIET = 0.5
"""Seconds that a burst may last, and without anybody waiting after which the next burst is one of its own."""

_SHORTEST = 0.02
_LONGEST = 2.0
"""What one piece of work may count for, in seconds: a single long one does not close the door."""


class Full(Exception):
    """Not now: the wait would be longer than the lane allows."""


class Pace:
    """How often a lane gets a turn while somebody waits in it: its own share is not all of it, others pass before. 0: not known yet."""

    __slots__ = ("_began", "_last", "_since", "_turns", "each")

    def __init__(self) -> None:
        self._began = self._since = self.each = 0.0
        self._last = -_QUIET
        self._turns = 0

    def begin(self, now: float) -> None:
        """The first one waits: what was before tells nothing any more."""
        if now - self._last >= _QUIET:
            self._began = now
        self._since, self._turns, self.each = now, 0, 0.0

    def count(self, now: float) -> None:
        """One of those who wait got a turn. Turns come in bursts, so that only many of them tell."""
        self._turns += 1
        self._last = now
        if now - self._since >= _WINDOW:
            self.each = (now - self._since) / self._turns
            self._since, self._turns = now, 0

    def stands(self, now: float) -> bool:
        """Whether somebody has been waiting for so long that it is no burst: a long queue would not pass more of them, only later."""
        return now - self._last < _QUIET and now - self._began >= _QUIET


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
        self._before = {lane: tuple(queue for other, queue in self._queues.items() if other <= lane) for lane in self._most}
        self._mean = 0.02
        self._paces = {lane: Pace() for lane in self._most}
        self._moved = at()
        self.running = 0

    @property
    def waiting(self) -> int:
        """How many wait, in all lanes."""
        return sum(map(len, self._queues.values()))

    def hopeless(self, lane: Lane, coming: int = 0) -> bool:
        """Whether a request of this lane would be refused now, `coming` others being on their way: asked of each head, before its body is read.

        Those on their way take the turns that are free; only the others of them will wait.
        """
        ahead = self._ahead(lane)
        free = 0 if ahead else max(0, self._most[lane] - self.running)
        if coming < free:
            return False
        ahead += coming - free
        return self._wait(lane, ahead) > self._bearable(lane)

    async def enter(self, lane: Lane) -> float:
        """Take a turn, when it comes; give back, to `leave`, the instant at which it began. Raises `Full`."""
        ahead = self._ahead(lane)
        if not self._busy(lane, ahead):
            self.running += 1
            self._moved = self._at()
            return self._moved
        if self._wait(lane, ahead) > self._bearable(lane):
            raise Full
        turn: Waiter = asyncio.get_running_loop().create_future()
        if not self._queues[lane]:
            self._paces[lane].begin(self._at())
        self._queues[lane].append(turn)
        try:
            async with asyncio.timeout(_FORGIVEN * self._patience[lane]):
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
                    self._paces[lane].count(self._at())

    def _give_up(self, lane: Lane, turn: Waiter) -> None:
        """Leave the queue; a turn that was given at the very same instant goes to the next one."""
        if turn.done() and not turn.cancelled():
            self._pass_on()
        else:
            turn.cancel()
            if turn in self._queues[lane]:
                self._queues[lane].remove(turn)

    def _ahead(self, lane: Lane) -> int:
        """How many wait before the next one of this lane."""
        ahead = 0
        for queue in self._before[lane]:
            ahead += len(queue)
        return ahead

    def _busy(self, lane: Lane, ahead: int) -> bool:
        return ahead > 0 or self.running >= self._most[lane]

    def _bearable(self, lane: Lane) -> float:
        """The longest wait for which one is let into the queue. Machines that go on asking for more than can be done wait as long as work lasts."""
        most = self._patience[lane]
        return min(most, max(self._mean, _SHORTEST)) if lane is Lane.BATCH and self._paces[lane].stands(self._at()) else most

    def _wait(self, lane: Lane, ahead: int) -> float:
        """How long the next one of this lane would wait: those before it, each as long as work has lasted of late, shared by the turns.

        Where some wait in its lane, how often they got a turn of late tells better; it tells nothing any more once nobody waits.
        """
        if self.running and self._at() - self._moved > _STALLED and lane is not Lane.EMERGENCY:
            return float("inf")
        each = self._mean / self._most[lane]
        return (ahead + 1) * (max(each, self._paces[lane].each) if self._queues[lane] else each)
