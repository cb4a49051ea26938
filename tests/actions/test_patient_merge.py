"""Two files of one person become one: what is open moves and is told; a merge that was a mistake is taken back and leaves what came after."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.factories import booking as diary
from tests.factories import crossings as make
from tests.factories import referrals as requests
from tests.support import postgres

from maillage import access, directory, journeys, messaging, record
from maillage.access import choices, labels
from maillage.access.choices import Target
from maillage.codes import systems
from maillage.codes.json import decode
from maillage.directory import merging
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
CENTRE, HOSPITAL = requests.CENTRE, requests.HOSPITAL
KEEPER = requests.person("vernois-colette", CENTRE, "secretaire", "identitovigilance", role_id="clamart-secretaire-vernois")
DESK = requests.person("vernois-colette", CENTRE, "secretaire", role_id="clamart-secretaire-vernois")
ELSEWHERE = requests.person("loubressac-nadege", HOSPITAL, "identitovigilance", role_id="percy-secretaire-loubressac")


async def content(db: Database, kind: str, id: str) -> dict[str, Any]:
    async with db.transaction(SYSTEM) as tx:
        found: dict[str, Any] = decode(await record.current(tx, kind, id))
    return found


async def two(db: Database) -> tuple[str, str]:
    """Two files of the centre, known to the centre and to the hospital: one to close, and one that is surer and stays."""
    return (await three(db))[::2]  # type: ignore[return-value]  # two of the three


async def three(db: Database) -> tuple[str, str, str]:
    """The same, with one between them."""
    async with db.transaction(SYSTEM) as tx:
        rows = await tx.fetch("SELECT id, qualified FROM patient ORDER BY id")
    unsure = [row["id"] for row in rows if not row["qualified"]]
    found = (unsure[0], unsure[1], next(row["id"] for row in rows if row["qualified"]))
    await postgres.as_owner(db._dsn, f"UPDATE patient SET owner_org = '{CENTRE}' WHERE id IN {found}")
    return found


async def rank(db: Database, patient: str) -> int:
    """The place of a patient in the list of the factory."""
    return (await requests.patients(db)).index(patient)


async def merge(db: Database, source: str, target: str, by: Actor = KEEPER, **given: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await requests.act(
        db,
        by,
        journeys.merge,
        source_patient=f"Patient/{source}",
        target_patient=f"Patient/{target}",
        **{"identity_confirmed": True, **given},
    )
    return answer


async def whose(db: Database, table: str, id: str) -> str:
    async with db.transaction(SYSTEM) as tx:
        return str(await tx.fetchval(f"SELECT patient_id FROM {table} WHERE id = $1", id))


async def events(db: Database, event: str) -> set[tuple[str, str, str]]:
    async with db.transaction(SYSTEM) as tx:
        rows = await tx.fetch("SELECT focus_type, focus_id, organization_id FROM notification WHERE event = $1 ORDER BY id", event)
    return {(row["focus_type"], row["focus_id"], row["organization_id"]) for row in rows}


async def test_a_merge_moves_every_open_task_and_appointment_and_tells_each_holder(db: Database) -> None:
    source, target = await two(db)
    slot = (await make.slots(db))[0]["id"]
    task = await make.booked(db, slot, patient=await rank(db, source))
    request = (await requests.look(db, task))["request_id"]
    visit = (await make.visit(db, task))["id"]
    answer = await merge(db, source, target)
    assert [one["name"] for one in answer["parameter"]] == ["input", "outcome", "result"]
    assert answer["parameter"][2]["resource"]["id"] == target
    for table, id in (("service_request", request), ("referral_task", task), ("appointment", visit)):
        assert await whose(db, table, id) == target
    assert (await content(db, "Task", task))["for"]["reference"] == f"Patient/{target}"
    assert (await content(db, "ServiceRequest", request))["subject"]["reference"] == f"Patient/{target}"
    people = [one["actor"]["reference"] for one in (await content(db, "Appointment", visit))["participant"]]
    assert f"Patient/{target}" in people
    assert f"Patient/{source}" not in people
    assert {
        ("Task", task, CENTRE),
        ("Task", task, HOSPITAL),
        ("Appointment", visit, CENTRE),
        ("Appointment", visit, HOSPITAL),
    } <= await events(db, "patient-merged")
    await make.check(db)


async def test_both_files_say_who_replaces_whom_and_the_replaced_one_is_still_read(db: Database) -> None:
    source, target = await two(db)
    await merge(db, source, target)
    old, kept = await content(db, "Patient", source), await content(db, "Patient", target)
    assert old["active"] is False
    assert old["link"] == [{"other": {"reference": f"Patient/{target}"}, "type": "replaced-by"}]
    assert kept["link"] == [{"other": {"reference": f"Patient/{source}"}, "type": "replaces"}]
    carried = {one["value"]: one["use"] for one in kept["identifier"]}
    assert {carried[one["value"]] for one in old["identifier"]} == {"old"}
    async with db.transaction(requests.TRIAGER) as tx:
        visible = access.visible_to(tx.actor, "Patient")
        assert (await record.read(tx, "Patient", source, visible)).id == source
        family, given = old["name"][0]["family"], old["name"][0]["given"][0]
        found = await directory.find_patients(tx, visible, family=family, given=given, gender=old["gender"])
        assert source not in {one.id for one in found}
    async with db.transaction(SYSTEM) as tx:
        assert await merging.survivor_of(tx, source) == target
        assert await directory.drift(tx, "test") == []
    async with db.trail.transaction(SYSTEM) as tx:
        trail = await tx.fetch("SELECT verb FROM audit_event WHERE patient_id = $1 AND verb = 'merge' ORDER BY at", source)
    assert trail


async def test_the_same_merge_again_changes_nothing_and_another_one_is_refused(db: Database) -> None:
    source, third, target = await three(db)
    await merge(db, source, target)
    before = await content(db, "Patient", target)
    await merge(db, source, target)
    assert await content(db, "Patient", target) == before
    with pytest.raises(Conflict, match="patient-replaced"):
        await merge(db, source, third)
    with pytest.raises(Conflict, match="patient-replaced"):
        await merge(db, third, source)


@pytest.mark.parametrize(
    ("by", "given", "error", "reason"),
    [
        (DESK, {}, NotAllowed, "role"),
        (ELSEWHERE, {}, NotAllowed, "not-the-owner"),
        (KEEPER, {"identity_confirmed": False}, Invalid, "identity-unconfirmed"),
    ],
)
async def test_only_who_is_in_charge_of_identities_where_the_files_are_kept_merges(
    db: Database, by: Actor, given: dict[str, Any], error: type[Exception], reason: str
) -> None:
    source, target = await two(db)
    with pytest.raises(error, match=reason):
        await merge(db, source, target, by, **given)
    assert "link" not in await content(db, "Patient", source)


async def test_a_file_out_of_sight_is_absent(db: Database) -> None:
    source, target = await two(db)
    await postgres.unknown(db._dsn, source, CENTRE)
    with pytest.raises(NotFound):
        await merge(db, source, target)


async def test_two_qualified_ins_are_two_persons_and_the_surer_file_survives(db: Database) -> None:
    source, target = await two(db)
    async with db.transaction(SYSTEM) as tx:
        sure = [row["id"] for row in await tx.fetch("SELECT id FROM patient WHERE qualified ORDER BY id LIMIT 2")]
    await postgres.as_owner(db._dsn, f"UPDATE patient SET owner_org = '{CENTRE}' WHERE id = '{sure[1]}'")
    with pytest.raises(Conflict, match="ins-conflict"):
        await merge(db, *sure)
    with pytest.raises(Conflict, match="survivor-less-sure"):
        await merge(db, target, source)
    with pytest.raises(Conflict, match="same-file"):
        await merge(db, source, source)


async def test_a_preview_says_what_would_move_and_writes_nothing(db: Database) -> None:
    source, target = await two(db)
    await requests.sent(db, patient=await rank(db, source))
    answer = await merge(db, source, target, preview=True, identity_confirmed=False)
    assert answer["parameter"][1]["resource"]["issue"][0]["diagnostics"] == "preview: 1 requests, 0 appointments"
    assert "link" not in await content(db, "Patient", source)


async def test_nothing_begins_for_a_replaced_file_and_its_content_is_not_rewritten(db: Database) -> None:
    source, target = await two(db)
    slot = (await make.slots(db))[0]["id"]
    await merge(db, source, target)
    with pytest.raises(Conflict, match="patient-replaced"):
        await requests.sent(db, patient=await rank(db, source))
    with pytest.raises(Conflict, match="patient-replaced"):
        await make.do(db, make.PLANNER, "Slot/book", slot, patient=f"Patient/{source}", priority="routine")
    old, kept = await content(db, "Patient", source), await content(db, "Patient", target)
    async with db.transaction(KEEPER) as tx:
        visible = access.visible_to(KEEPER, "Patient")
        with pytest.raises(Conflict, match="patient-replaced"):
            await directory.update_patient(tx, source, {**old, "active": True}, visible, mode="test")
        with pytest.raises(Invalid, match="link-by-merge"):
            await directory.update_patient(tx, target, {key: value for key, value in kept.items() if key != "link"}, visible, mode="test")
        await directory.update_patient(tx, target, {**kept, "language": "fr-FR"}, visible, mode="test")


async def test_two_requests_of_one_requester_at_one_service_stand_beside_each_other_until_somebody_decides(db: Database) -> None:
    source, target = await two(db)
    kept, moved = await requests.sent(db, patient=await rank(db, target)), await requests.sent(db, patient=await rank(db, source))
    await merge(db, source, target)
    assert (await requests.look(db, moved))["duplicate_reason"] == "merged-files"
    assert (await requests.look(db, kept))["duplicate_reason"] is None
    await requests.act(db, KEEPER, journeys.unmerge, source)
    assert (await requests.look(db, moved))["duplicate_reason"] is None
    assert [await whose(db, "referral_task", id) for id in (kept, moved)] == [target, source]


async def test_two_waiting_lines_both_stay(db: Database) -> None:
    source, target = await two(db)
    lines = []
    for patient in (target, source):
        row = await diary.act(
            db,
            make.PLANNER,
            journeys.booking_to_referral.join_waitlist,  # type: ignore[attr-defined]  # the crossing itself, as the door calls it
            patient=patient,
            service=requests.SERVICE,
            priority="routine",
        )
        lines.append(row if isinstance(row, str) else row["id"])
    await merge(db, source, target)
    async with db.transaction(SYSTEM) as tx:
        rows = await tx.fetch(
            "SELECT patient_id, status, waits_beside FROM appointment WHERE id = ANY ($1::text[]) ORDER BY waits_beside", lines
        )
    assert [tuple(row.values()) for row in rows] == [(target, "waitlist", False), (target, "waitlist", True)]


async def test_taking_a_merge_back_returns_what_it_moved_and_leaves_what_came_after(db: Database) -> None:
    source, target = await two(db)
    slot = (await make.slots(db))[0]["id"]
    before = await content(db, "Patient", source)
    task = await make.to_book(db, patient=await rank(db, source))
    await merge(db, source, target)
    await make.do(db, make.PLANNER, "Task/book", task, slot=f"Slot/{slot}")  # after the merge, on what it moved
    came_after = await requests.sent(db, patient=await rank(db, target), services=[requests.OTHER_SERVICE])
    visit = (await make.visit(db, task))["id"]
    assert await whose(db, "appointment", visit) == target
    assert await requests.act(db, KEEPER, journeys.unmerge, source) == source
    assert await requests.act(db, KEEPER, journeys.unmerge, source) == source  # twice is once
    assert [await whose(db, "appointment", visit), await whose(db, "referral_task", task)] == [source, source]
    assert await whose(db, "referral_task", came_after) == target
    after, kept = await content(db, "Patient", source), await content(db, "Patient", target)
    assert record.comparable(after) == record.comparable(before)
    assert "link" not in kept
    assert all(one["use"] != "old" for one in kept["identifier"])
    assert ("Task", task, HOSPITAL) in await events(db, "patient-unmerged")
    async with db.transaction(requests.TRIAGER) as tx:
        assert await record.existing(tx, "Patient", [source, target], access.visible_to(tx.actor, "Patient")) == {source, target}
    await make.check(db)


async def test_merges_are_taken_back_from_the_last_one(db: Database) -> None:
    source, target, third = await three(db)
    task = await requests.sent(db, patient=await rank(db, source))
    with pytest.raises(Conflict, match="not-merged"):
        await requests.act(db, KEEPER, journeys.unmerge, source)
    await merge(db, source, target)
    await merge(db, target, third)
    assert await whose(db, "referral_task", task) == third
    with pytest.raises(Conflict, match="survivor-replaced"):
        await requests.act(db, KEEPER, journeys.unmerge, source)
    await requests.act(db, KEEPER, journeys.unmerge, target)
    await requests.act(db, KEEPER, journeys.unmerge, source)
    assert await whose(db, "referral_task", task) == source


async def test_links_refusals_and_labels_count_for_both_files_and_end_with_the_merge(db: Database) -> None:
    source, target = await two(db)
    task = await requests.sent(db, patient=await rank(db, source))
    request = (await requests.look(db, task))["request_id"]
    await requests.act(db, DESK, choices.oppose, source, act="reading", said_by="patient", target=Target(organization="chic"))
    await requests.act(db, requests.GP, labels.put_label, "ServiceRequest", request, "PSY")
    stranger = Actor("person", "lavardac-myriam", ("chic",), frozenset({"medecin"}), "chic-cardiologie-lavardac")
    async with db.transaction(SYSTEM) as tx:
        await access.link(tx, target, "chic", "presence", f"Patient/{target}")

    async def seen(id: str) -> bool:
        async with db.transaction(stranger) as tx:
            return bool(await record.existing(tx, "Patient", [id], access.visible_to(stranger, "Patient")))

    async def closed(patient: str) -> int:
        async with db.transaction(SYSTEM) as tx:
            return int(await tx.fetchval("SELECT count(*) FROM security_label WHERE patient_id = $1 AND res_id = $2", patient, request))

    assert await seen(target)
    await merge(db, source, target)
    assert not await seen(target)
    assert not await seen(source)
    assert await closed(target) == 1
    await requests.act(db, KEEPER, journeys.unmerge, source)
    assert await seen(target)
    assert not await seen(source)


async def test_a_message_to_a_replaced_file_goes_to_the_survivor(db: Database) -> None:
    source, target = await two(db)
    await merge(db, source, target)
    payload = {"event": "appointment-book", "focus": "Appointment/x", "patient": source}
    async with db.transaction(SYSTEM) as tx:
        await messaging.actions.patients.given_up(tx, payload)  # type: ignore[attr-defined]  # what the outbox calls after three failures
        rows = await tx.fetch("SELECT patient_id FROM notification WHERE event = 'patient-not-reached' ORDER BY id")
    assert {row["patient_id"] for row in rows} == {target}


async def test_who_books_while_two_files_are_merged_is_before_or_refused_never_between(db: Database) -> None:
    source, target = await two(db)
    slots = [row["id"] for row in (await make.slots(db))[:4]]

    async def book(slot: str) -> str:
        try:
            await make.do(db, make.PLANNER, "Slot/book", slot, patient=f"Patient/{source}", priority="routine")
        except Conflict as error:
            return str(error.reason)
        return "booked"

    merged = merge(db, source, target)
    answers = await asyncio.gather(*(book(slot) for slot in slots[:2]), merged, *(book(slot) for slot in slots[2:]))
    words = {one for one in answers if isinstance(one, str)}
    assert words <= {"booked", "patient-replaced"}
    async with db.transaction(SYSTEM) as tx:
        left = await tx.fetchval("SELECT count(*) FROM appointment WHERE patient_id = $1", source)
        taken = await tx.fetchval("SELECT count(*) FROM appointment WHERE patient_id = $1", target)
    assert (left, taken) == (0, [one for one in answers if isinstance(one, str)].count("booked"))
    await make.check(db)


async def test_two_keepers_merge_and_take_back_at_once_with_one_effect(db: Database) -> None:
    source, target = await two(db)
    await requests.sent(db, patient=await rank(db, source))
    await asyncio.gather(*(merge(db, source, target) for _ in range(3)))
    async with db.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT count(*) FROM patient_merge") == 1
    await asyncio.gather(*(requests.act(db, KEEPER, journeys.unmerge, source) for _ in range(3)))
    assert "link" not in await content(db, "Patient", source)


async def test_no_row_moves_without_a_line_of_the_ledger(db: Database) -> None:
    source, third, target = await three(db)
    task = await requests.sent(db, patient=await rank(db, source))
    await merge(db, source, target)
    for patient in (source, third):  # back while the merge stands, or to somebody else
        with pytest.raises(Invalid, match="patient-changed"):
            async with db.transaction(SYSTEM) as tx:
                await tx.execute("UPDATE referral_task SET patient_id = $2 WHERE id = $1", task, patient)


async def twin(db: Database, target: str) -> str:
    """Another file with the traits of one, without its INS."""
    whole = await content(db, "Patient", target)
    made = {**{key: value for key, value in whole.items() if key not in ("id", "meta")}, "identifier": [], "extension": []}
    made["extension"] = [one for one in whole["extension"] if one["url"] != systems.EXT_IDENTITY_RELIABILITY]
    async with db.transaction(DESK) as tx:
        return await journeys.register_patient(tx, {**made, "managingOrganization": {"reference": f"Organization/{CENTRE}"}}, mode="test")


async def proposed(db: Database) -> list[tuple[str, str]]:
    async with db.transaction(KEEPER) as tx:
        found = await merging.suspects(tx, KEEPER.organizations, access.visible_to(KEEPER, "Patient"))
    return [(one.first, one.second) for one in found]


async def test_files_that_look_alike_are_proposed_until_somebody_finds_two_persons(db: Database) -> None:
    source, target = await two(db)
    made = await twin(db, target)
    pair = (min(made, target), max(made, target))
    assert pair in await proposed(db)
    with pytest.raises(NotAllowed, match="role"):
        await requests.act(db, DESK, journeys.keep_apart, made, target)
    await requests.act(db, KEEPER, journeys.keep_apart, made, target)
    assert pair not in await proposed(db)
    assert source not in {id for both in await proposed(db) for id in both}


async def test_they_are_those_that_were_found_lately_and_are_still_open(db: Database, clock: FixedClock) -> None:
    _, target = await two(db)
    first = await twin(db, target)
    await db.run(SYSTEM, merging.keep_alike)
    second = await twin(db, target)
    alike, later = (min(first, target), max(first, target)), (min(second, target), max(second, target))
    assert (alike in await proposed(db), later in await proposed(db)) == (True, False)
    await merge(db, first, target)
    assert alike not in await proposed(db), "a closed file is gone at once"
    await db.run(SYSTEM, merging.keep_alike)
    assert later in await proposed(db)
    async with db.transaction(SYSTEM) as tx:
        await tx.execute("UPDATE patient_alike SET firsts = '{}', seconds = '{}'")
    assert await proposed(db) == []
    clock.advance(2 * merging.LASTS)
    assert later in await proposed(db), "nobody has looked for long: it is looked for now"


async def test_the_likeliest_that_were_found_are_kept_first(db: Database) -> None:
    _, target = await two(db)
    same = await twin(db, target)
    await db.run(SYSTEM, merging.keep_alike)
    async with db.transaction(SYSTEM) as tx:
        row = await tx.fetchrow("SELECT firsts, seconds FROM patient_alike WHERE owner_org = $1", CENTRE)
    kept = list(zip(row["firsts"], row["seconds"], strict=True))
    assert kept[0] == (min(same, target), max(same, target)), "every trait agrees"
    assert await proposed(db) == kept[: merging.queries.MOST], "a page shows them in that order"
