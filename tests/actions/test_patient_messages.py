"""A patient is told by a message that leaves by a real mail server and a real gateway: a link, a code, and no word of why."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.factories import booking as diary
from tests.factories import crossings
from tests.factories import patients as make
from tests.support.mail_server import MailServer, free_port, mail_server
from tests.support.postgres import as_owner
from tests.support.sms_gateway import Gateway, sms_gateway

from maillage import journeys, messaging, worker
from maillage.app import stop_task
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.period import PARIS
from maillage.messaging import Post
from maillage.settings import DataSettings, MailSettings, ServerSettings, Settings, SmsSettings
from maillage.store import Database, outbox

FILL = crossings.territory
pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("light_hashes")]
ADDRESS, NUMBER = "patiente@courriel.example", "06 39 98 00 01"
PUBLIC = "https://suivi.example"
NO_WORD = ("dermato", "percy", "clamart", "médecin", "hôpital", "santé", "rendez-vous")


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[MailServer]:
    with mail_server(tmp_path) as server:
        yield server


@pytest.fixture
def sms() -> Iterator[Gateway]:
    with sms_gateway() as gateway:
        yield gateway


def post(mail: MailSettings | None = None, sms: SmsSettings | None = None) -> Post:
    """The channels as the worker makes them from the settings."""
    return worker.post_of(Settings(server=ServerSettings(base_url=PUBLIC), mail=mail or MailSettings(), sms=sms or SmsSettings()))


async def booked(db: Database, **contact: str) -> tuple[str, str]:
    """An appointment without request, of a patient who can be reached so; the appointment and the patient."""
    slots = await crossings.slots(db)
    patient = (await diary.patients(db))[0]
    await make.reachable(db, patient, **contact)
    visit = await diary.booked(db, slots[0]["id"], patient)
    return visit["id"], patient


async def told(db: Database, event: str = messaging.NOT_REACHED) -> list[tuple[str, str]]:
    async with db.transaction(SYSTEM) as tx:
        rows = await tx.fetch("SELECT organization_id, role FROM notification WHERE event = $1 ORDER BY role", event)
    return [(row["organization_id"], row["role"]) for row in rows]


OFFICE = [(diary.HOSPITAL, "planificateur"), (diary.HOSPITAL, "secretaire")]


async def stands(db: Database) -> dict[str, Any]:
    async with db.transaction(SYSTEM) as tx:
        held, dead = await outbox.held(tx), await outbox.dead_letters(tx)
    return {"held": [(row["topic"], row["reason"]) for row in held], "dead": [(row["topic"], row["last_error"]) for row in dead]}


async def test_a_link_by_sms_and_its_code_by_mail_open_the_page(db: Database, mail: MailServer, sms: Gateway) -> None:
    visit, patient = await booked(db, email=ADDRESS, phone=NUMBER)
    await make.carried(db, messaging.handlers(post(mail.settings, sms.settings)))
    [link], [code] = sms.texts(), mail.texts()
    assert sms.sent[0]["to"] == "+33639980001"
    assert (mail.taken[0]["To"], mail.taken[0]["Subject"], mail.taken[0]["Auto-Submitted"]) == (ADDRESS, "Votre code", "auto-generated")
    digits = "".join(char for char in code if char.isdigit())
    async with make.browsing(db) as holder:
        assert (await holder.opens(make.secret_in(link), await make.born(db, patient), digits)).status_code == 303
        assert (await holder.acts("/annuler", shown="/annuler", reason="ill")).status_code == 303
    assert (await diary.row(db, "appointment", visit))["status"] == "cancelled"
    names = await identity(db, patient)
    for text in (link, code, *(str(message) for message in mail.taken)):
        assert not [word for word in (*NO_WORD, *names) if word.casefold() in text.casefold()]
    assert await stands(db) == {"held": [], "dead": []}


async def identity(db: Database, patient: str) -> list[str]:
    row = await diary.row(db, "patient", patient)
    return [row["family"], row["given"], str(row["birth_date"]), patient]


async def test_two_messages_at_once_bring_one_code(db: Database, mail: MailServer, sms: Gateway) -> None:
    visit, patient = await booked(db, email=ADDRESS, phone=NUMBER)
    await diary.act(db, SYSTEM, messaging.tell_patient, "appointment-move", focus=("Appointment", visit), patient=patient)
    await make.carried(db, messaging.handlers(post(mail.settings, sms.settings)))
    assert (len(sms.sent), len(mail.taken)) == (2, 1)


async def test_the_code_is_kept_and_the_next_message_is_a_link_alone(
    db: Database, mail: MailServer, sms: Gateway, clock: FixedClock
) -> None:
    await booked(db, email=ADDRESS, phone=NUMBER)
    handlers = messaging.handlers(post(mail.settings, sms.settings))
    await make.carried(db, handlers)
    await crossings.tick(db, clock, clock.now() + timedelta(days=9))
    await make.carried(db, handlers)
    assert (len(sms.sent), len(mail.taken)) == (2, 1)
    assert make.secret_in(sms.texts()[0]) != make.secret_in(sms.texts()[1])


async def test_a_mail_server_that_is_away_is_tried_again_and_keeps_nothing_else_waiting(
    db: Database, mail: MailServer, clock: FixedClock
) -> None:
    await booked(db, email=ADDRESS)
    handlers = messaging.handlers(post(mail.settings))
    mail.replies[:] = ["451 come back later"]
    await make.carried(db, handlers)
    assert mail.taken == []
    async with db.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT count(*) FROM notification WHERE delivered_at IS NULL") == 0
        [waits] = await tx.fetch("SELECT due_at, tries, last_error FROM outbox WHERE topic = $1", messaging.SEND)
    assert timedelta(minutes=4) <= waits["due_at"] - clock.now() <= timedelta(minutes=6)
    assert (waits["tries"], waits["last_error"]) == (1, "mail-away")
    clock.advance(timedelta(minutes=6))
    await make.carried(db, handlers)
    assert [message["To"] for message in mail.taken] == [ADDRESS]
    assert await told(db) == []


async def test_after_three_failures_somebody_telephones(db: Database, clock: FixedClock) -> None:
    """Nobody listens on that port."""
    await booked(db, email=ADDRESS)
    handlers = messaging.handlers(post(MailSettings(host="127.0.0.1", port=free_port(), security="none", timeout=1.0)))
    for _ in range(3):
        assert await told(db) == []
        await make.carried(db, handlers)
        clock.advance(timedelta(minutes=13))
    assert await stands(db) == {"held": [], "dead": [(messaging.SEND, "mail-away")]}
    assert await told(db) == OFFICE


@pytest.mark.parametrize("channel", ["email", "sms"])
async def test_a_refused_address_is_not_tried_again(db: Database, mail: MailServer, sms: Gateway, channel: str) -> None:
    await booked(db, **({"email": ADDRESS} if channel == "email" else {"phone": NUMBER}))
    mail.replies[:], sms.statuses[:] = ["550 no such box"], [400]
    await make.carried(db, messaging.handlers(post(mail.settings, sms.settings)))
    assert await stands(db) == {"held": [(messaging.SEND, "message-refused")], "dead": []}
    assert (mail.taken, sms.sent) == ([], [])
    assert await told(db) == OFFICE


async def test_a_message_that_was_taken_before_we_knew_is_not_sent_twice(db: Database, sms: Gateway, clock: FixedClock) -> None:
    """The gateway takes it and answers 503: the retry has the same key."""
    await booked(db, phone=NUMBER)
    handlers = messaging.handlers(post(sms=sms.settings))
    sms.statuses[:] = [503]
    await make.carried(db, handlers)
    clock.advance(timedelta(minutes=6))
    await make.carried(db, handlers)
    clock.advance(timedelta(minutes=6))
    await make.carried(db, handlers)
    assert len(sms.sent) == 1
    assert len(sms.keys) == 2
    assert len(set(sms.keys)) == 1


async def test_at_night_a_message_waits_for_the_morning_and_an_offer_does_not(db: Database, sms: Gateway, clock: FixedClock) -> None:
    clock.set(datetime.combine(clock.now().date(), time(22), PARIS))
    await booked(db, phone=NUMBER)
    handlers = messaging.handlers(post(sms=sms.settings))
    await make.carried(db, handlers)
    assert sms.sent == []
    patient = (await diary.patients(db))[0]
    async with db.transaction(SYSTEM) as tx:
        soon = tx.now + timedelta(hours=4)
        await messaging.tell_patient(tx, "appointment-refill", focus=("Appointment", "x"), patient=patient, answer_by=soon)
    await make.carried(db, handlers)
    assert len(sms.sent) == 1
    clock.advance(timedelta(hours=10))
    await make.carried(db, handlers)
    assert len(sms.sent) == 2


@pytest.mark.parametrize("why", ["refused", "dead", "merged"])
async def test_who_must_not_be_told_is_not(dsn: str, db: Database, sms: Gateway, why: str) -> None:
    """Looked at when the message is about to leave, however long it waited (hazard H20)."""
    _, patient = await booked(db, phone=NUMBER)
    handlers = messaging.handlers(post(sms=sms.settings))
    if why == "refused":
        await diary.act(db, SYSTEM, journeys.oppose, patient, act="messages", said_by="patient")
    else:
        column = "deceased = true" if why == "dead" else "active = false"
        await as_owner(dsn, "SET session_replication_role = replica", f"UPDATE patient SET {column} WHERE id = '{patient}'")
    await make.carried(db, handlers)
    assert sms.sent == []
    assert await told(db) == []
    if why != "refused":
        await as_owner(
            dsn, "SET session_replication_role = replica", f"UPDATE patient SET deceased = false, active = true WHERE id = '{patient}'"
        )


async def test_who_wants_a_voice_or_has_no_number_is_called(db: Database, sms: Gateway) -> None:
    _, patient = await booked(db, phone="01 99 00 12 34")
    await make.carried(db, messaging.handlers(post(sms=sms.settings)))
    assert await told(db) == OFFICE
    await make.reachable(db, patient, phone=NUMBER)
    await diary.act(db, SYSTEM, messaging.choose_channel, patient, messaging.CALL)
    async with db.transaction(SYSTEM) as tx:
        await messaging.tell_patient(tx, "appointment-move", focus=("Patient", patient), patient=patient)
    await make.carried(db, messaging.handlers(post(sms=sms.settings)))
    assert sms.sent == []
    assert len(await told(db)) == 4


async def test_a_minors_secret_leaves_by_no_message(db: Database, sms: Gateway) -> None:
    _, patient = await booked(db, phone=NUMBER)
    async with db.transaction(SYSTEM) as tx:
        await tx.execute(
            """
            INSERT INTO security_label (id, patient_id, code, starts, set_by, owner_org, parties)
            VALUES ('l', $1, 'INVISIBLE_REPRESENTANTS_LEGAUX', $2, 'dr', $3, ARRAY[$3])
            """,
            patient,
            tx.now,
            diary.HOSPITAL,
        )
    await make.carried(db, messaging.handlers(post(sms=sms.settings)))
    assert sms.sent == []
    assert await told(db) == OFFICE


async def test_what_was_held_leaves_when_a_channel_is_connected_and_what_is_too_old_does_not(
    db: Database, sms: Gateway, clock: FixedClock
) -> None:
    await booked(db, phone=NUMBER)
    await make.carried(db, messaging.HANDLERS)
    assert await stands(db) == {"held": [(messaging.PATIENT, messaging.NO_CHANNEL)], "dead": []}
    handlers = messaging.handlers(post(sms=sms.settings))
    await make.carried(db, handlers)
    assert sms.sent == [], "held until somebody lets it go"
    await diary.act(db, SYSTEM, worker.release)
    await make.carried(db, handlers)
    assert len(sms.sent) == 1
    await diary.act(db, SYSTEM, messaging.tell_patient, "late", focus=("Patient", "x"), patient=(await diary.patients(db))[0])
    await make.carried(db, messaging.HANDLERS)
    clock.advance(timedelta(days=8))
    await diary.act(db, SYSTEM, worker.release)
    await make.carried(db, handlers)
    assert await stands(db) == {"held": [(messaging.PATIENT, "too-old")], "dead": []}
    assert len(sms.sent) == 1


async def test_the_worker_lets_out_what_was_held_when_a_server_is_named(
    db: Database, mail: MailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await booked(db, email=ADDRESS)
    await make.carried(db, messaging.HANDLERS)
    monkeypatch.setattr(worker, "OUTBOX_SECONDS", 0.01)
    work = asyncio.create_task(worker.run(db, Settings(data=DataSettings(folder=tmp_path), mail=mail.settings)))
    try:
        async with asyncio.timeout(20):
            while not mail.taken:  # noqa: ASYNC110  # the server wakes nobody
                await asyncio.sleep(0.02)
    finally:
        await stop_task(work)
    assert make.secret_in(mail.texts()[0])


async def test_a_used_link_asks_for_a_new_one_once_in_ten_minutes(db: Database, sms: Gateway, clock: FixedClock) -> None:
    visit, patient = await booked(db, phone=NUMBER)
    handlers = messaging.handlers(post(sms=sms.settings))
    secret = await make.link_to(db, patient, "Appointment", visit)
    await make.carried(db, handlers)
    async with make.browsing(db) as holder:
        for token in (secret, secret, "x" * 24):
            asked = await holder.client.get(f"/p/{token}")
            answer = await holder.client.post(f"/p/{token}/nouveau", data={"_csrf": make.hidden(asked)["_csrf"]}, headers=make.SAME_SITE)
            assert "Si ce lien vient de nous" in answer.text
    await make.carried(db, handlers)
    assert len(sms.sent) == 2, "the one of the booking, and one that was asked for"


async def test_a_server_whose_certificate_nobody_trusts_gets_no_message(db: Database, mail: MailServer) -> None:
    await booked(db, email=ADDRESS)
    stranger = MailSettings(host="127.0.0.1", port=mail.settings.port, timeout=2.0)
    await make.carried(db, messaging.handlers(post(stranger)))
    assert mail.taken == []
    assert await stands(db) == {"held": [], "dead": []}, "away, and tried again"
