"""What must hold in the database whatever happened, asked as its owner (the checker's list: I3, I4, I8, I11, I13)."""

from __future__ import annotations

import asyncpg

QUESTIONS = {
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


async def breaches(dsn: str) -> list[str]:
    """Every question that finds something, with how much."""
    conn = await asyncpg.connect(dsn)
    try:
        found = [(name, await conn.fetchval(f"SELECT count(*) FROM ({asked}) x")) for name, asked in QUESTIONS.items()]
    finally:
        await conn.close()
    return [f"{name}: {count}" for name, count in found if count]
