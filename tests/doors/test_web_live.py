"""Open pages are told that something changed: those that it concerns, and no more than that; bounded, and let go of when the server drains."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from tests.factories import referrals as make
from tests.support import postgres
from tests.support.leaving_server import leaving_server

from maillage import referrals
from maillage.doors.edge.admission import Admission, Turn
from maillage.doors.edge.routes import Lane
from maillage.doors.web.live.hub import Hub, instant
from maillage.kernel.errors import TooMany
from maillage.settings import EdgeSettings
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
TASKS = frozenset({"Task"})


class Drain:
    """What the process says of itself."""

    on = False

    def __call__(self) -> bool:
        return self.on


@pytest.fixture
def drain() -> Drain:
    return Drain()


def make_hub(db: Database, drain: Drain, most: int = 10, per_person: int = 3, minutes: float = 10, linger: float = 0) -> Hub:
    return Hub(db, most=most, per_person=per_person, minutes=minutes, draining=drain, linger=linger)


async def first(stream: AsyncIterator[bytes]) -> bytes:
    """The next event that says something; a stream that ends says nothing."""
    async with asyncio.timeout(20):
        async for event in stream:
            if event.startswith(b"data:"):
                return event
    return b""


async def listening(hub: Hub) -> None:
    """Wait until the hub's own connection listens."""
    async with asyncio.timeout(20):
        await hub.listening.wait()


async def test_both_sides_are_told_by_the_commit_and_a_stranger_is_not(db: Database, drain: Drain) -> None:
    hub = make_hub(db, drain)
    task = await make.draft(db)
    ears = [hub.join(actor, TASKS) for actor in (make.GP, make.TRIAGER, make.CARDIOLOGIST)]
    await listening(hub)
    async with db.transaction(make.GP) as tx:
        await referrals.send(tx, task[0], **make.SEND)
        await tx.settle()
        assert not any(ear.changed.is_set() for ear in ears), "nothing is told before the commit"
    assert await first(hub.stream(ears[0])) == b"data: 1\n\n"
    assert await first(hub.stream(ears[1])) == b"data: 1\n\n"
    assert not ears[2].changed.is_set()


async def test_a_page_is_told_of_what_changed_between_its_reading_and_its_ear(db: Database, drain: Drain) -> None:
    hub = make_hub(db, drain)
    read = instant()
    cold = hub.join(make.TRIAGER, TASKS, shown=read)
    await listening(hub)
    assert cold.changed.is_set(), "nobody listened when it was read"
    read, other = instant(), hub.join(make.TRIAGER, TASKS)
    await make.sent(db)
    await first(hub.stream(other))
    assert hub.join(make.TRIAGER, TASKS, shown=read).changed.is_set()
    assert not hub.join(make.PLANNER, TASKS, shown=instant()).changed.is_set(), "nothing since"
    assert not hub.join(make.CARDIOLOGIST, TASKS, shown=read).changed.is_set(), "it concerned somebody else"


async def test_the_connection_is_kept_a_while_for_who_goes_from_page_to_page(db: Database, drain: Drain) -> None:
    hub = make_hub(db, drain, linger=60)
    hub.leave(hub.join(make.TRIAGER, TASKS))
    await listening(hub)
    read = instant()
    await make.sent(db)
    hear_it = hub.join(make.TRIAGER, TASKS, shown=read)
    assert await first(hub.stream(hear_it)) == b"data: 1\n\n"
    assert hub.listening.is_set()


async def sent_and_undone(db: Database, task: str) -> None:
    async with db.transaction(make.GP) as tx:
        await referrals.send(tx, task, **make.SEND)
        raise RuntimeError("undone")


async def test_what_is_undone_was_never_told(db: Database, drain: Drain) -> None:
    hub = make_hub(db, drain)
    [task] = await make.draft(db)
    heard, other = hub.join(make.TRIAGER, TASKS), hub.join(make.TRIAGER, TASKS)
    await listening(hub)
    with pytest.raises(RuntimeError, match="undone"):
        await sent_and_undone(db, task)
    assert not heard.changed.is_set()
    await make.sent(db, patient=1)  # told after it, on the same connection: what came before has been heard
    await first(hub.stream(other))
    assert heard.changed.is_set()


async def test_a_page_about_one_object_hears_of_that_one_alone(db: Database, drain: Drain) -> None:
    hub = make_hub(db, drain)
    mine, other = await make.sent(db), await make.sent(db, patient=1)
    one, all_ = hub.join(make.TRIAGER, TASKS, mine), hub.join(make.TRIAGER, TASKS)
    diary = hub.join(make.TRIAGER, frozenset({"Appointment"}))
    await listening(hub)
    await make.act(db, make.TRIAGER, referrals.open_, other)
    await first(hub.stream(all_))
    assert not one.changed.is_set()
    assert not diary.changed.is_set()
    await make.act(db, make.TRIAGER, referrals.open_, mine)
    assert await first(hub.stream(one)) == b"data: 1\n\n"


async def test_listeners_are_bounded_and_the_last_one_lets_the_connection_go(db: Database, drain: Drain) -> None:
    hub = make_hub(db, drain, most=4)
    ears = [hub.join(make.GP, TASKS) for _ in range(3)]
    with pytest.raises(TooMany):
        hub.join(make.GP, TASKS)
    ears.append(hub.join(make.TRIAGER, TASKS))
    with pytest.raises(TooMany):
        hub.join(make.PLANNER, TASKS)
    await listening(hub)
    work = hub._work
    assert work is not None
    for ear in (*ears, ears[0]):
        hub.leave(ear)
    assert hub.size == 0
    with pytest.raises(asyncio.CancelledError):
        await work
    hub.leave(hub.join(make.GP, TASKS))


async def test_a_broken_connection_is_made_again_and_everybody_asks_again(db: Database, dsn: str, drain: Drain) -> None:
    hub = make_hub(db, drain)
    ear = hub.join(make.TRIAGER, TASKS)
    await listening(hub)
    owner = await asyncpg.connect(postgres.owner(dsn))
    try:
        await owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'maillage-live'"
        )
    finally:
        await owner.close()
    assert await first(hub.stream(ear)) == b"data: 1\n\n"


async def test_a_server_that_leaves_while_we_begin_to_listen_is_asked_again(
    db: Database, drain: Drain, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, there = make_hub(db, drain), db.dsn
    async with leaving_server() as leaving:
        monkeypatch.setattr(db, "_dsn", leaving.dsn)
        ear = hub.join(make.TRIAGER, TASKS)
        await asyncio.wait_for(leaving.came.wait(), 20)
        monkeypatch.setattr(db, "_dsn", there)
        await listening(hub)
    hub.leave(ear)


async def test_streams_end_when_the_server_drains_or_their_time_is_up(db: Database, drain: Drain) -> None:
    short = make_hub(db, drain, minutes=0)
    assert [event async for event in short.stream(short.join(make.GP, TASKS))] == [b"retry: 3000\n\n"]
    hub = make_hub(db, drain)
    open_ = asyncio.create_task(first(hub.stream(hub.join(make.GP, TASKS))))
    await listening(hub)
    drain.on = True
    assert await asyncio.wait_for(open_, 20) == b""
    assert hub.size == short.size == 0


async def test_a_stream_gives_its_turn_back_once() -> None:
    admission = Admission(EdgeSettings(running=1, kept_for_emergencies=0, kept_for_people=0))
    turn = Turn(admission, await admission.enter(Lane.INTERACTIVE))
    assert admission.running == 1
    turn.leave()
    turn.leave()
    assert admission.running == 0
