"""Plays experiments one after the other, in a process of its own: the requests of people are answered meanwhile."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from maillage.experiments import actions
from maillage.experiments.types import Experiment, Report
from maillage.kernel.actor import SYSTEM
from maillage.store import Database

COMMAND: Final = (sys.executable, "-m", "maillage.simulation.process")
LONGEST_LINE: Final = 64_000_000
TOLD: Final = 0.25
"""Seconds between two looks: how far it is, whether it is still wanted."""
WARM: Final = 900.0
"""Seconds for which a process without work is kept: the next answer then comes without its start."""
GRACE: Final = 60.0
"""Seconds that a process has to end once it is told that time is up."""


class Runner:
    """One process, kept warm between experiments."""

    def __init__(self, database: Database, *, minutes: float = 10.0) -> None:
        self.database, self.seconds = database, minutes * 60.0
        self.process: Process | None = None
        self._idle_since = 0.0

    async def round(self) -> bool:
        """Play the next experiment to its end, if there is one; whether there was."""
        experiment = await self.database.run(SYSTEM, actions.begin)
        loop = asyncio.get_running_loop()
        if experiment is None:
            if self.process and loop.time() - self._idle_since > WARM:
                await self.close()
            return False
        try:
            await self._play(experiment)
        except BaseException as error:
            await self.close()
            if isinstance(error, Exception):
                await self._failed(experiment.id, f"runner: {type(error).__name__}")
            raise
        self._idle_since = loop.time()
        return True

    async def close(self) -> None:
        """End the process, whatever it does."""
        process, self.process = self.process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _play(self, experiment: Experiment) -> None:
        process = await self._ready()
        _send(process, _job(experiment))
        loop = asyncio.get_running_loop()
        end, stopped, told, look = loop.time() + self.seconds, False, (0, 0), 0.0
        reading: asyncio.Future[bytes] = asyncio.ensure_future(_line(process))
        try:
            while True:
                done, _ = await asyncio.wait({reading}, timeout=TOLD)
                if done:
                    said = json.loads(reading.result() or b"null")
                    if not await self._heard(experiment.id, said):
                        return
                    told = tuple(said.get("told", told))
                    reading = asyncio.ensure_future(_line(process))
                if loop.time() < look:
                    continue
                look = loop.time() + TOLD
                if not await self._wanted(experiment.id, told):
                    return
                if loop.time() > end and stopped:
                    await self._failed(experiment.id, "took-too-long")
                    return
                if loop.time() > end:
                    stopped, end = True, loop.time() + GRACE
                    _send(process, {"stop": True})
        finally:
            reading.cancel()

    async def _wanted(self, id: str, told: tuple[int, ...]) -> bool:
        """Say how far it is; when nobody wants the answer any more, the process ends."""
        if await self.database.run(SYSTEM, lambda tx: actions.beat(tx, id, *told)):
            return True
        await self.close()
        return False

    async def _heard(self, id: str, said: dict[str, Any] | None) -> bool:
        """Keep what the process said; whether there is more to hear."""
        if said is None:
            await self._failed(id, "process-ended")
            return False
        if "wrong" in said:
            await self._failed(id, f"{said['wrong']['code']}: {said['wrong']['key']}", alive=True)
        elif "answer" in said and said["final"]:
            reports = {lang: _report(each) for lang, each in said.get("reports", {}).items()}
            await self.database.run(SYSTEM, lambda tx: actions.complete(tx, id, said["answer"], reports))
        elif "answer" in said and not await self.database.run(SYSTEM, lambda tx: actions.answer(tx, id, said["answer"])):
            await self.close()
            return False
        return not said.get("final", False)

    async def _failed(self, id: str, reason: str, *, alive: bool = False) -> None:
        if not alive:
            await self.close()
        await self.database.run(SYSTEM, lambda tx: actions.fail(tx, id, reason))

    async def _ready(self) -> Process:
        if self.process is None or self.process.returncode is not None:
            self.process = await asyncio.create_subprocess_exec(
                *COMMAND, stdin=PIPE, stdout=PIPE, limit=LONGEST_LINE, start_new_session=True
            )
        return self.process


def _report(said: Mapping[str, str]) -> Report:
    return Report(said["html"], base64.b64decode(said["pdf"]) if said["pdf"] else None)


def _job(experiment: Experiment) -> dict[str, Any]:
    texts = {"scenario": experiment.scenario, "against": experiment.against}
    return {
        "kind": experiment.kind,
        "seed": experiment.seed,
        "replications": experiment.replications,
        **{key: {"name": text.name, "text": text.content} for key, text in texts.items() if text},
    }


def _send(process: Process, said: dict[str, Any]) -> None:
    if process.stdin:
        process.stdin.write(json.dumps(said).encode() + b"\n")


async def _line(process: Process) -> bytes:
    return await process.stdout.readline() if process.stdout else b""
