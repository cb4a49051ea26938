"""Sessions: their limits, their new ids, their end, and the place of exercise that they stand for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import referrals as make

from maillage import access
from maillage.access import WebSession, identity
from maillage.access.identity import LIMITS, Proof, SessionLimits
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, NotAllowed, NotFound, Unauthenticated
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
LOGIN, OTHER_ROLE = "castanier", "clamart-hge-castanier"
HOSPITAL_ROLE = "percy-hge-castanier"


async def person(db: Database, login: str = LOGIN, *, rpps: str | None = None) -> None:
    """Somebody who works at the hospital, and in town."""
    async with db.transaction(SYSTEM) as tx:
        place = {"role_id": HOSPITAL_ROLE, "organization_id": make.HOSPITAL}
        await access.put_account(
            tx, login, practitioner_id="castanier-leo", roles=["medecin"], display="Léo Castanier", rpps=rpps, demo=rpps is None, **place
        )
        await identity.allow_exercise(tx, login, role_id=OTHER_ROLE, organization_id=make.CENTRE, roles=["medecin"], rank=1)


async def opened(db: Database, login: str = LOGIN, role_id: str = HOSPITAL_ROLE) -> str:
    async with db.transaction(SYSTEM) as tx:
        return (await identity.open_session(tx, login, role_id, Proof("password+totp", "eidas2"), "Firefox/Linux"))[0]


async def behind(db: Database, secret: str, limits: SessionLimits = LIMITS) -> WebSession:
    async with db.transaction(SYSTEM, lazy=True) as tx:
        return await access.session_of(tx, secret, limits)


async def ended(db: Database, secret: str) -> bool:
    try:
        await behind(db, secret)
    except Unauthenticated as error:
        return error.reason == "session-ended"
    return False


async def test_a_session_says_how_when_and_where_its_owner_signed_in(db: Database, clock: FixedClock) -> None:
    await person(db)
    session = await behind(db, await opened(db))
    assert (session.method, session.assurance, session.began_at, session.authenticated_at) == (
        "password+totp",
        "eidas2",
        clock.now(),
        clock.now(),
    )
    assert (session.actor.role_id, session.actor.organization, session.actor.id) == (HOSPITAL_ROLE, make.HOSPITAL, "castanier-leo")


async def test_another_place_is_another_session_id_other_forms_and_the_same_absolute_limit(db: Database, clock: FixedClock) -> None:
    await person(db)
    first = await opened(db)
    before = await behind(db, first)
    clock.advance(timedelta(minutes=5))
    async with db.transaction(before.actor) as tx:
        second, after = await identity.renew_session(tx, first, role_id=OTHER_ROLE)
    assert await ended(db, first)
    assert (after.actor.organization, after.actor.role_id) == (make.CENTRE, OTHER_ROLE)
    assert after.id != before.id
    assert after.csrf != before.csrf
    assert (after.began_at, after.authenticated_at) == (before.began_at, before.authenticated_at)
    while clock.now() < before.began_at + LIMITS.absolute - timedelta(minutes=10):
        clock.advance(timedelta(minutes=10))
        assert not await ended(db, second)
    clock.set(before.began_at + LIMITS.absolute)
    assert await ended(db, second)


async def test_nobody_opens_or_moves_a_session_to_a_place_that_was_not_allowed(db: Database) -> None:
    await person(db)
    secret = await opened(db)
    for role in ("clamart-mg-isambert", "", "nowhere"):
        with pytest.raises(NotAllowed):
            await opened(db, role_id=role)
        async with db.transaction(SYSTEM) as tx:
            with pytest.raises(NotAllowed):
                await identity.renew_session(tx, secret, role_id=role)
    assert not await ended(db, secret)


async def test_a_factor_shown_again_makes_the_session_fresh_under_a_new_id(db: Database, clock: FixedClock) -> None:
    await person(db)
    first = await opened(db)
    clock.advance(timedelta(minutes=15))
    stale = await behind(db, first)
    assert not stale.fresh(clock.now(), 10)
    assert stale.fresh(clock.now(), 16)
    async with db.transaction(stale.actor) as tx:
        second, fresh = await identity.renew_session(tx, first, method="password+key")
    assert fresh.fresh(clock.now(), 1)
    assert (fresh.csrf, fresh.began_at) == (stale.csrf, stale.began_at)  # forms that are open elsewhere go on
    assert await ended(db, first)
    assert not await ended(db, second)


async def test_the_list_shows_live_sessions_and_only_its_owner_ends_them(db: Database) -> None:
    await person(db)
    await person(db, "neighbour")
    mine, other, theirs = await opened(db), await opened(db), await opened(db, "neighbour")
    here = await behind(db, mine)
    async with db.transaction(here.actor) as tx:
        lines = await identity.sessions_of(tx, LOGIN)
        assert {line.browser for line in lines} == {"Firefox/Linux"}
        [elsewhere] = [line.id for line in lines if line.id != here.id]
        foreign = (await behind(db, theirs)).id
        for id in (foreign, "nothing"):
            with pytest.raises(NotFound):
                await identity.revoke_session(tx, LOGIN, id)
        await identity.revoke_session(tx, LOGIN, elsewhere)
        assert [line.id for line in await identity.sessions_of(tx, LOGIN)] == [here.id]
    assert [await ended(db, secret) for secret in (mine, other, theirs)] == [False, True, False]


async def test_closing_the_others_keeps_this_one(db: Database) -> None:
    await person(db)
    kept, *others = [await opened(db) for _ in range(3)]
    here = await behind(db, kept)
    async with db.transaction(here.actor) as tx:
        assert await identity.revoke_others(tx, LOGIN, here.id) == 2
    assert [await ended(db, secret) for secret in (kept, *others)] == [False, True, True]


async def test_a_closed_account_or_place_ends_its_sessions_at_once(db: Database) -> None:
    await person(db)
    hospital, town = await opened(db), await opened(db, role_id=OTHER_ROLE)
    async with db.transaction(SYSTEM) as tx:
        await identity.end_exercise(tx, LOGIN, OTHER_ROLE)
    assert [await ended(db, secret) for secret in (hospital, town)] == [False, True]
    async with db.transaction(SYSTEM) as tx:
        await identity.disable_account(tx, LOGIN)
    assert await ended(db, hospital)
    async with db.transaction(SYSTEM) as tx:
        await identity.disable_account(tx, LOGIN, disabled=False)
    assert await ended(db, hospital)  # an account that is opened again does not wake its sessions
    async with db.transaction(SYSTEM) as tx:
        for missing in (identity.disable_account(tx, "nobody"), identity.end_exercise(tx, LOGIN, OTHER_ROLE)):
            with pytest.raises(NotFound):
                await missing


async def test_the_last_use_is_noted_now_and_then_and_never_prolongs_an_idle_session(db: Database, clock: FixedClock) -> None:
    await person(db)
    secret, seen = await opened(db), clock.now()

    async def noted() -> object:
        async with db.transaction(SYSTEM) as tx:
            return await tx.fetchval("SELECT seen_at FROM web_session")

    clock.advance(timedelta(seconds=29))
    await behind(db, secret)
    assert await noted() == seen
    clock.advance(timedelta(seconds=1))
    await behind(db, secret)
    assert await noted() == clock.now()
    clock.advance(LIMITS.idle)
    assert await ended(db, secret)
    assert await ended(db, secret)


async def test_limits_are_settings(db: Database, clock: FixedClock) -> None:
    await person(db)
    secret = await opened(db)
    clock.advance(timedelta(minutes=6))
    with pytest.raises(Unauthenticated):
        await behind(db, secret, SessionLimits(idle=timedelta(minutes=5)))
    assert await behind(db, secret)


async def test_a_session_of_long_ago_is_forgotten(db: Database, clock: FixedClock) -> None:
    await person(db)
    for ended_first in (True, False):
        secret = await opened(db)
        if ended_first:
            async with db.transaction(SYSTEM) as tx:
                await access.sign_out(tx, secret)

    async def left() -> object:
        async with db.transaction(SYSTEM) as tx:
            await identity.purge(tx)
            return await tx.fetchval("SELECT count(*) FROM web_session")

    clock.advance(timedelta(days=30, seconds=1))
    assert await left() == 1
    clock.advance(LIMITS.absolute)
    assert await left() == 0


async def test_an_rpps_comes_by_one_door_and_belongs_to_one_account(db: Database) -> None:
    await person(db, rpps="10001234567")
    with pytest.raises(Conflict, match="rpps-taken"):
        await person(db, "impostor", rpps="10001234567")
    with pytest.raises(Conflict, match="other-door"):
        async with db.transaction(SYSTEM) as tx:
            await tx.execute("UPDATE account SET door = 'local'")
    async with db.transaction(SYSTEM) as tx:
        assert (await identity.account_of_rpps(tx, "10001234567"))["login"] == LOGIN
        assert await identity.account_of_rpps(tx, "10009999999") is None


async def test_each_change_of_a_session_leaves_its_audit_row_under_its_owner(db: Database) -> None:
    await person(db)
    secret = await opened(db)
    async with db.transaction((await behind(db, secret)).actor) as tx:
        secret, _ = await identity.renew_session(tx, secret, role_id=OTHER_ROLE)
        secret, _ = await identity.renew_session(tx, secret, method="password+totp")
        await access.sign_out(tx, secret)
    async with db.trail.transaction(SYSTEM) as tx:
        rows = await tx.fetch("SELECT verb, actor_id, organization FROM audit_event WHERE res_type = 'Session' ORDER BY seq")
    told = [tuple(row) for row in rows]
    assert told == [
        ("login-password+totp", "castanier-leo", make.HOSPITAL),
        ("exercise-chosen", "castanier-leo", make.CENTRE),
        ("step-up-password+totp", "castanier-leo", make.CENTRE),
        ("logout", "castanier-leo", make.CENTRE),
    ]
