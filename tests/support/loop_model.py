"""A referral loop played at random by several people against real PostgreSQL, and what must hold after each step (security rule book 11)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import date, datetime, timedelta
from typing import Any

from tests.factories import booking as diary
from tests.factories import crossings as make
from tests.factories import referrals as requests
from tests.support import postgres

from maillage import access, journeys, referrals
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, Malformed, NotAllowed, NotFound, Stale
from maillage.store import Database, Limits, Params

BEGIN = datetime.fromisoformat("2026-11-23T08:00:00+00:00")
PEOPLE: dict[str, Actor] = {"gp": requests.GP, "secretary": requests.NURSE, "doctor": requests.DERMATOLOGIST, "office": requests.PLANNER}
STRANGER = requests.STRANGER
REFUSALS = (Conflict, Invalid, Malformed, NotAllowed, NotFound, Stale)
PATIENTS = 5
ENDED = ("closed", "cancelled", "entered-in-error")
LISTED = {
    side: {state for one in referrals.WORKLISTS.values() if one.side == side for state in one.states} for side in ("requester", "performer")
}


async def open_diary(dsn: str) -> None:
    """Fill: the territory and five open sessions of dermatology at the centre, on the Tuesdays of December."""
    await diary.territory(dsn)
    db = await postgres.open_both(dsn, FixedClock(BEGIN))
    first = await diary.open_session(db)
    for day in (8, 15, 22, 29):
        await make.second_day(db, first["id"], date(2026, 12, day))
    await db.close()


class World:
    """One database, one clock, and the books that the checker keeps outside of both."""

    def __init__(self, cluster: postgres.TestCluster) -> None:
        self.runner = asyncio.Runner()
        self.clock = FixedClock(BEGIN)
        self.db: Database = self.run(self._open(cluster))
        self.patients: list[str] = self.run(diary.patients(self.db, PATIENTS))
        self.tasks: list[str] = []
        self.history: list[tuple[Any, ...]] = []
        self.played: list[str] = []

    async def _open(self, cluster: postgres.TestCluster) -> Database:
        dsn = await cluster.database(open_diary.__name__, open_diary)
        limits = Limits(pool_size=4, acquire=10.0)
        return await postgres.open_both(dsn, self.clock, limits=limits, connection_class=postgres.ShufflingConnection)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do something in the one event loop of this world."""
        return self.runner.run(work)

    def close(self) -> None:
        """Let go of the database and of the loop."""
        self.run(self.db.close())
        self.runner.close()

    async def rows(self, sql: str, *args: Any) -> list[Any]:
        async with self.db.transaction(SYSTEM) as tx:
            return await tx.fetch(sql, *args)

    async def acts(self, sql: str, *args: Any) -> list[Any]:
        async with self.db.trail.transaction(SYSTEM) as tx:
            return await tx.fetch(sql, *args)

    async def send(self, patient: int, priority: str) -> str:
        """A new request of the general practitioner; one patient may have one in the hands of the service."""
        try:
            return await requests.sent(self.db, services=[make.SERVICE], patient=patient, priority=priority)
        finally:
            self.tasks = [row["id"] for row in await self.rows("SELECT id FROM referral_task ORDER BY authored_on, id")]

    async def act(self, who: str, verb: str, id: str | None, values: dict[str, Any]) -> bool:
        """One verb by one person: done and audited, or refused by name and nothing changed."""
        known = await self._photographs()
        self.clock.advance(timedelta(seconds=7))
        try:
            answer = await make.do(self.db, PEOPLE[who], verb, id, **values)
        except REFUSALS as refusal:
            self.played.append(f"{who} {verb}: {refusal.reason}")
            assert await self._photographs() == known, "a refused act left something behind"
            return False
        self.played.append(f"{who} {verb}")
        await self._is_audited(PEOPLE[who], id or str(answer))
        self.tasks = [row["id"] for row in await self.rows("SELECT id FROM referral_task ORDER BY authored_on, id")]
        return True

    async def pass_time(self, step: timedelta) -> None:
        """Time passes, then the scheduler."""
        self.clock.advance(step)
        self.played.append(f"+{step}")
        await make.tick(self.db, self.clock)

    async def _photographs(self) -> Any:
        return await self.rows("SELECT count(*) AS n FROM resource_version"), await self.acts("SELECT count(*) AS n FROM audit_event")

    async def _is_audited(self, who: Actor, id: str) -> None:
        found = await self.acts(
            "SELECT 1 FROM audit_event WHERE at = $1 AND actor_id = $2 AND action <> 'R' AND verb <> '' AND (res_id = $3 OR res_type <> 'Task')",
            *(self.clock.now(), who.id, id),
        )
        assert found, f"no audit row of {who.id} on {id}"

    async def check(self) -> None:
        """Every invariant, after a step."""
        async with self.db.transaction(SYSTEM) as tx:
            broken = await diary.invariants(tx, photographs=False) + await make.broken(tx)
            for name, sql in CHECKS.items():
                broken += [f"{name}: {tuple(row)}" for row in await tx.fetch(sql)]
            tasks = await tx.fetch("SELECT id, state, turn, holder, due_at FROM referral_task ORDER BY id")
            history = await tx.fetch(
                "SELECT s.task_id, s.seq, s.verb, s.state, s.party, s.actor_id, s.at FROM referral_status s JOIN referral_task t ON t.id = s.task_id"
                " ORDER BY s.at, t.number, s.seq"
            )
        broken += [line for row in tasks for line in _owed(row)]
        broken += self._lawful([tuple(row) for row in history])
        broken += await self._leaks()
        assert broken == [], (broken, self.played)

    def _lawful(self, history: list[tuple[Any, ...]]) -> list[str]:
        """I4: what was written stays, and each new state comes from a line of the table played by one of its parties."""
        found = [] if history[: len(self.history)] == self.history else ["history was rewritten"]
        states: dict[str, str] = {}
        for task, _seq, verb, state, party, actor, _at in history:
            before = states.get(task)
            if not actor:
                found.append(f"{task}: {verb} has no author")
            if before is None and state not in ("to-complete", "sent", "insisted"):
                found.append(f"{task}: begins in {state}")
            if before not in (None, state) and not _line(before, verb, state, party):
                found.append(f"{task}: {before} to {state} by {verb} of {party}")
            states[task] = state
        self.history = history
        return found

    async def _leaks(self) -> list[str]:
        """I7: an organisation without a link sees none of it, in any table nor photograph."""
        found = []
        async with self.db.transaction(STRANGER) as tx:
            for table, kind in SEEN.items():
                params = Params()
                visible = access.visible_to(STRANGER, kind).sql("t", params)
                rows = await tx.fetch(f"SELECT t.id FROM {table} t WHERE {visible}", *params)
                found += [f"a stranger sees {kind}/{row['id']}" for row in rows]
        return found

    async def check_lists(self) -> None:
        """I11 by the lists that people really open, then no drift between rows and photographs."""
        listed = set()
        for who in PEOPLE.values():
            for name in referrals.WORKLISTS:
                async with self.db.transaction(who) as tx:
                    listed |= {row["id"] for row in await referrals.worklist(tx, name, limit=200)}
        open_ = {row["id"] for row in await self.rows("SELECT id FROM referral_task WHERE state <> ALL ($1::text[])", list(ENDED))}
        here = {
            row["id"] for row in await self.rows("SELECT id FROM referral_task WHERE owner_org = ANY ($1::text[])", [requests.HOSPITAL])
        }
        assert open_ & here <= listed, (open_ - listed, self.played)
        assert (await journeys.rerender(self.db))["drift"] == [], self.played


