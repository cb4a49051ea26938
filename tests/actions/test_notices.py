"""Colleagues told beside the pages: who wants it, once, at their hour; what nobody looked at climbs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.factories import patients
from tests.factories import referrals as make
from tests.support.mail_server import MailServer, mail_server
from tests.support.sms_gateway import Gateway, sms_gateway

from maillage import messaging, worker
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.messaging import EMAIL, NONE, SMS, Setting
from maillage.settings import ServerSettings, Settings
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
NAMES = ("Dermatologie", "Percy", "Task", "demande", "patient")


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[MailServer]:
    with mail_server(tmp_path) as server:
        yield server


@pytest.fixture
def sms() -> Iterator[Gateway]:
    with sms_gateway() as gateway:
        yield gateway


class House:
    """The worker of an installation with both channels."""

    def __init__(self, db: Database, mail: MailServer, sms: Gateway) -> None:
        self.db, self.mail, self.sms = db, mail, sms
        settings = Settings(server=ServerSettings(base_url="https://maillage.example"), mail=mail.settings, sms=sms.settings)
        self.handlers = messaging.handlers(worker.post_of(settings))

    async def works(self) -> None:
        """Everything that is due now."""
        await patients.carried(self.db, self.handlers)
        await self.db.run(SYSTEM, messaging.gather)
        await patients.carried(self.db, self.handlers)

    async def tells(self, focus: str, *, urgent: bool = False, **options: Any) -> None:
        async with self.db.transaction(make.GP) as tx:
            told = {"focus": ("Task", focus), "organizations": [make.HOSPITAL], "urgent": urgent, **options}
            await messaging.notify(tx, "referral-send", **told)

    @property
    def sent(self) -> tuple[list[str], list[str]]:
        """To whom by e-mail, to whom by SMS."""
        return [message["To"] for message in self.mail.taken], [message["to"] for message in self.sms.sent]


@pytest.fixture
def house(db: Database, mail: MailServer, sms: Gateway) -> House:
    return House(db, mail, sms)


async def wants(db: Database, actor: Actor, **changes: Any) -> None:
    usual = {"channel": EMAIL, "email": f"{actor.id}@percy.example", "digest": time(8), "quiet": None}
    setting = Setting(actor.role_id or "", actor.organization, tuple(sorted(actor.roles)), **{**usual, **changes})
    async with db.transaction(actor) as tx:
        await messaging.save_setting(tx, setting)
        assert await messaging.setting_of(tx, setting.role_id, setting.organization_id) == setting


async def test_who_said_nothing_is_told_on_the_pages_alone(db: Database, house: House) -> None:
    await house.tells("1")
    await house.works()
    assert house.sent == ([], [])
    async with db.transaction(make.TRIAGER) as tx:
        assert len(await messaging.inbox(tx)) == 1


async def test_a_day_of_things_is_one_message_that_counts_what_is_still_unread(db: Database, house: House, clock: FixedClock) -> None:
    await wants(db, make.TRIAGER)
    for focus in ("1", "1", "2", "3"):
        await house.tells(focus)
    await house.works()
    assert house.sent == ([], []), "tomorrow at eight"
    async with db.transaction(make.TRIAGER) as tx:
        await messaging.mark_read(tx, ("Task", "2"))
    clock.advance(timedelta(hours=23))
    await house.works()
    await house.works()
    assert house.sent == ([f"{make.TRIAGER.id}@percy.example"], [])
    [text] = house.mail.texts()
    assert "Éléments qui vous attendent : 2." in text
    assert "https://maillage.example" in text
    assert not [word for word in NAMES if word.casefold() in text.casefold()]
    await house.tells("4")
    await house.works()
    clock.advance(timedelta(days=1))
    await house.works()
    assert len(house.mail.taken) == 2


async def test_what_was_read_meanwhile_is_not_told(db: Database, house: House, clock: FixedClock) -> None:
    await wants(db, make.TRIAGER)
    await house.tells("1")
    await house.works()
    async with db.transaction(make.TRIAGER) as tx:
        await messaging.mark_all_read(tx)
    clock.advance(timedelta(days=1))
    await house.works()
    assert house.sent == ([], [])


async def test_a_notification_reaches_those_whom_it_awaits(db: Database, house: House) -> None:
    for actor in (make.TRIAGER, make.TRIAGER_2, make.PLANNER, make.GP):
        await wants(db, actor, digest=None)
    await house.tells("1", roles=["medecin"])
    await house.tells("2", role_id=make.TRIAGER_2.role_id)
    await house.works()
    told = sorted(house.sent[0])
    assert told == sorted(f"{actor.id}@percy.example" for actor in (make.TRIAGER, make.TRIAGER_2))
    assert "2." in next(text for text, to in zip(house.mail.texts(), house.sent[0], strict=True) if to.startswith(make.TRIAGER_2.id))


async def test_quiet_hours_hold_and_what_is_urgent_goes_through(db: Database, house: House, clock: FixedClock) -> None:
    await wants(db, make.TRIAGER, digest=None, quiet=(time(8), time(12)))
    await house.tells("1")
    await house.works()
    assert house.sent == ([], [])
    await house.tells("2", urgent=True)
    await house.works()
    assert len(house.mail.taken) == 1
    clock.advance(timedelta(hours=3))
    await house.works()
    assert len(house.mail.taken) == 2


async def test_an_urgent_thing_that_nobody_looks_at_goes_by_sms_once(db: Database, house: House, clock: FixedClock) -> None:
    await wants(db, make.TRIAGER, phone="+33639980001")
    await wants(db, make.TRIAGER_2)
    await house.tells("1", urgent=True)
    await house.works()
    assert (len(house.sent[0]), house.sent[1]) == (2, [])
    for _ in range(3):
        clock.advance(timedelta(minutes=30))
        await house.works()
    assert (len(house.sent[0]), house.sent[1]) == (2, ["+33639980001"])


async def test_another_choice_counts_for_what_has_not_left(db: Database, house: House, clock: FixedClock) -> None:
    await wants(db, make.TRIAGER)
    await house.tells("1")
    await house.works()
    await wants(db, make.TRIAGER, channel=NONE)
    clock.advance(timedelta(days=1))
    await house.works()
    assert house.sent == ([], [])
    await wants(db, make.TRIAGER, channel=SMS, phone="+33639980001", digest=None)
    await house.tells("2")
    await house.works()
    assert house.sent == ([], ["+33639980001"])


async def test_a_notification_that_is_delivered_twice_is_told_once(db: Database, house: House) -> None:
    await wants(db, make.TRIAGER, digest=None)
    await house.tells("1")
    await house.works()
    async with db.transaction(SYSTEM) as tx:
        [id] = [row["id"] for row in await tx.fetch("SELECT id FROM notification ORDER BY id")]
        await house.handlers[messaging.TOPIC](tx, {"notification": id})  # type: ignore[operator]  # a plain handler
    await house.works()
    assert len(house.mail.taken) == 1
