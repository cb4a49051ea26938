"""The partner's page: what an administrator sees of a partner's software, and takes up again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from tests.conftest import MONDAY
from tests.factories import referrals as requests
from tests.support.following import set_aside, told
from tests.support.furnished import KNOWN, request
from tests.support.machines import jwks
from tests.support.receiver import Receiver
from tests.support.web import make_door, patient_of, territory, visiting

from maillage.access import peers
from maillage.access.clients import actions
from maillage.access.clients.types import Client
from maillage.doors.web.partners import presenters
from maillage.journeys import exchange
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.messaging.subscriptions.types import TRIES
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
MANAGER = "gestionnaire-clamart"
PLACE = "/partenaires/labo-b"


async def test_a_dead_letter_is_shown_with_its_reason_and_taken_up_again(db: Database, clock: FixedClock) -> None:
    async with Receiver() as receiver:
        task = await set_aside(db, clock, receiver)
        async with visiting(make_door(db), MANAGER) as visitor:
            listed = await visitor.get("/partenaires")
            assert "1 envoi non distribué" in listed.text.replace("\u00a0", " ")
            shown = await visitor.get(PLACE)
            for words in (
                "Le partenaire a répondu par un refus (code 500)",
                "Arrêté par une erreur",
                "system/Task.rs",
                receiver.url,
                "p384",
            ):
                assert words in shown.text.replace("\u00a0", " "), words
            assert task not in shown.text, "a number and an instant, nothing of what it was about"
            assert patient_of("cms-clamart-soins") not in shown.text
            [letter] = {part.partition('"')[0] for part in shown.text.split('name="envoi" value="')[1:]}
            answer = await visitor.post(f"{PLACE}/envois", {"envoi": letter}, shown=PLACE)
            assert (answer.status_code, answer.headers["location"]) == (303, f"{PLACE}?fait=delivery-resumed")
            again = await visitor.post(f"{PLACE}/envois", {"envoi": letter, "_key": "other"}, shown=PLACE)
            assert again.status_code == 404
            await told(db)
            assert [one.number for one in receiver.events] == [1] * (TRIES + 1)
            assert "Reçu" in (await visitor.get(PLACE)).text


async def test_an_administrator_sees_the_software_of_the_organisation_alone(db: Database, clock: FixedClock) -> None:
    async with Receiver() as receiver:
        await set_aside(db, clock, receiver)
        door = make_door(db)
        async with visiting(door, "medecin-clamart") as doctor, visiting(door, "direction-percy") as other:
            assert [(await doctor.get(path)).status_code for path in ("/partenaires", PLACE)] == [403, 403]
            assert "labo-b" not in (await other.get("/partenaires")).text
            assert (await other.get(PLACE)).status_code == 404
            assert (await other.post(f"{PLACE}/abonnements", {"abonnement": "x"})).status_code == 404


@pytest.mark.parametrize(
    ("ends", "said"), [(None, None), (-1, "Certificat expiré"), (29, "Certificat bientôt expiré"), (31, "Certificat valable")]
)
async def test_a_certificate_says_when_it_ends(ends: int | None, said: str | None) -> None:
    until: datetime | None = MONDAY + timedelta(days=ends) if ends is not None else None
    client = Client("a", "backend", "a", ("o",), (), "", "", (), "", certificate_until=until)
    badge = presenters.certificate_badge(client, MONDAY)
    assert (badge and badge[0]) == said


@pytest.mark.parametrize(
    ("asked", "fresh", "good", "said"),
    [
        (None, None, None, None),
        (-5, 10, 10, "Clés publiées reçues"),
        (-5, -10, 10, "Serveur de clés injoignable"),
        (-5, None, None, "Serveur de clés injoignable"),
    ],
)
async def test_published_keys_say_whether_they_came(asked: int | None, fresh: int | None, good: int | None, said: str | None) -> None:
    instants = [None if minutes is None else MONDAY + timedelta(minutes=minutes) for minutes in (asked, fresh, good)]
    names = ("keys_asked_at", "keys_fresh_until", "keys_good_until")
    client = Client(
        "a", "backend", "a", ("o",), (), "{}", "", (), "", jwks_url="https://a.invalid/", **dict(zip(names, instants, strict=True))
    )
    badge = presenters.published(client, MONDAY)
    assert (badge and badge[0]) == said
    assert badge is None or badge[1] == ("good" if fresh == 10 else "alert" if good else "bad")


async def test_the_page_says_where_keys_are_published(db: Database, clock: FixedClock) -> None:
    async with Receiver() as receiver:
        await set_aside(db, clock, receiver)
        async with db.transaction(SYSTEM) as tx:
            await actions.rotate_keys(tx, "labo-b", "", keep=True, jwks_url="https://labo.invalid/jwks.json")
        async with visiting(make_door(db), MANAGER) as visitor:
            shown = (await visitor.get(PLACE)).text
        assert "https://labo.invalid/jwks.json" in shown
        assert "p384" not in shown, "the keys that were given count no more"


async def test_an_event_is_said_in_words_with_its_code() -> None:
    system = "http://terminology.hl7.org/CodeSystem/v2-0003"
    assert presenters.told_event(f"{system}|A01") == "Admission (A01)"
    assert presenters.told_event(f"{system}|Z99") == "Z99"


async def test_every_reason_has_its_sentence() -> None:
    assert presenters.why("http-503") == "Le partenaire a répondu par un refus (code 503)."
    assert "inattendu" in presenters.why("inattendu")
    assert presenters.why("") == ""


async def test_another_installation_shows_what_waits_and_is_told_again(db: Database) -> None:
    async with db.transaction(SYSTEM) as tx:
        client = Client("percy", "backend", "percy", (requests.HOSPITAL,), peers.SCOPES, jwks(), "", (), "")
        await peers.add_peer(tx, client, "https://percy.example/fhir", "clamart")
    task = await request(db, KNOWN[0]["id"], requests.SERVICE)
    [(_, fence)] = await exchange.lease(db)
    parcel = await exchange.prepare(db, "percy", fence)
    assert parcel is not None
    await exchange.refused(db, parcel, "requester-missing")
    async with visiting(make_door(db), MANAGER) as visitor:
        page = (await visitor.get("/partenaires")).text.replace("\u00a0", " ")
        assert "1 geste refusé" in page
        assert task not in page, "nothing says what it was about"
        done = await visitor.post("/partenaires/installations", {"installation": "percy"}, shown="/partenaires")
        assert (done.status_code, done.headers["location"]) == (303, "/partenaires?fait=peer-retried")
        assert "1 geste en attente" in (await visitor.get("/partenaires")).text.replace("\u00a0", " ")
        unknown = await visitor.post("/partenaires/installations", {"installation": "nobody", "_key": "other"}, shown="/partenaires")
        assert unknown.status_code == 404
