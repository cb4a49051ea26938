"""« Pourquoi ? » : a patient asks why somebody looked; the house answers once, within thirty days, never by the person who looked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.factories import referrals as make

from maillage import journeys
from maillage.access import questions
from maillage.access.questions import FOCUS, Look, Question
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Unavailable
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
WHY = "Pour préparer votre rendez-vous du lendemain, à la demande de votre médecin."
DPO = Actor("person", "delegate", (make.HOSPITAL,), frozenset({"dpo"}), "delegate-role", assurance="eidas2")
ELSEWHERE = replace(DPO, organizations=(make.CENTRE,))


async def played(db: Database, actor: Actor, verb: Any, *args: Any, **given: Any) -> Any:
    async with db.transaction(actor) as tx:
        return await verb(tx, *args, **given)


def patient(id: str, assurance: str = "eidas2") -> Actor:
    return Actor("patient", id, (), frozenset({"patient"}), assurance=assurance, purpose="PATRQT", patient=id)


async def asked(db: Database, clock: FixedClock, rank: int = 0, look: str = "a-look") -> Question:
    """A patient who asks about a look of the hospital's."""
    id = (await make.patients(db, rank + 1))[rank]
    about = Look(look, clock.now() - timedelta(days=1), make.TRIAGER.id, "Dr Léo Castanier", make.HOSPITAL)
    question: Question = await played(db, patient(id), journeys.ask_why, about, " Je ne connais pas ce médecin. ")
    return question


async def told(db: Database) -> list[tuple[str, str, str]]:
    async with db.transaction(SYSTEM) as tx:
        rows = await tx.fetch(
            "SELECT event, organization_id, role, focus_type FROM notification WHERE focus_type = $1 ORDER BY event, role", FOCUS
        )
    return [(row["event"], row["organization_id"], row["role"]) for row in rows]


async def messages(db: Database) -> list[str]:
    async with db.transaction(SYSTEM) as tx:
        return [row["payload"] for row in await tx.fetch("SELECT payload FROM outbox WHERE topic = 'patient-notification' ORDER BY number")]


async def verbs(db: Database) -> list[tuple[str, str]]:
    async with db.trail.transaction(SYSTEM) as tx:
        rows = await tx.fetch("SELECT actor_kind, verb FROM audit_event WHERE verb IN ('ask-why', 'answer-why') ORDER BY seq")
    return [(row["actor_kind"], row["verb"]) for row in rows]


async def test_it_is_asked_answered_and_read_by_those_whom_it_concerns(db: Database, clock: FixedClock) -> None:
    made = await asked(db, clock)
    assert made.due_at == clock.now() + timedelta(days=30)
    assert await told(db) == [("access-question", make.HOSPITAL, "dpo"), ("access-question", make.HOSPITAL, "referent")]
    [waits] = await played(db, DPO, questions.to_answer)
    assert (waits.text, waits.look.display, waits.answer) == ("Je ne connais pas ce médecin.", "Dr Léo Castanier", None)
    await played(db, DPO, journeys.answer_why, made.id, WHY)
    assert await played(db, DPO, questions.to_answer) == []
    [read] = await played(db, patient(made.patient_id), questions.own)
    assert (read.answer, read.answered_at) == (WHY, clock.now())
    # The patient is told that something is there, and not what
    [message] = await messages(db)
    assert f"{FOCUS}/{made.id}" in message
    assert "Castanier" not in message
    assert WHY not in message
    assert await verbs(db) == [("patient", "ask-why"), ("person", "answer-why")]


@pytest.mark.parametrize("assurance", ["", "lien", "demo"])
async def test_a_link_alone_asks_nothing(db: Database, clock: FixedClock, assurance: str) -> None:
    [id] = await make.patients(db, 1)
    about = Look("a-look", clock.now(), make.TRIAGER.id, "Dr Léo Castanier", make.HOSPITAL)
    with pytest.raises(NotAllowed, match="assurance"):
        await played(db, patient(id, assurance), journeys.ask_why, about)
    with pytest.raises(NotAllowed, match="assurance"):
        await played(db, make.TRIAGER, journeys.ask_why, about)
    assert await told(db) == []


