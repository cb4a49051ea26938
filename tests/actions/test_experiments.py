"""Experiments: asked, begun once, told, cancelled; an organisation sees its own."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.factories import referrals as make

from maillage import experiments, worker
from maillage.experiments import Report, Text, actions
from maillage.experiments import runner as running
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from maillage.settings import Settings, SimulationSettings
from maillage.simulation import shipped, text_of
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
MANAGER = Actor("person", "manager", (make.HOSPITAL,), frozenset({"gestionnaire"}), role_id="role-manager", assurance="eidas2")
ELSEWHERE = replace(MANAGER, id="other", organizations=(make.CENTRE,))
DOCTOR = replace(MANAGER, roles=frozenset({"medecin"}))
TEXT = Text("percy-20000", text_of(shipped("percy-20000")))


async def ask(db: Database, actor: Actor = MANAGER) -> str:
    async with db.transaction(actor) as tx:
        return await experiments.ask(tx, TEXT)


async def status(db: Database, id: str, actor: Actor = MANAGER) -> experiments.Experiment:
    async with db.transaction(actor) as tx:
        return await experiments.experiment(tx, id)


async def test_the_oldest_is_begun_first_and_once(db: Database, clock: FixedClock) -> None:
    first = await ask(db)
    clock.advance(timedelta(seconds=1))
    second = await ask(db)
    begun = await asyncio.gather(*(db.run(SYSTEM, actions.begin) for _ in range(4)))
    assert sorted(one.id for one in begun if one) == sorted((first, second))
    assert (await status(db, first)).status == "in-progress"


async def test_what_is_no_longer_heard_of_is_begun_again(db: Database, clock: FixedClock) -> None:
    id = await ask(db)
    assert await db.run(SYSTEM, actions.begin)
    clock.advance(timedelta(seconds=59))
    assert await db.run(SYSTEM, actions.begin) is None
    clock.advance(timedelta(seconds=2))
    again = await db.run(SYSTEM, actions.begin)
    assert again
    assert again.id == id


async def test_what_never_ends_is_given_up_after_three_tries(db: Database, clock: FixedClock) -> None:
    id = await ask(db)
    for _ in range(3):
        assert await db.run(SYSTEM, actions.begin)
        clock.advance(timedelta(seconds=61))
    assert await db.run(SYSTEM, actions.begin) is None
    found = await status(db, id)
    assert (found.status, found.reason) == ("failed", "given-up")


@pytest.mark.parametrize(
    ("program", "reason", "minutes"),
    [
        ("pass", "process-ended", 0.5),
        ("print('no answer')", "runner: JSONDecodeError", 0.5),
        ("import time; time.sleep(60)", "took-too-long", 0.005),
    ],
)
async def test_a_process_that_breaks_fails_its_experiment_and_leaves_nothing_behind(
    db: Database, monkeypatch: pytest.MonkeyPatch, program: str, reason: str, minutes: float
) -> None:
    id = await ask(db)
    monkeypatch.setattr(running, "COMMAND", (sys.executable, "-c", program))
    monkeypatch.setattr(running, "GRACE", 0.3)
    runner = experiments.Runner(db, minutes=minutes)
    with suppress(ValueError):
        await runner.round()
    assert (await status(db, id)).reason == reason
    assert runner.process is None


async def test_a_first_answer_is_kept_then_replaced_and_the_last_one_stays(db: Database) -> None:
    id = await ask(db)
    await db.run(SYSTEM, actions.begin)
    assert await db.run(SYSTEM, lambda tx: actions.beat(tx, id, 8, 20))
    assert await db.run(SYSTEM, lambda tx: actions.answer(tx, id, {"n": 1}))
    assert (await status(db, id)).answer == {"n": 1}
    assert await db.run(
        SYSTEM,
        lambda tx: actions.complete(tx, id, {"n": 2}, {lang: Report(f"<p>{lang}</p>", f"%PDF {lang}".encode()) for lang in ("fr", "en")}),
    )
    found = await status(db, id)
    assert (found.status, found.answer, found.done, found.has_report, found.has_paper) == ("completed", {"n": 2}, 20, True, True)
    assert not await db.run(SYSTEM, lambda tx: actions.answer(tx, id, {"n": 3}))
    async with db.transaction(MANAGER) as tx:
        kept = [(await experiments.report(tx, id, lang), await experiments.paper(tx, id, lang)) for lang in ("fr", "en")]
    assert kept == [("<p>fr</p>", b"%PDF fr"), ("<p>en</p>", b"%PDF en")]


async def test_what_is_cancelled_is_wanted_no_longer_and_is_not_cancelled_twice(db: Database) -> None:
    id = await ask(db)
    await db.run(SYSTEM, actions.begin)
    async with db.transaction(MANAGER) as tx:
        await experiments.cancel(tx, id)
    assert not await db.run(SYSTEM, lambda tx: actions.beat(tx, id, 8, 20))
    assert not await db.run(SYSTEM, lambda tx: actions.complete(tx, id, {}, {}))
    with pytest.raises(Conflict, match="experiment-over"):
        async with db.transaction(MANAGER) as tx:
            await experiments.cancel(tx, id)
    assert (await status(db, id)).status == "cancelled"


async def test_a_failure_says_why(db: Database) -> None:
    id = await ask(db)
    await db.run(SYSTEM, actions.begin)
    assert await db.run(SYSTEM, lambda tx: actions.fail(tx, id, "process-ended"))
    assert ((await status(db, id)).status, (await status(db, id)).reason) == ("failed", "process-ended")


async def test_five_wait_at_once_even_when_asked_together(db: Database) -> None:
    found = await asyncio.gather(*(ask(db) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(one, str) for one in found) == experiments.MOST_WAITING
    assert {str(one.reason) for one in found if isinstance(one, Conflict)} == {"too-many-experiments"}
    assert await ask(db, ELSEWHERE)


async def test_an_organisation_sees_and_changes_its_own_alone(db: Database) -> None:
    id = await ask(db)
    async with db.transaction(MANAGER) as tx:
        kept = await experiments.keep(tx, Text("Le nôtre", TEXT.content))
    async with db.transaction(ELSEWHERE) as tx:
        assert await experiments.scenarios(tx) == []
        assert await experiments.experiments(tx) == []
        assert await tx.fetch("SELECT id FROM experiment") == []
        assert await tx.fetch("SELECT id FROM scenario") == []
        for act in (
            experiments.experiment(tx, id), experiments.report(tx, id), experiments.paper(tx, id), experiments.cancel(tx, id),
            experiments.scenario(tx, kept), experiments.drop(tx, kept), experiments.keep(tx, TEXT, kept),
        ):  # fmt: skip
            with pytest.raises(NotFound):
                await act


async def test_a_scenario_is_kept_replaced_and_dropped(db: Database) -> None:
    async with db.transaction(MANAGER) as tx:
        id = await experiments.keep(tx, Text("Premier nom", TEXT.content))
        await experiments.keep(tx, Text("Second nom", TEXT.content), id)
        [found] = await experiments.scenarios(tx)
        assert (found.id, found.title, found.digest) == (id, "Second nom", shipped("percy-20000").digest)
        await experiments.drop(tx, id)
        assert await experiments.scenarios(tx) == []


async def test_who_may_not_is_refused_by_the_action_itself(db: Database) -> None:
    with pytest.raises(NotAllowed, match="role"):
        await ask(db, DOCTOR)


async def test_a_scenario_that_cannot_be_read_is_refused(db: Database) -> None:
    with pytest.raises(Invalid, match="bad-scenario"):
        async with db.transaction(MANAGER) as tx:
            await experiments.ask(tx, Text("bad", "[set]\n'box.base' = 0"))


async def test_each_act_of_a_person_leaves_its_line_in_the_trail(db: Database) -> None:
    id = await ask(db)
    async with db.transaction(MANAGER) as tx:
        await experiments.cancel(tx, id)
    async with db.trail.transaction(SYSTEM) as tx:
        rows = await tx.fetch("SELECT verb, res_type, organization FROM audit_event WHERE res_id = $1 ORDER BY at, verb", id)
    assert sorted(tuple(row) for row in rows) == [
        ("ask-experiment", "Simulation", make.HOSPITAL), ("cancel-experiment", "Simulation", make.HOSPITAL),
    ]  # fmt: skip


async def test_what_ended_long_ago_is_forgotten_by_the_worker_and_nothing_else_is(db: Database, clock: FixedClock) -> None:
    async with db.transaction(MANAGER) as tx:
        kept = await experiments.keep(tx, Text("Le nôtre", TEXT.content))
    old = await ask(db, ELSEWHERE)
    async with db.transaction(ELSEWHERE) as tx:
        await experiments.cancel(tx, old)
    waiting = await ask(db)
    clock.advance(timedelta(days=30))
    late = await ask(db)
    await db.run(SYSTEM, actions.begin)
    async with db.transaction(MANAGER) as tx:
        await experiments.cancel(tx, late)
    settings = Settings(simulation=SimulationSettings(days=30.0))
    await worker.forget(db, settings)
    assert (await status(db, old, ELSEWHERE)).status == "cancelled"
    clock.advance(timedelta(seconds=1))
    await worker.forget(db, settings)
    with pytest.raises(NotFound):
        await status(db, old, ELSEWHERE)
    assert [(await status(db, id)).status for id in (waiting, late)] == ["in-progress", "cancelled"]
    async with db.transaction(MANAGER) as tx:
        assert [one.id for one in await experiments.scenarios(tx)] == [kept]
