"""Who acts as a clinician of a service: its triagers, its senior, whose role names it, and its covers while they last."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.factories import referrals as make

from maillage import directory, referrals
from maillage.codes import systems
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Invalid, NotAllowed
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio

COLLEAGUE = make.person("montaignac-ulysse", make.HOSPITAL, "medecin", role_id="percy-medecine-interne-montaignac")
DAY = timedelta(days=1)
TRIAGE: dict[str, dict[str, Any]] = {
    "ask_info": {"items": ["CRP"]},
    "accept": {},
    "advise": {"recommendation": "advice-only", "text": "Rien de plus."},
    "decline": {"reason": "no-indication", "comment": "Pas d'indication."},
    "redirect": {"service": make.OTHER_SERVICE, "reason": "age"},
    "change_priority": {"priority": "asap", "reason": "worsened"},
    "enter_in_error": {"reason": "wrong-patient"},
}


def role(
    practitioner: str, *services: str, id: str = "percy-cover", code: str = "garde", period: tuple[str, str] | None = None
) -> dict[str, Any]:
    """A role at the hospital, for services and a period."""
    return {
        "resourceType": "PractitionerRole",
        "id": id,
        "active": True,
        "practitioner": {"reference": f"Practitioner/{practitioner}"},
        "organization": {"reference": f"Organization/{make.HOSPITAL}"},
        "code": [{"coding": [{"system": systems.OWN_ROLE, "code": code}]}],
        "healthcareService": [{"reference": f"HealthcareService/{service}"} for service in services],
        **({"period": {"start": period[0], "end": period[1]}} if period else {}),
    }


def around(clock: FixedClock, before: timedelta = DAY, after: timedelta = DAY) -> tuple[str, str]:
    return ((clock.now() - before).isoformat(), (clock.now() + after).isoformat())


async def name_cover(db: Database, period: tuple[str, str], *, by: Actor = SYSTEM, **more: Any) -> None:
    await make.act(db, by, directory.save, role(COLLEAGUE.id, make.SERVICE, period=period, **more))


async def verbs(db: Database, actor: Actor, task: str) -> set[str]:
    return {one.verb for one in await make.act(db, actor, referrals.available_actions, task)}


@pytest.mark.parametrize("verb", TRIAGE)
async def test_a_clinician_of_another_service_does_not_triage(db: Database, verb: str) -> None:
    task = await make.opened(db)
    error = await make.refused(db, COLLEAGUE, getattr(referrals, verb), task, NotAllowed, **TRIAGE[verb])
    assert error.reason == "not-of-this-service"


async def test_a_clinician_of_another_service_reads_and_is_offered_nothing(db: Database) -> None:
    task = await make.sent(db)
    await make.act(db, COLLEAGUE, referrals.look, task)
    assert (await make.look(db, task, COLLEAGUE))["state"] == "sent", "reading is not triage: it stays unread"
    assert await verbs(db, COLLEAGUE, task) == set()
    error = await make.refused(db, COLLEAGUE, referrals.open_, task, NotAllowed)
    assert error.reason == "not-of-this-service"


async def test_the_senior_and_the_second_triager_triage(db: Database) -> None:
    task = await make.sent(db)
    assert await verbs(db, make.SENIOR, task) == await verbs(db, make.TRIAGER_2, task) == await verbs(db, make.TRIAGER, task)
    await make.act(db, make.SENIOR, referrals.accept, task)
    assert (await make.look(db, task))["decided_by"] == make.SENIOR.id


async def test_the_office_keeps_its_own_verbs_for_every_service(db: Database) -> None:
    task = await make.to_book(db)
    assert {"no-place", "offer", "book"} <= await verbs(db, make.PLANNER, task)
    await make.act(db, make.PLANNER, referrals.offer, task, **make.slot())


async def test_a_role_that_names_the_service_is_enough(db: Database) -> None:
    task = await make.opened(db)
    await make.act(db, SYSTEM, directory.save, role(COLLEAGUE.id, make.SERVICE, code="medecin"))
    await make.act(db, COLLEAGUE, referrals.accept, task)
    assert (await make.look(db, task))["decided_by"] == COLLEAGUE.id


async def test_a_cover_triages_while_it_lasts(db: Database, clock: FixedClock) -> None:
    task = await make.opened(db)
    await name_cover(db, around(clock, before=-DAY, after=2 * DAY))
    assert await verbs(db, COLLEAGUE, task) == set(), "it has not begun"
    clock.advance(DAY)
    assert "accept" in await verbs(db, COLLEAGUE, task)
    await make.act(db, COLLEAGUE, referrals.ask_info, task, items=["CRP"])
    clock.advance(DAY)
    assert await verbs(db, COLLEAGUE, task) == set(), "it has ended"


async def test_days_of_a_cover_are_days_in_paris_and_the_last_one_counts(db: Database, clock: FixedClock) -> None:
    task = await make.opened(db)
    await name_cover(db, ("2026-11-21", "2026-11-22"))
    for instant, there in (
        ("2026-11-20T22:59:00+00:00", False),
        ("2026-11-20T23:00:00+00:00", True),
        ("2026-11-22T22:59:00+00:00", True),
        ("2026-11-22T23:00:00+00:00", False),
    ):
        clock.set(datetime.fromisoformat(instant))
        assert ("accept" in await verbs(db, COLLEAGUE, task)) is there, instant


async def test_a_cover_for_another_service_changes_nothing_here(db: Database, clock: FixedClock) -> None:
    task = await make.opened(db)
    await make.act(db, SYSTEM, directory.save, role(COLLEAGUE.id, make.BOOKABLE, period=around(clock)))
    assert await verbs(db, COLLEAGUE, task) == set()


async def test_a_cover_is_told_where_it_signs_in(db: Database, clock: FixedClock) -> None:
    await name_cover(db, around(clock))
    task = await make.sent(db)
    assert ("referral-send", make.HOSPITAL, COLLEAGUE.role_id) in await make.told(db, task)
    clock.advance(2 * DAY)
    later = await make.sent(db, patient=1)
    assert ("referral-send", make.HOSPITAL, COLLEAGUE.role_id) not in await make.told(db, later)


async def test_a_cover_names_services_and_both_ends(db: Database, clock: FixedClock) -> None:
    for wrong in (
        role(COLLEAGUE.id, make.SERVICE),
        role(COLLEAGUE.id, period=around(clock)),
        {**role(COLLEAGUE.id, make.SERVICE), "period": {"start": around(clock)[0]}},
    ):
        with pytest.raises(Invalid) as caught:
            await make.act(db, SYSTEM, directory.save, wrong)
        assert caught.value.issues[0].reason == "cover-incomplete"
    with pytest.raises(Invalid) as caught:
        await name_cover(db, around(clock, before=-DAY, after=-2 * DAY))
    assert caught.value.issues[0].reason == "period-ends-before-start"


async def test_only_the_house_of_the_service_names_who_works_for_it(db: Database, clock: FixedClock) -> None:
    for stranger in (make.GP, make.CARDIOLOGIST):
        with pytest.raises(NotAllowed) as caught:
            await name_cover(db, around(clock), by=stranger)
        assert caught.value.reason == "not-the-owner"
    await name_cover(db, around(clock), by=make.SENIOR)


async def test_a_role_that_ended_gives_nothing(db: Database, clock: FixedClock) -> None:
    task = await make.opened(db)
    await make.act(db, SYSTEM, directory.save, role(COLLEAGUE.id, make.SERVICE, code="medecin", period=around(clock, after=timedelta())))
    assert await verbs(db, COLLEAGUE, task) == set()


async def test_a_follow_up_that_was_handed_back_is_for_the_service(db: Database, clock: FixedClock) -> None:
    task = await make.letter_sent(db, clock, recommendations=[{"text": "Revoir", "due": make.SLOT["end"] + 30 * DAY}])
    child = (await make.children(db, task, "follow-up"))[0]["id"]
    await make.act(db, make.GP, referrals.hand_back, child, comment="À vous de le programmer.")
    with pytest.raises(NotAllowed) as caught:
        await make.act(db, COLLEAGUE, referrals.done, child)
    assert caught.value.reason == "not-of-this-service"
    await make.act(db, make.TRIAGER, referrals.done, child)
