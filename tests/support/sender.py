"""A worker of the outbox as a process of its own, to be killed, stopped and poisoned: `python -m tests.support.sender DSN RECEIVER LEASE`.

What it sends goes to a file outside the database before its transaction commits, as a mail leaves before anybody knows that it left.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from maillage.kernel.clock import SystemClock
from maillage.store import Database, Transaction, outbox

SENT = "CREATE TABLE IF NOT EXISTS sent (n bigint NOT NULL, message text NOT NULL); GRANT SELECT, INSERT, DELETE ON sent TO app_rw"
POISONED = 17


async def _work(dsn: str, receiver: Path, lease: float) -> None:
    outbox.LEASE = timedelta(seconds=lease)
    db = await Database.open(dsn, SystemClock())

    async def send(tx: Transaction, payload: dict[str, Any]) -> None:
        if payload.get("poison"):
            os._exit(POISONED)
        await tx.execute("INSERT INTO sent (n, message) VALUES ($1, $2)", payload["n"], tx.message_id)
        with receiver.open("a") as file:
            file.write(f"{tx.message_id} {os.getpid()}\n")
        await asyncio.sleep(payload.get("pause", 0))

    while True:
        await outbox.drain(db, {"mail": send})
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(_work(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])))
