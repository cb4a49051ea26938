"""Local accounts on the pages: an invitation, a password, a second factor; and what a guesser meets."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from tests.support.local_accounts import PASSWORD, Staff, enrol, fill, invite, shown_secret, sign_in
from tests.support.web import Visitor, make_door, territory, visiting

from maillage.access import identity
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import NotAllowed
from maillage.store import Database

FILL = territory
pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("light_hashes")]
HALF_MINUTE = timedelta(seconds=30)
MINUTE = timedelta(minutes=1)


async def inside(visitor: Visitor) -> bool:
    return (await visitor.get("/")).status_code == 200


async def failures(db: Database) -> list[tuple[str, str, str]]:
    async with db.trail.transaction(SYSTEM) as tx:
        rows = await tx.fetch("SELECT verb, actor_kind, actor_id FROM audit_event WHERE outcome = '4' ORDER BY seq")
        return [tuple(row) for row in rows]


async def test_an_invitation_leads_in_and_the_account_signs_in_again(db: Database, clock: FixedClock) -> None:
    door = make_door(db, demo=False)
    async with visiting(door) as visitor:
        staff = await enrol(db, visitor, clock.now())
        assert len(staff.codes) == 8
        assert await inside(visitor)
    clock.advance(MINUTE)
    async with visiting(door) as visitor:
        answer = await sign_in(visitor, staff, clock.now())
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert await inside(visitor)


async def test_an_invitation_serves_once_and_not_for_ever(db: Database, clock: FixedClock) -> None:
    door = make_door(db, demo=False)
    async with visiting(door) as visitor:
        first = await invite(db)
        second = await invite(db)  # replaces the first
        assert [(await visitor.get(f"/invitation/{token}")).status_code for token in (first, second, "0" * 64)] == [404, 200, 404]
        clock.advance(timedelta(hours=72))
        assert (await visitor.get(f"/invitation/{second}")).status_code == 404
        used = await invite(db)
        await fill(visitor, f"/invitation/{used}", password=PASSWORD)
        shown, sealed = shown_secret(await visitor.get("/invitation/second/facteur"))
        code = Staff(totp=shown).code(clock.now())
        assert (await fill(visitor, "/invitation/second/facteur", secret=sealed, code=code)).status_code == 200
        assert (await visitor.get(f"/invitation/{used}")).status_code == 404
        assert (await fill(visitor, f"/invitation/{used}", password=PASSWORD)).status_code == 404


async def test_nobody_is_left_with_a_password_alone(db: Database) -> None:
    async with visiting(make_door(db, demo=False)) as visitor:
        await fill(visitor, f"/invitation/{await invite(db)}", password=PASSWORD)
        _, sealed = shown_secret(await visitor.get("/invitation/second/facteur"))
        answer = await fill(visitor, "/invitation/second/facteur", secret=sealed, code="000000")
        assert answer.status_code == 422
        assert not await inside(visitor)
        assert (await fill(visitor, "/connexion/mot-de-passe", login="regis.taillefer", password=PASSWORD)).status_code == 422


async def test_a_new_invitation_replaces_every_factor_and_ends_every_session(db: Database, clock: FixedClock) -> None:
    door = make_door(db, demo=False)
    async with visiting(door) as old, visiting(door) as new:
        before = await enrol(db, old, clock.now())
        clock.advance(MINUTE)
        after = await enrol(db, new, clock.now())
        assert not await inside(old)
        assert await inside(new)
        clock.advance(MINUTE)
        assert (await sign_in(old, before, clock.now())).status_code == 422
        assert (await sign_in(old, after, clock.now(), recovery=before.codes[0])).status_code == 422


@pytest.mark.parametrize(
    ("password", "words"), [("court", "12 caractères"), ("motdepasse2026!", "connu des pirates"), ("taillefer-regis1", "devine trop")]
)
async def test_a_poor_password_is_refused_with_what_to_do(db: Database, password: str, words: str) -> None:
    async with visiting(make_door(db, demo=False)) as visitor:
        answer = await fill(visitor, f"/invitation/{await invite(db)}", password=password)
        assert answer.status_code == 422
        assert words in answer.text.replace("\u00a0", " ").replace("\u202f", " ")
        assert password not in answer.text


async def test_a_code_serves_once_even_after_a_new_password(db: Database, clock: FixedClock) -> None:
    door = make_door(db, demo=False)
    async with visiting(door) as visitor:
        staff = await enrol(db, visitor, clock.now())
        clock.advance(MINUTE)
        code = staff.code(clock.now())
        assert (await sign_in(visitor, staff, clock.now(), code=code)).status_code == 303
    async with visiting(door) as visitor:
        assert (await sign_in(visitor, staff, clock.now(), code=code)).status_code == 422
        earlier = staff.code(clock.now() - HALF_MINUTE)  # in the window, but before the last accepted step
        assert (await fill(visitor, "/connexion/second-facteur", code=earlier)).status_code == 422
        assert not await inside(visitor)


async def test_a_recovery_code_serves_once(db: Database, clock: FixedClock) -> None:
    door = make_door(db, demo=False)
    async with visiting(door) as visitor:
        staff = await enrol(db, visitor, clock.now())
    for expected in (303, 422):
        async with visiting(door) as visitor:
            answer = await sign_in(visitor, staff, clock.now(), recovery=staff.codes[0].lower().replace("-", " "))
            assert answer.status_code == expected


async def test_the_second_page_asks_for_the_first_one(db: Database, clock: FixedClock) -> None:
    door = make_door(db, demo=False)
    async with visiting(door) as visitor:
        staff = await enrol(db, visitor, clock.now())
    async with visiting(door) as visitor:
        assert (await visitor.get("/connexion/second-facteur")).headers["location"] == "/connexion"
        clock.advance(MINUTE)
        answer = await fill(visitor, "/connexion/second-facteur", code=staff.code(clock.now()))
        assert answer.headers["location"].partition("?")[0] == "/connexion"
        await fill(visitor, "/connexion/mot-de-passe", login=staff.login, password=staff.password)
        clock.advance(timedelta(minutes=10))
        late = await fill(visitor, "/connexion/second-facteur", code=staff.code(clock.now()))
        assert late.headers["location"].partition("?")[0] == "/connexion"
        assert not await inside(visitor)


async def test_failures_cost_a_growing_wait_that_only_time_shortens(db: Database, clock: FixedClock) -> None:
    door = make_door(db, demo=False)
    async with visiting(door) as visitor:
        staff = await enrol(db, visitor, clock.now())
        clock.advance(MINUTE)
        wrong = Staff(staff.login, "not the password at all")
        assert [(await sign_in(visitor, wrong, clock.now())).status_code for _ in range(5)] == [422] * 5
        held = await sign_in(visitor, staff, clock.now())  # the right one must wait too
        assert (held.status_code, held.headers["retry-after"]) == (429, "3")
        clock.advance(timedelta(seconds=3))
        assert (await sign_in(visitor, wrong, clock.now())).status_code == 422
        assert (await sign_in(visitor, staff, clock.now())).headers["retry-after"] == "5"
        clock.advance(timedelta(seconds=5))
        assert (await sign_in(visitor, staff, clock.now())).status_code == 303
        assert (await sign_in(visitor, wrong, clock.now())).status_code == 422  # and the count starts again


async def test_wrong_codes_wait_as_wrong_passwords_do(db: Database, clock: FixedClock) -> None:
    door = make_door(db, demo=False)
    async with visiting(door) as visitor:
        staff = await enrol(db, visitor, clock.now())
        clock.advance(MINUTE)
        answers = [(await sign_in(visitor, staff, clock.now(), code="000000")).status_code for _ in range(6)]
        assert answers == [422] * 5 + [429]  # a right password does not wash the count


async def test_class_22_a_failure_says_nothing_on_whether_the_account_exists(db: Database, clock: FixedClock) -> None:
    door = make_door(db, demo=False)
    async with visiting(door) as visitor:
        real = await enrol(db, visitor, clock.now())
        await visitor.post("/deconnexion", shown="/compte")
    async with db.transaction(SYSTEM) as tx:
        await identity.disable_account(tx, (await closed(db)).login)
    told = []
    for login in (real.login, "nobody.at.all", "medecin-clamart", "closed.account", "", "Ünïcode"):
        async with visiting(door) as visitor:
            answers = []
            for _ in range(6):
                answer = await fill(visitor, "/connexion/mot-de-passe", login=login, password="not the password at all")
                text = re.sub(r'value="[^"]*"', "", answer.text)
                answers.append((answer.status_code, text, answer.headers.get("retry-after")))
            told.append(answers)
    assert all(one == told[0] for one in told)
    assert [status for status, _, _ in told[0]] == [422] * 5 + [429]


async def closed(db: Database) -> Staff:
    await invite(db, "closed.account", "clamart-infirmier-kervadec")
    return Staff("closed.account")


async def test_class_22_the_same_work_is_done_for_a_name_of_nobody(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    from maillage.access.identity import passwords

    checked = []
    real = passwords._matches
    monkeypatch.setattr(passwords, "_matches", lambda kept, given: checked.append(kept[:30]) or real(kept, given))
    async with visiting(make_door(db, demo=False)) as visitor:
        await fill(visitor, "/connexion/mot-de-passe", login="nobody.at.all", password="x")
        await fill(visitor, "/connexion/mot-de-passe", login="medecin-clamart", password="x")
    assert len(checked) == 2
    assert len(set(checked)) == 1
    assert checked[0].startswith("$argon2id$")


async def test_class_22_failures_are_audited_under_an_alias_of_what_was_typed(db: Database, clock: FixedClock) -> None:
    async with visiting(make_door(db, demo=False)) as visitor:
        staff = await enrol(db, visitor, clock.now())
        clock.advance(MINUTE)
        for login in (staff.login, "nobody.at.all", "nobody.at.all"):
            await fill(visitor, "/connexion/mot-de-passe", login=login, password="wrong password")
        await sign_in(visitor, staff, clock.now(), code="000000")
    rows = await failures(db)
    assert [(verb, kind) for verb, kind, _ in rows] == [("login-failed", "visitor")] * 4
    real, nobody, again, factor = [id for _, _, id in rows]
    assert nobody == again != real == factor
    assert staff.login not in str(rows)


async def test_guesses_sent_at_once_cost_as_much_as_one_after_the_other(db: Database) -> None:
    import asyncio

    async def guess() -> bool:
        async with db.transaction(SYSTEM) as tx:
            await identity.begin_attempt(tx, "somebody", "192.0.2.1")
        return True

    done = await asyncio.gather(*(guess() for _ in range(12)), return_exceptions=True)
    assert done.count(True) == 5


async def test_guesses_and_sign_ins_of_one_name_at_once_lock_nobody_out(db: Database) -> None:
    import asyncio

    async def come(rank: int) -> None:
        async with db.transaction(SYSTEM) as tx:
            await identity.begin_attempt(tx, "somebody", f"192.0.2.{rank % 2}")
        async with db.transaction(SYSTEM) as tx:
            await (identity.forget_attempts if rank % 3 else identity.forgive_attempt)(tx, "somebody", f"192.0.2.{rank % 2}")

    for _ in range(10):
        done = await asyncio.gather(*(come(rank) for rank in range(4)), return_exceptions=True)
        assert done == [None] * 4
    async with db.transaction(SYSTEM) as tx:
        assert not await tx.fetch("SELECT 1 FROM sign_in_attempt WHERE failures > 0")


async def test_one_account_does_not_wash_the_count_of_its_address(db: Database) -> None:
    async with db.transaction(SYSTEM) as tx:
        for rank in range(7):
            await identity.begin_attempt(tx, f"victim-{rank}", "192.0.2.1")
        await identity.begin_attempt(tx, "mine", "192.0.2.1")
        await identity.forget_attempts(tx, "mine", "192.0.2.1")
        left = await tx.fetch("SELECT kind, failures FROM sign_in_attempt WHERE kind = 'address'")
    assert [tuple(row) for row in left] == [("address", 7)]


async def test_many_names_from_one_address_wait_in_the_end(db: Database) -> None:
    refused = 0
    async with db.transaction(SYSTEM) as tx:
        for rank in range(101):
            try:
                await identity.begin_attempt(tx, f"victim-{rank}", "192.0.2.1")
            except NotAllowed:
                refused += 1
    assert refused == 1
