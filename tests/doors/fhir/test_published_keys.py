"""Keys by URL: software that publishes its keys gets in by them, turns them alone, and nobody makes us ask anywhere else, too often or for long."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.conftest import MONDAY
from tests.support.certificates import authority_and_server
from tests.support.key_server import KeyServer, published
from tests.support.machines import asked, claims, register, signed

from maillage.access.clients import actions, queries
from maillage.access.clients.types import KeysAway
from maillage.doors.connectors.client_keys import KeyServers
from maillage.doors.connectors.webhooks import addresses
from maillage.doors.fhir import FhirDoor
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.settings import ClientSettings
from maillage.store import Database
from maillage.store.database import Limits

pytestmark = pytest.mark.asyncio
TRIAL = ClientSettings(keys_loopback=True, keys_timeout=20.0)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[KeyServer]:
    async with KeyServer("p384") as made:
        yield made


@pytest_asyncio.fixture
async def door(db: Database) -> FhirDoor:
    return FhirDoor(db, mode="test", keys=KeyServers(TRIAL).fetch)


async def labo(door: FhirDoor, server: KeyServer, name: str = "labo") -> None:
    await register(door.db, name, "org-a", "system/*.rs", jwks="", jwks_url=server.url)


async def enters(door: FhirDoor, key: str = "p384", name: str = "labo", **header: Any) -> bool:
    alg = {"p384": "ES384", "p256": "ES256", "rsa": "RS384", "stranger": "ES384"}[key]
    answer = await asked(door, signed(claims(door.db, name), alg, key=key, **header))
    if answer.status_code != 200:
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")
    return answer.status_code == 200


async def why(db: Database) -> str:
    async with db.trail.transaction(SYSTEM) as tx:
        verb: str = await tx.fetchval("SELECT verb FROM audit_event ORDER BY seq DESC LIMIT 1")
        return verb.rpartition(":")[2]


async def test_software_gets_in_by_the_keys_that_it_publishes_and_they_are_asked_for_once(door: FhirDoor, server: KeyServer) -> None:
    await labo(door, server)
    assert [await enters(door) for _ in range(3)] == [True, True, True]
    assert server.asked == 1
    async with door.db.transaction(SYSTEM) as tx:
        client = await queries.client_named(tx, "labo")
    assert client
    assert (client.keys_at, client.keys_fresh_until) == (MONDAY, MONDAY + timedelta(minutes=15))
    assert '"use"' not in client.jwks


async def test_a_new_key_is_found_and_the_old_one_is_gone(door: FhirDoor, server: KeyServer, clock: FixedClock) -> None:
    await labo(door, server)
    assert await enters(door)
    clock.advance(timedelta(minutes=2))
    server.keys = published(["p256"])
    assert await enters(door, "p256")
    assert not await enters(door, "p384")
    assert server.asked == 2


async def test_a_key_that_was_taken_back_is_worth_nothing_once_what_we_have_is_no_longer_fresh(
    door: FhirDoor, server: KeyServer, clock: FixedClock
) -> None:
    server.cached = "max-age=300"
    await labo(door, server)
    assert await enters(door)
    server.keys = []
    clock.advance(timedelta(minutes=4, seconds=59))
    assert await enters(door)
    clock.advance(timedelta(seconds=1))
    assert not await enters(door)


async def test_class_18_wrong_names_of_keys_do_not_make_us_hammer_anybody(door: FhirDoor, server: KeyServer, clock: FixedClock) -> None:
    await labo(door, server)
    assert await enters(door)
    clock.advance(timedelta(minutes=1))
    assert [await enters(door, kid=f"wrong-{turn}") for turn in range(5)] == [False] * 5
    assert server.asked == 2
    assert await enters(door), "the others go on"
    clock.advance(timedelta(minutes=1))
    assert not await enters(door, kid="wrong")
    assert server.asked == 3


async def test_class_18_a_stranger_with_the_name_of_a_published_key_stays_outside(door: FhirDoor, server: KeyServer) -> None:
    await labo(door, server)
    assert not await enters(door, "stranger")
    assert await why(door.db) == "signature"


async def test_class_12_an_assertion_does_not_say_where_its_keys_are(door: FhirDoor, server: KeyServer) -> None:
    async with KeyServer("stranger") as attacker:
        await labo(door, server)
        await register(door.db, "given", "org-a", "system/*.rs")
        assert not await enters(door, "stranger", jku=attacker.url)
        assert not await enters(door, "p384", jku=attacker.url), "a right signature does not make the address right"
        assert await why(door.db) == "key"
        assert not await enters(door, "p384", "given", jku=attacker.url)
        assert await enters(door, "p384", jku=server.url)
        assert attacker.asked == 0


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("404", "http-404"),
        ("500", "http-500"),
        ("elsewhere", "redirect"),
        ("flood", "too-large"),
        ("nonsense", "jwks-form"),
        ("drop", "connection"),
    ],
)
async def test_a_server_that_fails_gives_no_key_and_keys_that_we_have_serve_while_they_may(
    answer: str, code: str, door: FhirDoor, server: KeyServer, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    server.cached, server.answer = "max-age=300, stale-if-error=600", answer
    await labo(door, server)
    assert not await enters(door)
    assert f"client-keys-away labo: {code}" in caplog.text
    server.answer = ""
    clock.advance(timedelta(minutes=1))
    assert await enters(door)
    server.answer = answer
    clock.advance(timedelta(minutes=14, seconds=59))
    assert await enters(door)
    assert server.asked == 3, "an answer elsewhere is not followed"
    clock.advance(timedelta(seconds=1))
    assert not await enters(door)


async def test_keys_survive_a_restart_of_ours_while_their_server_is_away(door: FhirDoor, server: KeyServer, clock: FixedClock) -> None:
    await labo(door, server)
    assert await enters(door)
    server.answer = "500"
    clock.advance(timedelta(hours=20))
    assert await enters(FhirDoor(door.db, mode="test", keys=KeyServers(TRIAL).fetch))


async def test_a_server_that_hangs_slows_its_own_client_alone_and_holds_no_connection(
    dsn: str, clock: FixedClock, server: KeyServer
) -> None:
    one = await Database.open(dsn, clock, limits=Limits(pool_size=1, acquire=10))
    try:
        door = FhirDoor(one, mode="test", keys=KeyServers(TRIAL).fetch)
        await labo(door, server)
        await register(one, "given", "org-a", "system/*.rs")
        server.go.clear()
        waiting = [asyncio.create_task(enters(door)) for _ in range(3)]
        await server.came.wait()
        assert await enters(door, name="given")
        assert not any(task.done() for task in waiting)
        server.go.set()
        assert await asyncio.gather(*waiting) == [True, True, True]
        assert server.asked == 1
    finally:
        await one.close()


async def test_few_wait_for_a_server_that_hangs(door: FhirDoor, server: KeyServer) -> None:
    await labo(door, server)
    server.go.clear()
    first = asyncio.create_task(enters(door))
    await server.came.wait()
    several = [asyncio.create_task(enters(door)) for _ in range(8)]
    waiting = set(several)
    while len(waiting) > 3:
        refused, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert not any(task.result() for task in refused)
    server.go.set()
    assert await first
    assert sorted(await asyncio.gather(*several)) == [False] * 5 + [True] * 3


async def test_a_server_has_so_long_and_no_longer(server: KeyServer) -> None:
    server.answer = "hang"
    with pytest.raises(KeysAway) as away:
        await KeyServers(ClientSettings(keys_loopback=True, keys_timeout=0.05)).fetch(server.url)
    assert away.value.why == "timeout"


async def test_the_certificate_of_a_server_is_checked_against_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, chain = authority_and_server(tmp_path, "labo.invalid")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    monkeypatch.setattr(addresses, "_look_up", lambda _host, _port: ["127.0.0.1"])
    async with KeyServer("p384", ssl=context) as server:
        knows = KeyServers(ClientSettings(keys_loopback=True, keys_authority=str(authority)))
        assert "p384" in (await knows.fetch(server.url.replace("localhost", "labo.invalid"))).jwks
        for fetch, name in ((knows.fetch, "other.invalid"), (KeyServers(TRIAL).fetch, "labo.invalid")):
            with pytest.raises(KeysAway) as away:
                await fetch(server.url.replace("localhost", name))
            assert away.value.why == "tls"


@pytest.mark.parametrize(
    "url",
    [
        "https://10.0.0.7/jwks.json",
        "https://169.254.169.254/latest/meta-data",
        "https://[fd00::1]/jwks.json",
        "https://[::ffff:192.168.1.1]/jwks.json",
        "http://192.0.2.7/jwks.json",
    ],
)
async def test_class_12_keys_are_never_fetched_in_a_private_network(url: str) -> None:
    with pytest.raises(KeysAway) as away:
        await KeyServers(TRIAL).fetch(url)
    assert away.value.why == "address-refused"


async def test_class_12_our_own_machine_is_no_key_server_unless_it_is_a_trial(server: KeyServer) -> None:
    with pytest.raises(KeysAway) as away:
        await KeyServers(ClientSettings()).fetch(server.url)
    assert away.value.why == "address-refused"
    assert server.asked == 0


async def test_an_administrator_gives_keys_or_their_address_and_the_last_word_counts(
    door: FhirDoor, server: KeyServer, clock: FixedClock
) -> None:
    await register(door.db, "labo", "org-a", "system/*.rs")
    assert await enters(door, "rsa")
    async with door.db.transaction(SYSTEM) as tx:
        await actions.rotate_keys(tx, "labo", "", keep=True, jwks_url=server.url)
    assert not await enters(door, "rsa")
    assert await enters(door, "p384")
    async with door.db.transaction(SYSTEM) as tx:
        await actions.rotate_keys(tx, "labo", await _given(tx), keep=True)
    clock.advance(timedelta(days=2))
    assert await enters(door, "p384")
    assert server.asked == 1


async def _given(tx: Any) -> str:
    client = await queries.client_named(tx, "labo")
    assert client
    return client.jwks


async def test_an_address_that_changed_while_it_was_asked_gives_nothing(door: FhirDoor, server: KeyServer, clock: FixedClock) -> None:
    async with KeyServer("p256") as other:
        await labo(door, server)
        server.go.clear()
        waiting = asyncio.create_task(enters(door))
        await server.came.wait()
        async with door.db.transaction(SYSTEM) as tx:
            await actions.rotate_keys(tx, "labo", "", keep=True, jwks_url=other.url)
        server.go.set()
        assert not await waiting
        assert await enters(door, "p256")
