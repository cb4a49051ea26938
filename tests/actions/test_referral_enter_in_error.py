"""What should never have been."""

from __future__ import annotations

import json

import pytest
from tests.factories import referrals as make

from maillage import access, record, referrals
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, NotFound
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def test_both_copies_are_masked_and_the_senior_told(db: Database) -> None:
    task = await make.booked(db)
    await make.act(db, make.GP, referrals.enter_in_error, task, reason="wrong-patient")
    row = await make.look(db, task)
    assert (row["fhir_status"], row["business"], row["appointment_id"]) == ("entered-in-error", None, None)
    request = await make.request_of(db, task)
    shown = await make.photograph(db, "ServiceRequest", request["id"])
    form = shown["supportingInfo"][0]["reference"].partition("/")[2]
    masked = await make.photograph(db, "QuestionnaireResponse", form)
    assert (shown["status"], masked["status"]) == ("entered-in-error", "entered-in-error")
    assert "item" not in masked
    assert ("referral-enter-in-error", make.HOSPITAL, "percy-hge-escoubleau") in await make.told(db, task)


async def test_one_of_two_tasks_in_error_leaves_the_request(db: Database) -> None:
    task = await make.redirected(db)
    async with db.transaction(make.GP) as tx:
        _, new = await referrals.tasks_of(tx, (await make.request_of(db, task))["id"])
    await make.act(db, make.GP, referrals.enter_in_error, new["id"], reason="wrong-service")
    assert (await make.request_of(db, task))["status"] == "active"


async def test_open_children_go_with_it(db: Database) -> None:
    task = await make.info_requested(db)
    await make.act(db, make.TRIAGER, referrals.enter_in_error, task, reason="duplicate")
    assert all(child["turn"] is None for child in (await make.thread(db, task))["referral_child"])


async def test_not_after_the_visit(db: Database, clock: FixedClock) -> None:
    task = await make.seen(db, clock)
    await make.refused(db, make.GP, referrals.enter_in_error, task, Conflict, reason="wrong-patient")


SECRET = "Depuis trois mois, douleurs abdominales"


async def versions(db: Database, kind: str, id: str, actor: Actor) -> list[str]:
    async with db.transaction(actor) as tx:
        found = await record.versions(tx, [kind], lambda type_: access.visible_to(actor, type_), record.Span(), 100, id=id)
        return [one.content for one in found]


async def test_older_versions_say_no_more_than_the_last_but_to_the_named_senior(db: Database) -> None:
    task = await make.info_received(db)
    await make.act(db, make.GP, referrals.enter_in_error, task, reason="wrong-patient")
    request = await make.request_of(db, task)
    shown = await make.photograph(db, "ServiceRequest", request["id"])
    form = shown["supportingInfo"][0]["reference"].partition("/")[2]
    [child] = await make.children(db, task, "provide-information")
    for kind, id in (("ServiceRequest", request["id"]), ("QuestionnaireResponse", form), ("Task", task), ("Task", child["id"])):
        for actor in (make.GP, make.TRIAGER, make.CLIENT):
            *older, first = found = await versions(db, kind, id, actor)
            assert older, "there is an older version"
            assert not any(said in text for text in found for said in (SECRET, "CRP", "70 kg")), (kind, actor.id)
            last = json.loads(found[0])
            masked = json.loads(first)
            assert masked["status"] == last["status"]
            assert masked["meta"]["security"][-1]["code"] == "MASKED"
            assert (masked["meta"]["versionId"], masked["meta"].get("profile")) == ("1", last["meta"].get("profile"))
            assert "security" not in last["meta"]
    assert any(SECRET in text for text in await versions(db, "QuestionnaireResponse", form, make.SENIOR))
    assert any("CRP" in text for text in await versions(db, "Task", child["id"], make.SENIOR))


async def test_one_version_is_masked_like_the_list_of_them(db: Database) -> None:
    task = await make.opened(db)
    await make.act(db, make.TRIAGER, referrals.enter_in_error, task, reason="duplicate")
    async with db.transaction(make.GP) as tx:
        visible = access.visible_to(make.GP, "Task")
        first = json.loads((await record.vread(tx, "Task", task, 1, visible)).content)
        assert (first["status"], first["meta"]["versionId"]) == ("entered-in-error", "1")
        with pytest.raises(NotFound):
            await record.vread(tx, "Task", task, 99, visible)


async def test_a_request_that_goes_on_keeps_its_versions(db: Database) -> None:
    task = await make.redirected(db)
    async with db.transaction(make.GP) as tx:
        _, new = await referrals.tasks_of(tx, (await make.request_of(db, task))["id"])
    await make.act(db, make.GP, referrals.enter_in_error, new["id"], reason="wrong-service")
    request = (await make.request_of(db, task))["id"]
    form = (await make.photograph(db, "ServiceRequest", request))["supportingInfo"][0]["reference"].partition("/")[2]
    assert any(SECRET in text for text in await versions(db, "QuestionnaireResponse", form, make.TRIAGER))
    assert all("MASKED" not in text for text in await versions(db, "Task", task, make.GP))
    assert "MASKED" in (await versions(db, "Task", new["id"], make.GP))[-1]


async def test_the_page_of_what_was_entered_in_error_says_why_and_no_more(db: Database) -> None:
    task = await make.info_received(db)
    await make.act(db, make.GP, referrals.enter_in_error, task, reason="other", comment="saisie sur un homonyme")
    async with db.transaction(make.TRIAGER) as tx:
        row = await referrals.visible_task(tx, task)
        found = await referrals.thread(tx, row)
        items = await referrals.form_of(tx, row["request_id"])
    assert items == referrals.items_of(found["referral_form"])
    assert (items, list(found["referral_question"])) == ([], [])
    assert {row["description"] for row in found["referral_child"]} == {""}
    assert [row["comment"] for row in found["referral_status"] if row["comment"]] == ["saisie sur un homonyme"]


async def test_nothing_is_masked_that_is_not_there(db: Database) -> None:
    async with db.transaction(SYSTEM) as tx:
        with pytest.raises(NotFound):
            await record.mask(tx, "Task", "nowhere")
