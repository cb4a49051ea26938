"""F18: the provider is down, slow, changes its keys, or its clock is wrong. Sessions go on, and nobody comes in by another way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.support.lying_provider import Lies, Provider, key, provider
from tests.support.psc import HOSPITAL_ROLE, authorise, door_for, inside, through
from tests.support.web import territory, visiting

from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
CLIENT_PATHS = ("/connexion/psc", "/connexion/psc?confirmer=1")


class Clock:
    """The provider's clock, which may differ from ours."""

    def __init__(self, ours: FixedClock) -> None:
        self.ours, self.ahead = ours, timedelta()

    def now(self) -> object:
        return self.ours.now() + self.ahead


@pytest.fixture
def theirs(clock: FixedClock) -> Clock:
    return Clock(clock)


@pytest.fixture
def psc(theirs: Clock) -> Iterator[Provider]:
    with provider(theirs.now) as made:  # type: ignore[arg-type]  # an instant
        yield made


@pytest.mark.parametrize("trouble", [Lies(down=True), Lies(slow=1.0)], ids=["down", "slow"])
async def test_f18_sessions_go_on_and_nobody_else_comes_in(db: Database, psc: Provider, clock: FixedClock, trouble: Lies) -> None:
    await authorise(db, HOSPITAL_ROLE)
    door = door_for(db, psc)
    async with visiting(door) as visitor, visiting(door) as late:
        await through(visitor)
        psc.lies = trouble
        hasty = door_for(db, psc, timeout=0.05)
        clock.advance(timedelta(minutes=15))
        assert await inside(visitor)
        async with visiting(hasty) as newcomer:
            for path in CLIENT_PATHS:
                answer = await newcomer.get(path)
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
            assert "Pro Santé Connect ne répond pas" in answer.text.replace("\u00a0", " ")
            assert not await inside(newcomer)
        psc.lies = Lies()
        assert (await through(late)).status_code == 303


async def test_f18_a_provider_that_falls_after_the_link_leaves_the_visitor_outside(db: Database, psc: Provider) -> None:
    from tests.support.psc import asked, way_back

    await authorise(db, HOSPITAL_ROLE)
    async with visiting(door_for(db, psc)) as visitor:
        back = await way_back((await asked(visitor))[0])
        psc.lies = Lies(down=True)
        assert (await visitor.get(back)).status_code == 503
        assert not await inside(visitor)


async def test_f18_a_new_key_is_fetched_and_an_old_one_is_forgotten(db: Database, psc: Provider, clock: FixedClock) -> None:
    await authorise(db, HOSPITAL_ROLE)
    door = door_for(db, psc)
    async with visiting(door) as visitor:
        assert (await through(visitor)).status_code == 303
        clock.advance(timedelta(minutes=2))
        old, psc.signing = psc.signing, key("RSA", "two")
        psc.published = [psc.signing]
        assert (await through(visitor)).status_code == 303
        psc.signing = old  # withdrawn: whoever stole it signs nothing any more
        clock.advance(timedelta(minutes=2))
        assert (await through(visitor)).status_code == 403


async def test_f18_unknown_keys_do_not_make_us_ask_again_and_again(db: Database, psc: Provider, clock: FixedClock) -> None:
    await authorise(db, HOSPITAL_ROLE)
    door = door_for(db, psc)
    async with visiting(door) as visitor:
        await through(visitor)
        clock.advance(timedelta(minutes=2))
        psc.asked.clear()
        psc.lies = Lies(header={"kid": "unknown"})
        for _ in range(5):
            assert (await through(visitor)).status_code == 403
        assert psc.asked.count("/jwks") == 1


@pytest.mark.parametrize(("ahead", "status"), [(-300, 403), (-61, 403), (-60, 303), (60, 303), (61, 403), (300, 403)])
async def test_f18_a_clock_that_is_wrong_by_more_than_a_minute_lets_nobody_in(
    db: Database, psc: Provider, theirs: Clock, ahead: int, status: int
) -> None:
    await authorise(db, HOSPITAL_ROLE)
    door = door_for(db, psc)
    async with visiting(door) as visitor, visiting(door) as other:
        await through(visitor)
        theirs.ahead = timedelta(seconds=ahead)
        assert (await through(other)).status_code == status
        assert await inside(visitor)


async def test_f18_the_provider_may_be_away_while_its_keys_are_known(db: Database, psc: Provider, clock: FixedClock) -> None:
    await authorise(db, HOSPITAL_ROLE)
    door = door_for(db, psc)
    async with visiting(door) as visitor, visiting(door) as server:
        await through(visitor)
        clock.advance(timedelta(minutes=15))
        psc.lies = Lies(down=True)
        token = psc.logout_token()
        answer = await server.client.post("/connexion/psc/fin", data={"logout_token": token})
        assert answer.status_code == 200
        assert not await inside(visitor)