async def test_one_look_is_asked_about_once_and_in_few_words(db: Database, clock: FixedClock) -> None:
    made = await asked(db, clock)
    with pytest.raises(Conflict, match="asked-already"):
        await asked(db, clock)
    with pytest.raises(Invalid, match="question-long"):
        await played(db, patient(made.patient_id), journeys.ask_why, replace(made.look, id="another"), "x" * 501)
    await asked(db, clock, look="another")
    assert len(await played(db, patient(made.patient_id), questions.own)) == 2


async def test_only_a_reviewer_of_the_house_answers_never_who_looked_and_once(db: Database, clock: FixedClock) -> None:
    made = await asked(db, clock)
    looker = replace(DPO, id=make.TRIAGER.id)
    assert await played(db, looker, questions.to_answer) == []
    for who, family, reason in (
        (make.TRIAGER, NotAllowed, "role"),
        (looker, NotAllowed, "own-access"),
        (ELSEWHERE, NotFound, "not-found"),
        (patient(made.patient_id), NotFound, "not-found"),
    ):
        with pytest.raises(family, match=reason):
            await played(db, who, journeys.answer_why, made.id, WHY)
    with pytest.raises(Invalid, match="answer-short"):
        await played(db, DPO, journeys.answer_why, made.id, "Pour vous soigner"[:14])
    await played(db, DPO, journeys.answer_why, made.id, WHY)
    with pytest.raises(Conflict, match="answered-already"):
        await played(db, DPO, journeys.answer_why, made.id, WHY)


async def test_nobody_else_reads_it_whatever_select_is_sent(db: Database, clock: FixedClock) -> None:
    made = await asked(db, clock)
    await played(db, DPO, journeys.answer_why, made.id, WHY)
    other = (await make.patients(db, 2))[1]
    for who, seen in ((patient(made.patient_id), 1), (DPO, 1), (ELSEWHERE, 0), (patient(other), 0), (make.GP, 0)):
        async with db.transaction(who) as tx:
            found = [await tx.fetchval(f"SELECT count(*) FROM {table}") for table in ("access_question", "access_answer")]
        assert found == [seen, seen], who
    assert await played(db, patient(other), questions.own) == []
    assert await played(db, make.GP, questions.own) == []


async def test_an_answer_that_is_late_is_called_for_once_and_stays_as_it_was_said(db: Database, clock: FixedClock) -> None:
    made = await asked(db, clock)
    answered = await asked(db, clock, look="another")
    await played(db, DPO, journeys.answer_why, answered.id, WHY)
    clock.advance(timedelta(days=30) - timedelta(seconds=1))
    assert await played(db, SYSTEM, questions.call_for_answers) == []
    clock.advance(timedelta(seconds=1))
    for _ in range(2):
        for work in journeys.CLOCK:
            await played(db, SYSTEM, work)
    late = [one for one in await told(db) if one[0] == "access-question-late"]
    assert late == [("access-question-late", make.HOSPITAL, "dpo"), ("access-question-late", make.HOSPITAL, "referent")]
    assert (await played(db, DPO, questions.to_answer))[0].id == made.id
    with pytest.raises(Unavailable, match="not-granted"):
        await played(db, SYSTEM, lambda tx: tx.execute("UPDATE access_answer SET text = 'Une autre réponse que celle-là.'"))


async def test_who_wants_no_message_gets_none_and_finds_the_answer_all_the_same(db: Database, clock: FixedClock) -> None:
    made = await asked(db, clock)
    await played(db, patient(made.patient_id), lambda tx: journeys.oppose(tx.beyond(), made.patient_id, act="messages", said_by="patient"))
    await played(db, DPO, journeys.answer_why, made.id, WHY)
    assert await messages(db) == []
    assert (await played(db, patient(made.patient_id), questions.own))[0].answer == WHY
