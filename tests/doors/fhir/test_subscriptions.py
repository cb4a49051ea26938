"""Subscriptions of partners' software, over the API, with a real receiver on the loopback (issue F; F19; I9; security.md 7)."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.doors.fhir.conftest import Caller, caller, token
from tests.support import french_events
from tests.support.certificates import authority_and_server
from tests.support.following import BASE, SECRET, SETTINGS, approve, courier, software, told, wanted
from tests.support.receiver import Receiver

from maillage import access, journeys, record
from maillage.access import choices
from maillage.access.choices import Target
from maillage.codes import r4
from maillage.doors.connectors.webhooks import Sender, addresses
from maillage.doors.connectors.webhooks.circuits import FAILURES
from maillage.doors.fhir import FhirDoor
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.messaging import subscriptions
from maillage.messaging.subscriptions.rules import BACKPORT
from maillage.messaging.subscriptions.topics import BY_TYPE
from maillage.messaging.subscriptions.types import KEPT, LEASE, TRIES
from maillage.settings import SubscriptionSettings
from maillage.store import Database, outbox

pytestmark = pytest.mark.asyncio


class Partner:
    """Software of org-b with keys, its receiver, and a patient of org-a whose usual doctor is in org-b."""

    def __init__(self, door: FhirDoor, ours: Caller, theirs: Caller, patient: str, receiver: Receiver) -> None:
        self.door, self.db, self.ours, self.theirs, self.patient, self.receiver = door, door.db, ours, theirs, patient, receiver

    async def follow(self, *filters: str, **more: Any) -> str:
        made = await self.theirs.make(wanted(more.pop("url", self.receiver.url), *filters, **more))
        assert made["status"] == "requested"
        return str(made["id"])

    async def task(self, status: str = "requested", **more: Any) -> str:
        made = {"resourceType": "Task", "status": status, "intent": "order", "for": {"reference": f"Patient/{self.patient}"}, **more}
        return str((await self.ours.make(made))["id"])

    async def move(self, id: str, status: str) -> None:
        found = await self.ours.get(f"/fhir/Task/{id}")
        answer = await self.ours.put(
            f"/fhir/Task/{id}", json={**found.json(), "status": status}, headers={"if-match": found.headers["etag"]}
        )
        assert answer.status_code == 200, answer.text

    async def status(self, id: str) -> tuple[str, str]:
        async with self.db.transaction(SYSTEM) as tx:
            shown = json.loads(await record.current(tx, "Subscription", id))
        return shown["status"], shown.get("error", "")


@pytest_asyncio.fixture
async def door(db: Database) -> FhirDoor:
    return FhirDoor(db, mode="test", intake=journeys.INTAKE)


@pytest_asyncio.fixture
async def partner(door: FhirDoor) -> AsyncIterator[Partner]:
    secret = await token(door.db, "ours", "org-a")
    async with Receiver() as receiver, caller(door, secret) as ours, software(door, "logiciel-b", "org-b", receiver.url) as theirs:
        patient = (await ours.make({"resourceType": "Patient", "name": [{"family": "CANARI"}]}))["id"]
        async with door.db.transaction(SYSTEM) as tx:
            await access.link(tx, patient, "org-b", "medecin-traitant", f"Patient/{patient}")
        yield Partner(door, ours, theirs, patient, receiver)


# --- created, validated, shaking hands ----------------------------------------------------
async def test_a_subscription_shakes_hands_then_tells_ids_and_numbers_signed(partner: Partner) -> None:
    id = await partner.follow()
    await told(partner.db)
    [hand] = partner.receiver.got
    assert (hand.kind, hand.status["status"]["valueCode"]) == ("handshake", "requested")
    assert await partner.status(id) == ("active", "")
    task = await partner.task()
    await partner.move(task, "accepted")
    await told(partner.db)
    first, second = partner.receiver.events
    assert [(one.number, one.focus) for one in (first, second)] == [(n, f"{BASE}/Task/{task}") for n in (1, 2)]
    assert first.status["subscription"]["valueReference"]["reference"] == f"{BASE}/Subscription/{id}"
    assert (first.headers["content-type"], first.headers["request"]) == ("application/fhir+json; charset=utf-8", "POST /hook HTTP/1.1")
    assert all(one.is_signed_with(SECRET) for one in partner.receiver.got)
    assert b"CANARI" not in first.body
    assert partner.patient.encode() not in first.body, "the id of the focus, and nothing else of it"
    assert r4.validate(json.loads(first.body)) == []
    assert len({one.id for one in partner.receiver.got}) == 3


async def test_what_cannot_be_followed_is_refused_at_its_field(partner: Partner) -> None:
    answer = await partner.theirs.post(
        "/fhir/Subscription", json=wanted("https://elsewhere.example/x", "Task?color=red", criteria="urn:none")
    )
    assert answer.status_code == 422
    assert [issue["expression"] for issue in answer.json()["issue"]] == [["Subscription.criteria"], ["Subscription.channel.endpoint"]]
    wider = await partner.theirs.post("/fhir/Subscription", json=wanted(partner.receiver.url, criteria=BY_TYPE["Appointment"].url))
    assert (wider.status_code, wider.json()["issue"][0]["details"]["coding"][0]["code"]) == (403, "scope")


async def test_filters_are_judged_on_the_version_of_the_event(partner: Partner) -> None:
    await partner.follow("Task?status=accepted", f"patient=Patient/{partner.patient}")
    await told(partner.db)
    task = await partner.task()
    await partner.move(task, "accepted")
    await partner.move(task, "completed")  # before anybody looked at the one before
    await told(partner.db)
    assert [one.number for one in partner.receiver.events] == [1]


async def test_status_and_events_are_asked_for_again(partner: Partner) -> None:
    id = await partner.follow()
    await told(partner.db)
    tasks = [await partner.task() for _ in range(3)]
    await told(partner.db)
    status = (await partner.theirs.get(f"/fhir/Subscription/{id}/$status")).json()
    named = {part["name"]: part for part in status["entry"][0]["resource"]["parameter"]}
    assert (named["type"]["valueCode"], named["status"]["valueCode"]) == ("query-status", "active")
    assert named["events-since-subscription-start"]["valueString"] == "3"
    assert (await partner.theirs.get("/fhir/Subscription/$status?status=off")).json()["total"] == 0
    assert (await partner.theirs.get(f"/fhir/Subscription/$status?id={id}&id=other")).json()["total"] == 1
    answer = await partner.theirs.get(f"/fhir/Subscription/{id}/$events?eventsSinceNumber=2&eventsUntilNumber=3")
    events = answer.json()["entry"]
    assert [entry["fullUrl"].rpartition("/")[2] for entry in events[1:]] == tasks[1:]
    assert r4.validate(answer.json()) == []
    assert (await partner.ours.get(f"/fhir/Subscription/{id}/$events")).status_code == 404, "another organisation's"


async def test_its_client_alone_changes_and_ends_it(partner: Partner) -> None:
    id = await partner.follow()
    await told(partner.db)
    shown = await partner.theirs.get(f"/fhir/Subscription/{id}")
    async with software(partner.door, "autre-b", "org-b", partner.receiver.url) as other:
        taken = await other.put(f"/fhir/Subscription/{id}", json=shown.json(), headers={"if-match": shown.headers["etag"]})
        assert taken.status_code == 403
    stopped = await partner.theirs.put(
        f"/fhir/Subscription/{id}", json={**shown.json(), "status": "off"}, headers={"if-match": shown.headers["etag"]}
    )
    assert (stopped.status_code, stopped.json()["status"]) == (200, "off")
    await partner.task()
    await told(partner.db)
    assert partner.receiver.events == []
    again = await partner.theirs.put(
        f"/fhir/Subscription/{id}", json={**shown.json(), "status": "requested"}, headers={"if-match": stopped.headers["etag"]}
    )
    assert again.status_code == 200
    await told(partner.db)
    task = await partner.task()
    last = await partner.theirs.get(f"/fhir/Subscription/{id}")
    await outbox.drain(partner.db, subscriptions.HANDLERS)
    assert (await partner.theirs.delete(f"/fhir/Subscription/{id}", headers={"if-match": last.headers["etag"]})).status_code == 204
    await told(partner.db)
    assert [one.focus for one in partner.receiver.events if one.focus.endswith(task)] == []
    assert (await partner.theirs.get(f"/fhir/Subscription/{id}")).status_code == 410


async def test_empty_says_that_something_happened_and_a_heartbeat_that_nothing_did(partner: Partner, clock: FixedClock) -> None:
    quiet = {"url": BACKPORT + "backport-payload-content", "valueCode": "empty"}
    beating = {"extension": [{"url": BACKPORT + "backport-heartbeat-period", "valueUnsignedInt": 60}]}
    await partner.follow(channel={"_payload": {"extension": [quiet]}, **beating})
    await told(partner.db)
    await partner.task()
    await told(partner.db)
    [event] = partner.receiver.events
    assert "topic" not in event.status
    assert b"Task" not in event.body
    for minutes, kinds in ((0.5, []), (1, ["heartbeat"]), (1.1, ["heartbeat"])):
        before = len(partner.receiver.got)
        clock.advance(timedelta(minutes=minutes))
        await told(partner.db)
        assert [one.kind for one in partner.receiver.got[before:]] == kinds


# --- receivers that answer late, twice, with 500, or never ------------------------------------
@pytest.mark.parametrize("how", [500, "drop", "lie", "elsewhere", "flood", 404])
async def test_what_was_not_taken_is_tried_again_under_the_same_id_and_in_order(partner: Partner, clock: FixedClock, how: Any) -> None:
    await partner.follow()
    await told(partner.db)
    partner.receiver.answers = [how, how, "late"]
    by = courier(partner.db)
    await partner.task()
    await partner.task()
    for _ in range(6):
        await told(partner.db, by)
        clock.advance(timedelta(seconds=20))
    one, two, three, last = partner.receiver.events
    assert one.id == two.id == three.id != last.id
    assert [event.number for event in partner.receiver.events] == [1, 1, 1, 2]


async def test_who_never_answers_slows_nobody_else_and_is_left_alone(partner: Partner, clock: FixedClock) -> None:
    slow = {"extension": [{"url": BACKPORT + "backport-timeout", "valueUnsignedInt": 1}]}
    async with Receiver() as hanging:
        await approve(partner.db, "logiciel-b", hanging.url)
        hung = [await partner.follow(url=hanging.url, channel=slow) for _ in range(4)]
        await partner.follow()
        by = courier(partner.db)
        await told(partner.db, by)
        hanging.answers = ["hang"] * 20
        await partner.task()
        await outbox.drain(partner.db, subscriptions.HANDLERS)
        while len(partner.receiver.events) < 1:  # the others hang meanwhile: nobody waits for them
            await by.round()
            await asyncio.sleep(0.01)
        assert len(hanging.events) <= SETTINGS.subscriptions.each
        await by.drain()
        tried = len(hanging.events)
        assert tried == FAILURES + 1 or tried == FAILURES, "the circuit opens; who has not been tried waits without losing a try"
        clock.advance(timedelta(seconds=9))
        await told(partner.db, by)
        assert len(hanging.events) == tried
        assert [await partner.status(id) for id in hung] == [("active", "")] * 4


async def test_a_receiver_that_wants_no_more_gets_no_more(partner: Partner) -> None:
    id = await partner.follow()
    await told(partner.db)
    partner.receiver.answers = [410]
    await partner.task()
    await partner.task()
    await told(partner.db)
    assert (len(partner.receiver.events), await partner.status(id)) == (1, ("off", "gone"))


async def test_a_handshake_that_fails_is_an_error_until_its_client_asks_again(partner: Partner) -> None:
    partner.receiver.answers = [500]
    id = await partner.follow()
    await told(partner.db)
    await partner.task()
    await told(partner.db)
    assert (partner.receiver.events, await partner.status(id)) == ([], ("error", "http-500"))
    shown = await partner.theirs.get(f"/fhir/Subscription/{id}")
    body = {**shown.json(), "status": "requested"}
    assert (await partner.theirs.put(f"/fhir/Subscription/{id}", json=body, headers={"if-match": shown.headers["etag"]})).status_code == 200
    await told(partner.db)
    assert [one.number for one in partner.receiver.events] == [1], "what happened meanwhile was kept"


async def test_after_its_tries_an_event_is_a_dead_letter_that_somebody_takes_up_again(partner: Partner, clock: FixedClock) -> None:
    id = await partner.follow()
    await told(partner.db)
    partner.receiver.answers = [500] * TRIES
    await partner.task()
    await partner.task()
    by = courier(partner.db)
    for _ in range(TRIES + 3):
        await told(partner.db, by)
        clock.advance(timedelta(hours=2))
    assert len({one.id for one in partner.receiver.events}) == 1
    assert (len(partner.receiver.events), await partner.status(id)) == (TRIES, ("error", "http-500"))
    async with partner.db.transaction(SYSTEM) as tx:
        [letter] = await subscriptions.dead_letters(tx, "logiciel-b")
        assert (letter["number"], letter["error"], letter["tries"]) == (1, "http-500", TRIES)
        assert [tuple(row) for row in await subscriptions.undelivered(tx)] == [("logiciel-b", "http-500", 1)]
        await subscriptions.resume(tx, letter["id"])
    await told(partner.db, by)
    assert [one.number for one in partner.receiver.events[TRIES:]] == [1, 2]
    assert partner.receiver.events[TRIES].id == partner.receiver.events[0].id
    assert await partner.status(id) == ("active", "")
    clock.advance(KEPT + timedelta(days=1))
    assert await partner.db.run(SYSTEM, subscriptions.forget) == 2


async def test_an_error_that_nobody_takes_up_ends_after_a_month(partner: Partner, clock: FixedClock) -> None:
    partner.receiver.answers = [500]
    id = await partner.follow()
    await told(partner.db)
    await partner.task()
    await outbox.drain(partner.db, subscriptions.HANDLERS)
    clock.advance(KEPT - timedelta(days=1))
    assert (await partner.db.run(SYSTEM, subscriptions.forget), await partner.status(id)) == (0, ("error", "http-500"))
    clock.advance(timedelta(days=2))
    await partner.db.run(SYSTEM, subscriptions.forget)
    assert await partner.status(id) == ("off", "abandoned")


async def test_a_worker_that_dies_loses_nothing_and_what_comes_twice_has_one_id(partner: Partner, clock: FixedClock) -> None:
    await partner.follow()
    await told(partner.db)
    await partner.task()
    await outbox.drain(partner.db, subscriptions.HANDLERS)
    partner.receiver.answers, dying = ["hang"], courier(partner.db)
    partner.receiver.came.clear()
    work = asyncio.create_task(dying.run())
    await partner.receiver.came.wait()
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work
    await told(partner.db)
    assert len(partner.receiver.events) == 1, "its lease still runs"
    clock.advance(LEASE + timedelta(seconds=1))
    await told(partner.db)
    first, again = partner.receiver.events
    assert (first.id, first.number) == (again.id, again.number)


async def test_two_workers_tell_each_event_once_and_in_order(partner: Partner) -> None:
    for _ in range(3):
        await partner.follow()
    await told(partner.db)
    for _ in range(4):
        await partner.task()
    await outbox.drain(partner.db, subscriptions.HANDLERS)
    await asyncio.gather(*(courier(partner.db).drain() for _ in range(3)))
    by_subscription: dict[str, list[int]] = {}
    for one in partner.receiver.events:
        by_subscription.setdefault(one.status["subscription"]["valueReference"]["reference"], []).append(one.number)
    assert sorted(by_subscription.values()) == [[1, 2, 3, 4]] * 3


# --- rights that end ------------------------------------------------------------------------------
async def test_an_opposition_between_the_event_and_its_delivery_is_told_to_nobody(partner: Partner) -> None:
    id = await partner.follow()
    await told(partner.db)
    await partner.task()
    await outbox.drain(partner.db, subscriptions.HANDLERS)
    async with partner.db.transaction(SYSTEM) as tx:
        await choices.oppose(tx, partner.patient, act="reading", said_by="patient", target=Target(organization="org-b"))
    await told(partner.db)
    await partner.task()  # and what comes afterwards has no number at all
    await told(partner.db)
    assert partner.receiver.events == []
    asked = await partner.theirs.get(f"/fhir/Subscription/{id}/$events")
    assert len(asked.json()["entry"]) == 1
    assert '"valueString":"1"' in asked.text, "the number that it had been given: one event, nothing of it"


LOST = {
    "disabled": ("client-disabled", "UPDATE api_client SET disabled = true WHERE name = 'logiciel-b'"),
    "address": ("endpoint-not-listed", "DELETE FROM api_client_address WHERE client = 'logiciel-b'"),
    "scope": ("scope", "UPDATE api_client SET scopes = '{system/Patient.rs}' WHERE name = 'logiciel-b'"),
    "organization": ("organization-lost", "UPDATE api_client SET organizations = '{org-c}' WHERE name = 'logiciel-b'"),
}


@pytest.mark.parametrize("what", sorted(LOST))
async def test_a_client_that_lost_its_right_gets_nothing_more(partner: Partner, what: str) -> None:
    id = await partner.follow()
    await told(partner.db)
    await partner.task()
    await outbox.drain(partner.db, subscriptions.HANDLERS)
    error, sql = LOST[what]
    async with partner.db.transaction(SYSTEM) as tx:
        await tx.execute(sql)
    await told(partner.db)
    assert partner.receiver.events == []
    async with partner.db.transaction(SYSTEM) as tx:
        one = await subscriptions.live(tx, id)
        assert (one.status, one.error) == ("off", error)
        assert await tx.fetchval("SELECT count(*) FROM subscription_delivery WHERE withheld_at IS NULL") == 0


async def test_who_may_not_see_a_patient_is_not_told_and_misses_no_number(partner: Partner) -> None:
    await partner.follow()
    await told(partner.db)
    stranger = (await partner.ours.make({"resourceType": "Patient", "name": [{"family": "AUTRE"}]}))["id"]
    await partner.task(**{"for": {"reference": f"Patient/{stranger}"}})
    await partner.task()
    await told(partner.db)
    assert [one.number for one in partner.receiver.events] == [1]


async def test_each_notice_is_in_the_audit_of_the_patient_before_it_leaves(partner: Partner) -> None:
    await partner.follow()
    await told(partner.db)
    task = await partner.task()
    await told(partner.db)
    async with partner.db.trail.transaction(SYSTEM) as tx:
        rows = await tx.fetch("SELECT actor_id, organization, patient_id, res_id FROM audit_event WHERE verb = 'notify'")
    assert [tuple(row) for row in rows] == [("logiciel-b", "org-b", partner.patient, task)]


# --- where it goes -----------------------------------------------------------------------------------
async def test_class_12_a_name_that_stands_for_a_private_address_is_not_reached(partner: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    sender = Sender(SubscriptionSettings())
    for host in ("localhost", "127.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]"):
        assert await sender.send(f"https://{host}:{partner.receiver.port}/hook", b"{}", {}, 5) == "address-refused", host
    assert await sender.send(partner.receiver.url, b"{}", {}, 5) == "address-refused", "no TLS but in a trial"
    monkeypatch.setattr(addresses, "_look_up", lambda _host, _port: ["93.184.215.14", "10.0.0.1"])
    assert await sender.send("https://two.example/hook", b"{}", {}, 5) == "address-refused", "one private address among others is enough"
    assert partner.receiver.got == []


async def test_class_12_the_address_that_was_judged_is_the_one_that_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Receiver() as receiver:
        asked: list[str] = []

        def look_up(host: str, _port: int) -> list[str]:
            asked.append(host)
            return ["127.0.0.1"]

        monkeypatch.setattr(addresses, "_look_up", look_up)
        sender = Sender(SubscriptionSettings(loopback=True))
        assert await sender.send(f"http://partner.invalid:{receiver.port}/hook", b"{}", {}, 5) == ""
        assert (asked, receiver.got[0].headers["host"]) == (["partner.invalid"], f"partner.invalid:{receiver.port}")


async def test_the_certificate_is_checked_against_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, served = certified(tmp_path, "partner.invalid")
    monkeypatch.setattr(addresses, "_look_up", lambda _host, _port: ["127.0.0.1"])
    async with Receiver(ssl=served) as receiver:
        known = Sender(SubscriptionSettings(loopback=True, authority=str(authority)))
        assert await known.send(f"https://partner.invalid:{receiver.port}/hook", b"{}", {}, 5) == ""
        assert await known.send(f"https://other.invalid:{receiver.port}/hook", b"{}", {}, 5) == "tls"
        assert (
            await Sender(SubscriptionSettings(loopback=True)).send(f"https://partner.invalid:{receiver.port}/hook", b"{}", {}, 5) == "tls"
        )


def certified(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """An authority and a server that it vouches for."""
    made, chain = authority_and_server(folder, name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return made, context


async def test_without_a_shared_secret_nothing_is_sent(partner: Partner) -> None:
    async with partner.db.transaction(SYSTEM) as tx:
        await tx.execute("UPDATE api_client SET signing = NULL")
    id = await partner.follow()
    await told(partner.db)
    assert (partner.receiver.got, await partner.status(id)) == ([], ("error", "no-secret"))


# --- the French guide ---------------------------------------------------------------------------------
async def test_a_french_subscription_is_told_of_events_by_orders(partner: Partner) -> None:
    scopes = "system/Subscription.cruds system/CommunicationRequest.cruds"
    async with software(partner.door, "nde", "org-c", partner.receiver.url, scopes) as nde:
        made = await nde.make(french_events.subscription(partner.receiver.url))
        assert made["status"] == "active", "no handshake in this guide"
        event = await nde.make(french_events.event())
        await nde.make(french_events.event(requester={"display": "somebody else"}, contained=[french_events.person()]))
        await told(partner.db)
        [got] = partner.receiver.got
        order = json.loads(got.body)
        assert (order["resourceType"], got.is_signed_with(SECRET)) == ("CommunicationRequest", True)
        assert order["basedOn"] == [{"reference": f"{BASE}/Subscription/{made['id']}"}]
        assert order["payload"] == [{"contentReference": {"reference": f"{BASE}/CommunicationRequest/{event['id']}"}}]
        assert "disponible" not in got.body.decode(), "what is there is read here, with the right to it"
        changed = await nde.put(f"/fhir/Subscription/{made['id']}", json={**made, "reason": "autre"}, headers={"if-match": 'W/"1"'})
        assert (changed.status_code, changed.json()["reason"]) == (200, "autre")
        ended = await nde.delete(f"/fhir/Subscription/{made['id']}", headers={"if-match": changed.headers["etag"]})
        assert ended.status_code == 200
        await nde.make(french_events.event())
        await told(partner.db)
        assert len(partner.receiver.got) == 1
