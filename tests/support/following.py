"""What follows events in tests: software with keys, its approved address and secret, and the worker that tells it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from tests.conftest import MONDAY
from tests.doors.fhir.conftest import Caller, caller, token
from tests.factories.booking import CENTRE
from tests.support import machines
from tests.support.receiver import Receiver
from tests.support.web import SEALING_KEY, patient_of

from maillage import journeys
from maillage.access.clients import actions
from maillage.access.identity import Sealer
from maillage.doors.connectors.webhooks import Courier
from maillage.doors.connectors.webhooks.courier import purpose
from maillage.doors.fhir import FhirDoor
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.messaging import subscriptions
from maillage.messaging.subscriptions.rules import BACKPORT
from maillage.messaging.subscriptions.topics import BY_TYPE
from maillage.messaging.subscriptions.types import TRIES
from maillage.settings import IdentitySettings, ServerSettings, Settings, SubscriptionSettings
from maillage.store import Database, outbox

SECRET = b"a secret of thirty-two bytes....."
SETTINGS = Settings(
    identity=IdentitySettings(key=SEALING_KEY),
    server=ServerSettings(base_url="https://maillage.example"),
    subscriptions=SubscriptionSettings(loopback=True),
)
BASE = "https://maillage.example/fhir"
SCOPES = "system/Subscription.cruds system/Task.rs"


def courier(db: Database) -> Courier:
    """One whose circuits go by the clock of the test."""
    begun = db.clock.now()
    return Courier(db, SETTINGS, monotonic=lambda: (db.clock.now() - begun) / timedelta(seconds=1))


async def told(db: Database, by: Courier | None = None) -> None:
    """What the worker does: events to their followers, then out."""
    await outbox.drain(db, subscriptions.HANDLERS)
    await (by or courier(db)).drain()


def wanted(url: str, *filters: str, **more: Any) -> dict[str, Any]:
    """A Subscription to Tasks."""
    channel = {"type": "rest-hook", "endpoint": url, "payload": "application/fhir+json", **more.pop("channel", {})}
    made = {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "suivi",
        "criteria": BY_TYPE["Task"].url,
        "channel": channel,
        **more,
    }
    if filters:
        made["_criteria"] = {"extension": [{"url": BACKPORT + "backport-filter-criteria", "valueString": text} for text in filters]}
    return made


async def approve(db: Database, client: str, *urls: str) -> None:
    """What the operator does."""
    async with db.transaction(SYSTEM) as tx:
        for url in urls:
            await actions.allow_address(tx, client, url)
        await actions.put_signing(tx, client, Sealer.of(SETTINGS).seal(SECRET, purpose(client)), keep=False)


@asynccontextmanager
async def software(door: FhirDoor, name: str, organization: str, url: str, scopes: str = SCOPES, **more: Any) -> AsyncIterator[Caller]:
    """Software of a partner, approved, with a token."""
    await machines.register(door.db, name, organization, *scopes.split(), **more)
    await approve(door.db, name, url)
    async with caller(door, await machines.token_for(door, name, scopes)) as made:
        yield made


async def set_aside(db: Database, clock: FixedClock, receiver: Receiver) -> str:
    """Software of the centre whose receiver fails until an event is set aside; the request that it was about."""
    door = FhirDoor(db, mode="test", intake=journeys.INTAKE)
    soon = {"certificate_until": MONDAY + timedelta(days=10)}
    async with software(door, "labo-b", CENTRE, receiver.url, **soon) as theirs:
        await theirs.make(wanted(receiver.url))
        await told(db)
        async with caller(door, await token(db, "dossier-clamart", CENTRE)) as ours:
            patient = {"reference": f"Patient/{patient_of(CENTRE)}"}
            task = await ours.make({"resourceType": "Task", "status": "requested", "intent": "order", "for": patient})
            receiver.answers = [500] * TRIES
            by = courier(db)
            for _ in range(TRIES):
                await told(db, by)
                clock.advance(timedelta(hours=2))
    return str(task["id"])