def _line(before: str, verb: str, state: str, party: str) -> bool:
    return any(
        line.verb == verb and before in line.sources and line.after(before) == state and party in line.by
        for line in referrals.TABLE.transitions
    )


def _owed(row: Any) -> list[str]:
    """I11: open means a turn, a holder, a date, and a list on which it stands."""
    owed = None not in (row["turn"], row["holder"], row["due_at"])
    if owed == (row["state"] in ENDED):
        return [f"{row['id']}: {row['state']} with turn {row['turn']}, holder {row['holder']}, due {row['due_at']}"]
    on_a_list = row["state"] in ENDED or any(row["state"] in states for states in LISTED.values())
    return [] if on_a_list else [f"{row['id']}: {row['state']} is on no list"]


SEEN = {
    "referral_task": "Task",
    "service_request": "ServiceRequest",
    "referral_form": "QuestionnaireResponse",
    "appointment": "Appointment",
}
CHECKS = {
    "I3 one live appointment for a slot": """
        SELECT slot_id FROM appointment WHERE live_id IS NOT NULL GROUP BY slot_id HAVING count(*) > 1 ORDER BY 1""",
    "I8 versions are 1..n": """
        SELECT res_type, id FROM resource_version GROUP BY res_type, id HAVING min(version) <> 1 OR max(version) <> count(*) ORDER BY 1, 2""",
    "I8 the head is the last version": """
        SELECT h.res_type, h.id FROM resource_head h JOIN resource_version v USING (res_type, id)
        GROUP BY h.res_type, h.id, h.version HAVING h.version <> max(v.version) ORDER BY 1, 2""",
    "I13 versions follow each other in time": """
        SELECT a.res_type, a.id, a.version FROM resource_version a
        JOIN resource_version b ON b.res_type = a.res_type AND b.id = a.id AND b.version = a.version + 1 WHERE b.at < a.at ORDER BY 1, 2, 3""",
    "the last line of the history is the state": """
        SELECT t.id FROM referral_task t WHERE t.state <> (
            SELECT s.state FROM referral_status s WHERE s.task_id = t.id ORDER BY s.seq DESC LIMIT 1) ORDER BY 1""",
    "capacity never declines": """
        SELECT task_id FROM referral_status WHERE state = 'declined' AND reason_axis = 'capacity' ORDER BY 1""",
    "only a person ends a request": f"""
        SELECT task_id, verb FROM referral_status WHERE actor_kind = 'system' AND state IN {ENDED} AND verb <> 'not-selected' ORDER BY 1""",
}
