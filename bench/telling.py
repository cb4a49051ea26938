"""`python -m bench.telling`: what it costs to tell open pages that something changed (the triggers behind `LISTEN change`).

The same requests are prepared and sent, turn by turn with the triggers and without them, on one database with one listener, as a door is one. Processor time of
PostgreSQL for each transaction, the median of the rounds.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import sys
from pathlib import Path

import asyncpg
from tests.factories import referrals as make
from tests.support import postgres

from maillage import referrals
from maillage.store import Database

ROUNDS, EACH = 12, 25
TOLD = (("referral_task", "referral_task_told"), ("notification", "notification_told"), ("appointment", "appointment_told"))
LINE = "{} a request sent: PostgreSQL {:.2f} ms, without telling {:.2f} ms: {:+.1%}; of {} rounds told was dearer in {}"


def spent(pids: set[int]) -> float:
    """Milliseconds of processor of these processes."""
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids) / 1e6


async def _send(db: Database, patient: str, pids: set[int]) -> float:
    """One request prepared and sent in one transaction: what PostgreSQL spent, its commit included."""
    before = 0.0
    async with db.transaction(make.GP) as tx:
        pids.add(await tx.fetchval("SELECT pg_backend_pid()"))
        before = spent(pids)
        request = await referrals.create_request(
            tx, patient_id=patient, service_ids=[make.SERVICE], requester_role_id="clamart-mg-isambert"
        )
        await referrals.save_form(tx, request, items=await make.form(tx, make.SERVICE), status="completed")
        [task] = await referrals.tasks_of(tx, request)
        await referrals.send(tx, task["id"], **make.SEND, duplicate_reason="other-problem")
    return spent(pids) - before


async def measure(cluster: postgres.TestCluster) -> list[tuple[float, float]]:
    """For each round the median with the triggers, and the median without."""
    serving, owner = await cluster.database("territory", make.territory), cluster.owner(f"territory_{cluster.worker}")
    db, conn, ear = await Database.open(serving), await asyncpg.connect(owner), await asyncpg.connect(serving)
    heard: list[str] = []
    await ear.add_listener("change", lambda *told: heard.append(told[-1]))
    found: list[tuple[float, float]] = []
    try:
        patient = (await make.patients(db))[0]
        for turn in range(ROUNDS + 1):
            pair = {}
            for how in ("ENABLE", "DISABLE") if turn % 2 else ("DISABLE", "ENABLE"):
                for table, trigger in TOLD:
                    await conn.execute(f"ALTER TABLE {table} {how} TRIGGER {trigger}")
                before = len(heard)
                pair[how] = statistics.median([await _send(db, patient, set()) for _ in range(EACH)])
                if (len(heard) > before) != (how == "ENABLE"):
                    raise RuntimeError(f"{how}: {len(heard) - before} were told")
            if turn:  # the first one plans every statement
                found.append((pair["ENABLE"], pair["DISABLE"]))
    finally:
        await ear.close()
        await conn.close()
        await db.close()
    return found


def main() -> int:
    """The medians of the rounds, and the share."""
    folder = postgres.open_folder()
    cluster = postgres.TestCluster(folder, "bench")
    cluster.postgres.start()
    try:
        found = asyncio.run(measure(cluster))
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
    told, untold = (statistics.median(column) for column in zip(*found, strict=True))
    print(LINE.format(ROUNDS * EACH, told, untold, told / untold - 1, len(found), sum(one > other for one, other in found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
