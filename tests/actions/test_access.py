"""Who sees what, and who is behind a cookie or a token."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from tests.factories import referrals as make

from maillage import access, record, referrals
from maillage.access.identity import LIMITS
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import NotAllowed, Unauthenticated
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
NOBODY = Actor("person", "without-place", (), frozenset({"medecin"}))
SECOND = timedelta(seconds=1)
SHARED = ("medecin-traitant", "consentement", "bris-de-glace")
IDENTITY_ONLY = ("presence", "adressage", "rendez-vous", "tele-expertise")


async def sees(db: Database, actor: Actor, kind: str, id: str) -> bool:
    async with db.transaction(actor) as tx:
        return id in await record.existing(tx, kind, [id], access.visible_to(actor, kind))


async def link(db: Database, patient: str, basis: str, **options: Any) -> None:
    async with db.transaction(SYSTEM) as tx:
        if basis == "bris-de-glace":
            options = {"person": make.CARDIOLOGIST.id, "ends": tx.now + timedelta(hours=4)} | options
        await access.link(tx, patient, make.OTHER_HOSPITAL, basis, "Task/1", **options)


# --- visible_to -----------------------------------------------------------------


async def test_a_resource_is_seen_by_its_parties_and_by_nobody_else(db: Database) -> None:
    [draft] = await make.draft(db)
    seen = {actor.organization: await sees(db, actor, "Task", draft) for actor in (make.GP, make.TRIAGER, make.CARDIOLOGIST, make.STRANGER)}
    assert seen == {make.CENTRE: True, make.HOSPITAL: False, make.OTHER_HOSPITAL: False, "cabinet-creteil": False}
    await make.act(db, make.GP, referrals.send, draft, **make.SEND)
    assert await sees(db, make.TRIAGER, "Task", draft)
    assert not await sees(db, make.CARDIOLOGIST, "Task", draft)


async def test_no_organisation_means_no_row(db: Database) -> None:
    task = await make.sent(db)
    patient = (await make.look(db, task))["patient_id"]
    assert not await sees(db, NOBODY, "Task", task)
    assert not await sees(db, NOBODY, "Patient", patient)
    assert await sees(db, NOBODY, "HealthcareService", make.SERVICE)  # the directory holds no patient


@pytest.mark.parametrize("basis", [*IDENTITY_ONLY, *SHARED])
async def test_a_link_shows_the_identity_and_only_three_bases_the_record(db: Database, basis: str) -> None:
    task = await make.sent(db)
    patient = (await make.look(db, task))["patient_id"]
    assert not await sees(db, make.CARDIOLOGIST, "Patient", patient)
    await link(db, patient, basis)
    assert await sees(db, make.CARDIOLOGIST, "Patient", patient)
    assert await sees(db, make.CARDIOLOGIST, "Task", task) is (basis in SHARED)


async def test_a_link_opens_one_patient_only(db: Database) -> None:
    one, other = (await make.patients(db))[:2]
    await link(db, one, "consentement")
    assert not await sees(db, make.CARDIOLOGIST, "Patient", other)


async def test_a_link_lives_from_its_start_until_its_end_on_the_injected_clock(db: Database, clock: FixedClock) -> None:
    patient, now = (await make.patients(db))[0], clock.now()
    await link(db, patient, "presence", ends=now + timedelta(hours=4))
    seen = {}
    for offset in (-SECOND, timedelta(0), timedelta(hours=4) - SECOND, timedelta(hours=4)):
        clock.set(now + offset)
        seen[offset] = await sees(db, make.CARDIOLOGIST, "Patient", patient)
        async with db.transaction(make.CARDIOLOGIST) as tx:
            assert await access.has_link(tx, patient, [make.OTHER_HOSPITAL]) is seen[offset]
    assert list(seen.values()) == [False, True, True, False]


async def test_the_end_of_a_link_is_only_brought_nearer_by_its_source(db: Database, clock: FixedClock) -> None:
    patient, now = (await make.patients(db))[0], clock.now()
    await link(db, patient, "adressage")
    async with db.transaction(SYSTEM) as tx:
        await access.end_links(tx, "Task/2", now)
        assert await tx.fetchval("SELECT ends FROM care_link WHERE source = 'Task/1'") is None
        await access.end_links(tx, "Task/1", now + timedelta(days=90))
        await access.end_links(tx, "Task/1", now + timedelta(days=120))
        assert await tx.fetchval("SELECT ends FROM care_link WHERE source = 'Task/1'") == now + timedelta(days=90)


# --- sessions -------------------------------------------------------------------


async def account(db: Database, login: str, *, demo: bool) -> None:
    async with db.transaction(SYSTEM) as tx:
        await access.put_account(
            tx,
            login,
            practitioner_id=make.GP.id,
            role_id=str(make.GP.role_id),
            organization_id=make.CENTRE,
            roles=["medecin"],
            display="Maud Isambert",
            demo=demo,
        )


async def signed_in(db: Database) -> str:
    await account(db, "medecin", demo=True)
    async with db.transaction(SYSTEM) as tx:
        return (await access.sign_in_demo(tx, "medecin"))[0]


async def actor_behind(db: Database, secret: str) -> Actor:
    async with db.transaction(SYSTEM) as tx:
        return (await access.session_of(tx, secret)).actor


async def ended(db: Database, secret: str) -> bool:
    try:
        await actor_behind(db, secret)
    except Unauthenticated as error:
        return error.reason == "session-ended"
    return False


async def test_a_session_is_its_account_at_one_place(db: Database) -> None:
    actor = await actor_behind(db, await signed_in(db))
    assert (actor.kind, actor.id, actor.role_id, actor.organizations) == ("person", make.GP.id, make.GP.role_id, (make.CENTRE,))
    assert actor.roles == {"medecin"}


@pytest.mark.parametrize("login", ["serious", "unknown"])
async def test_only_demonstration_accounts_sign_in_and_the_others_all_hear_the_same(db: Database, login: str) -> None:
    await account(db, "serious", demo=False)
    with pytest.raises(Unauthenticated) as refusal:
        async with db.transaction(SYSTEM) as tx:
            await access.sign_in_demo(tx, login)
    assert refusal.value.reason == "login-refused"
    async with db.transaction(SYSTEM) as tx:
        assert [row["login"] for row in await access.demo_accounts(tx)] == []


async def test_a_session_ends_when_nobody_uses_it(db: Database, clock: FixedClock) -> None:
    secret = await signed_in(db)
    for _ in range(3):
        clock.advance(LIMITS.idle - SECOND)
        assert not await ended(db, secret)
    clock.advance(LIMITS.idle)
    assert await ended(db, secret)


async def test_a_session_ends_after_ten_hours_however_busy(db: Database, clock: FixedClock) -> None:
    secret, end = await signed_in(db), clock.now() + LIMITS.absolute
    while clock.now() < end - LIMITS.idle:
        clock.advance(LIMITS.idle - SECOND)
        assert not await ended(db, secret)
    clock.set(end)
    assert await ended(db, secret)


async def test_signing_out_ends_this_session_at_once_and_no_other(db: Database) -> None:
    first, second = await signed_in(db), await signed_in(db)
    async with db.transaction(SYSTEM) as tx:
        await access.sign_out(tx, first)
    assert [await ended(db, secret) for secret in (first, second)] == [True, False]


async def test_a_disabled_account_has_no_session_left(db: Database) -> None:
    secret = await signed_in(db)
    async with db.transaction(SYSTEM) as tx:
        await tx.execute("UPDATE account SET disabled = true")
    assert await ended(db, secret)


async def test_an_unknown_cookie_is_nobody(db: Database) -> None:
    assert await ended(db, "")
    assert await ended(db, "guess")


# --- tokens ---------------------------------------------------------------------


async def issued(db: Database, *organizations: str, hours: int = 1) -> str:
    async with db.transaction(SYSTEM) as tx:
        return await access.issue_token(tx, "labo", ["system/Task.rs"], organizations, timedelta(hours=hours))


async def behind_token(db: Database, secret: str) -> Actor:
    async with db.transaction(SYSTEM) as tx:
        return (await access.holder_of_token(tx, secret)).actor


async def test_a_token_is_its_client_with_its_organisations_and_scopes(db: Database) -> None:
    actor = await behind_token(db, await issued(db, make.CENTRE, make.HOSPITAL))
    assert (actor.kind, actor.id, actor.organizations) == ("client", "labo", (make.CENTRE, make.HOSPITAL))
    assert actor.scopes == ("system/Task.rs",)


async def test_a_client_without_organisation_gets_no_token(db: Database) -> None:
    with pytest.raises(NotAllowed) as refusal:
        await issued(db)
    assert refusal.value.reason == "no-organization"


async def test_a_token_expires(db: Database, clock: FixedClock) -> None:
    secret = await issued(db, make.CENTRE, hours=2)
    clock.advance(timedelta(hours=2) - SECOND)
    assert (await behind_token(db, secret)).id == "labo"
    clock.advance(SECOND)
    with pytest.raises(Unauthenticated):
        await behind_token(db, secret)


async def test_a_disabled_client_and_an_unknown_token_are_nobody(db: Database) -> None:
    secret = await issued(db, make.CENTRE)
    with pytest.raises(Unauthenticated):
        await behind_token(db, secret + "x")
    async with db.transaction(SYSTEM) as tx:
        await tx.execute("UPDATE api_client SET disabled = true")
    with pytest.raises(Unauthenticated):
        await behind_token(db, secret)


async def test_secrets_are_kept_as_hashes_only(db: Database) -> None:
    token, cookie = await issued(db, make.CENTRE), await signed_in(db)
    async with db.transaction(SYSTEM) as tx:
        hashes = {table: await tx.fetchval(f"SELECT token_hash FROM {table}") for table in ("api_token", "web_session")}
        rows = [
            row["text"]
            for table in ("api_token", "api_client", "web_session")
            for row in await tx.fetch(f"SELECT t::text AS text FROM {table} t")
        ]
    assert hashes == {"api_token": hashlib.sha256(token.encode()).digest(), "web_session": hashlib.sha256(cookie.encode()).digest()}
    assert not [row for row in rows if token in row or cookie in row]
