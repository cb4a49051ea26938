"""What must hold over all rooms whatever happened: asked of a database that was just restored, and by the fault tests (part 11 of security: I3 to I13).

I6 is `audit verify`'s to say, I14 `documents check`'s; I1, I2, I5 and I7 are judged from outside, from what clients were told.
"""

from __future__ import annotations

from maillage.kernel.actor import SYSTEM
from maillage.store import Database

INVARIANTS = {
    "I3 two live appointments on one slot": """
        SELECT slot_id FROM appointment WHERE slot_id IS NOT NULL AND status IN ('pending', 'booked', 'arrived', 'checked-in', 'fulfilled')
        GROUP BY slot_id HAVING count(*) > 1""",
    "I3 a booked appointment whose slot is not taken": """
        SELECT a.id FROM appointment a JOIN slot s ON s.id = a.slot_id WHERE a.status = 'booked' AND s.status = 'free'""",
    "I4 a state that is not that of the last status": """
        SELECT t.id FROM referral_task t JOIN LATERAL (SELECT state FROM referral_status s WHERE s.task_id = t.id ORDER BY seq DESC LIMIT 1) last ON true
        WHERE last.state <> t.state""",
    "I4 a status without an author": "SELECT task_id FROM referral_status WHERE actor_id = '' OR actor_kind = ''",
    "I8 versions with a hole": """
        SELECT res_type, id FROM resource_version GROUP BY res_type, id HAVING min(version) <> 1 OR max(version) <> count(*)""",
    "I11 an open request that is nobody's turn": """
        SELECT id FROM referral_task WHERE state NOT IN ('closed', 'cancelled', 'to-complete') AND ended_at IS NULL AND turn IS NULL""",
    "I13 a version that is not later than the one before": """
        SELECT res_type, id FROM (SELECT res_type, id, at, lag(at) OVER (PARTITION BY res_type, id ORDER BY version) AS before FROM resource_version) v
        WHERE before >= at""",
    "I13 a slot that does not last what it says": "SELECT id FROM slot WHERE ends_at <= starts_at",
}
"""What is asked -> the rows that must not be there."""


async def breaches(database: Database) -> list[str]:
    """Every question that finds something, with how much."""
    async with database.transaction(SYSTEM, timeout=600) as tx:
        found = [(name, await tx.fetchval(f"SELECT count(*) FROM ({asked}) x")) for name, asked in INVARIANTS.items()]
    return [f"{name}: {count}" for name, count in found if count]
