"""Class 19: the dialogue with the provider, bent: state, PKCE, mix-up, another browser, another page; and who is let in at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.support.local_accounts import fill
from tests.support.lying_provider import LOGOUT, Lies, Provider, provider
from tests.support.psc import HOSPITAL_ROLE, TOWN_ROLE, asked, authorise, door_for, inside, through, way_back
from tests.support.web import Visitor, hidden, territory, visiting

from maillage.access import identity
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio


@pytest.fixture
def psc(clock: FixedClock) -> Iterator[Provider]:
    with provider(clock.now) as made:
        yield made


async def test_a_professional_comes_in_by_a_link(db: Database, psc: Provider) -> None:
    await authorise(db, HOSPITAL_ROLE)
    async with visiting(door_for(db, psc)) as visitor:
        assert 'href="/connexion/psc"' in (await visitor.get("/connexion")).text
        answer = await through(visitor, "/connexion/psc?vers=/patients")
        assert (answer.status_code, answer.headers["location"]) == (303, "/patients")
        assert "Pro Santé Connect" in (await visitor.get("/compte")).text.replace("\u00a0", " ")


async def test_what_is_asked_is_new_each_time_and_keeps_the_secret_here(db: Database, psc: Provider) -> None:
    async with visiting(door_for(db, psc)) as visitor:
        (first_address, first), (_, second) = await asked(visitor), await asked(visitor)
    assert first["code_challenge_method"] == "S256"
    assert (first["response_type"], first["acr_values"]) == ("code", "eidas1")
    assert first["redirect_uri"] == "http://127.0.0.1/connexion/psc/retour"
    assert all(first[name] != second[name] and len(first[name]) > 40 for name in ("state", "nonce", "code_challenge"))
    assert "secret" not in first_address
    assert "verifier" not in first_address


@pytest.mark.parametrize(
    "answer",
    [
        {"state": "another"},
        {"state": None},
        {"state": ["one", "two"]},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"code": None},
        {"code": "code-unknown"},
        {"code": None, "error": "access_denied"},
        {"error": "server_error"},
    ],
)
async def test_class_19_an_answer_that_does_not_fit_opens_nothing(db: Database, psc: Provider, answer: dict[str, str]) -> None:
    await authorise(db, HOSPITAL_ROLE)
    psc.lies = Lies(answer=answer)
    async with visiting(door_for(db, psc)) as visitor:
        assert (await through(visitor)).status_code == 403
        assert not await inside(visitor)


async def test_class_19_an_answer_serves_one_browser_once_and_not_for_ever(db: Database, psc: Provider, clock: FixedClock) -> None:
    await authorise(db, HOSPITAL_ROLE)
    door = door_for(db, psc)
    async with visiting(door) as visitor, visiting(door) as other:
        back = await way_back((await asked(visitor))[0])
        assert (await other.get(back)).status_code == 403  # login CSRF: no flow began in this browser
        await asked(other)
        assert (await other.get(back)).status_code == 403  # nor in that of somebody with a flow of their own
        assert (await visitor.get(back)).status_code == 303
        assert (await visitor.get(back)).status_code == 403  # the same answer again
        late = await way_back((await asked(other))[0])
        clock.advance(timedelta(minutes=10))
        assert (await other.get(late)).status_code == 403
        assert not await inside(other)


async def test_class_19_a_stolen_code_is_worth_nothing_without_its_verifier(db: Database, psc: Provider) -> None:
    await authorise(db, HOSPITAL_ROLE)
    door = door_for(db, psc)
    async with visiting(door) as victim, visiting(door) as thief:
        stolen = re.search(r"code=([^&]+)", await way_back((await asked(victim))[0]))
        own = await way_back((await asked(thief))[0])
        assert stolen is not None
        injected = re.sub(r"code=[^&]+", f"code={stolen[1]}", own)
        assert (await thief.get(injected)).status_code == 403
        assert not await inside(thief)


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_class_19_no_other_site_is_next(db: Database, psc: Provider, back: str) -> None:
    await authorise(db, HOSPITAL_ROLE)
    async with visiting(door_for(db, psc)) as visitor:
        assert (await through(visitor, f"/connexion/psc?vers={back}")).headers["location"] == "/"


async def test_class_20_the_session_id_changes_at_sign_in(db: Database, psc: Provider) -> None:
    await authorise(db, HOSPITAL_ROLE)
    async with visiting(door_for(db, psc)) as visitor:
        visitor.client.cookies.set("maillage", "planted by somebody", domain="127.0.0.1")
        await through(visitor)
        first = visitor.client.cookies["maillage"]
        assert first != "planted by somebody"
        await through(visitor)
        assert visitor.client.cookies["maillage"] != first
        visitor.client.cookies.set("maillage", first, domain="127.0.0.1")
        assert not await inside(visitor)


async def test_the_place_is_chosen_before_anything_is_shown(db: Database, psc: Provider) -> None:
    await authorise(db, HOSPITAL_ROLE, TOWN_ROLE)
    async with visiting(door_for(db, psc)) as visitor:
        assert (await through(visitor)).headers["location"] == "/connexion/exercice"
        assert not await inside(visitor)
        page = await visitor.get("/connexion/exercice")
        assert len(re.findall('name="exercice"', page.text)) == 2
        refused = await fill(visitor, "/connexion/exercice", exercice="clamart-mg-isambert")
        assert refused.status_code == 403
        assert (await fill(visitor, "/connexion/exercice", exercice=TOWN_ROLE)).status_code == 303
        assert "Clamart" in (await visitor.get("/")).text


async def test_nobody_comes_in_whom_no_organisation_let_in_before(db: Database, psc: Provider) -> None:
    async with visiting(door_for(db, psc)) as visitor:
        answer = await through(visitor)
        assert answer.status_code == 403
        assert "aucune organisation" in answer.text
        await authorise(db, HOSPITAL_ROLE)
        async with db.transaction(SYSTEM) as tx:
            assert await tx.fetchval("SELECT count(*) FROM account WHERE door = 'psc'") == 1
            await identity.disable_account(tx, "rpps-10001234567")
        assert (await through(visitor)).status_code == 403
        assert not await inside(visitor)


# --- confirmation ----------------------------------------------------------------


async def test_a_factor_shown_again_there_confirms_here(db: Database, psc: Provider, clock: FixedClock) -> None:
    await authorise(db, HOSPITAL_ROLE)
    async with visiting(door_for(db, psc)) as visitor:
        await through(visitor)
        clock.advance(timedelta(minutes=15))
        first = visitor.client.cookies["maillage"]
        assert "confirmer=1&amp;vers=/patients" in (await visitor.get("/compte/confirmer?vers=/patients")).text
        _, question = await asked(visitor, "/connexion/psc?confirmer=1")
        assert (question["prompt"], question["max_age"]) == ("login", "0")
        answer = await through(visitor, "/connexion/psc?confirmer=1&vers=/patients")
        assert (answer.status_code, answer.headers["location"]) == (303, "/patients")
        assert visitor.client.cookies["maillage"] != first
        assert (await visitor.get("/compte/facteurs/ajouter")).status_code == 200


@pytest.mark.parametrize("claims", [{"auth_time": 1}, {"auth_time": None}])
async def test_an_old_factor_confirms_nothing(db: Database, psc: Provider, clock: FixedClock, claims: dict[str, int]) -> None:
    await authorise(db, HOSPITAL_ROLE)
    async with visiting(door_for(db, psc)) as visitor:
        await through(visitor)
        clock.advance(timedelta(minutes=15))
        psc.lies = Lies(claims=claims)
        assert (await through(visitor, "/connexion/psc?confirmer=1")).status_code == 403
        assert (await visitor.get("/compte/facteurs/ajouter")).headers["location"].startswith("/compte/confirmer")


async def test_the_factor_of_somebody_else_confirms_nothing(db: Database, psc: Provider, clock: FixedClock) -> None:
    await authorise(db, HOSPITAL_ROLE)
    await authorise(db, "percy-hge-escoubleau", rpps="10007654321")
    async with visiting(door_for(db, psc)) as visitor:
        await through(visitor)
        clock.advance(timedelta(minutes=15))
        psc.subject, psc.rpps = "f:somebody-else", "10007654321"
        assert (await through(visitor, "/connexion/psc?confirmer=1")).status_code == 403
        assert "Léo Castanier" in (await visitor.get("/")).text


# --- logout ----------------------------------------------------------------------


async def test_signing_out_ends_here_first_then_offers_the_way_there(db: Database, psc: Provider) -> None:
    await authorise(db, HOSPITAL_ROLE)
    async with visiting(door_for(db, psc)) as visitor:
        await through(visitor)
        answer = await visitor.post("/deconnexion", shown="/compte")
        assert answer.status_code == 200
        assert f'href="{psc.issuer}/logout?id_token_hint=' in answer.text
        assert not await inside(visitor)


async def told(visitor: Visitor, token: str) -> int:
    """The provider's server speaks: no cookie, no page, no origin."""
    return (await visitor.client.post("/connexion/psc/fin", data={"logout_token": token})).status_code


@pytest.mark.parametrize("claims", [{}, {"sid": None}, {"sub": None}])
async def test_the_provider_ends_our_session_with_its_own(db: Database, psc: Provider, claims: dict[str, None]) -> None:
    await authorise(db, HOSPITAL_ROLE)
    door = door_for(db, psc)
    async with visiting(door) as visitor, visiting(door) as server:
        await through(visitor)
        assert await told(server, psc.logout_token(**claims)) == 200
        assert not await inside(visitor)


async def test_the_end_of_one_session_there_leaves_the_others(db: Database, psc: Provider) -> None:
    await authorise(db, HOSPITAL_ROLE)
    door = door_for(db, psc)
    async with visiting(door) as one, visiting(door) as other, visiting(door) as server:
        await through(one)
        psc.session = "another-session-there"
        await through(other)
        assert await told(server, psc.logout_token()) == 200
        assert [await inside(visitor) for visitor in (one, other)] == [True, False]


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "another-client"},
        {"iat": 1},
        {"exp": 1},
        {"exp": None},
        {"nonce": "x"},
        {"events": None},
        {"events": {}},
        {"events": {"http://schemas.openid.net/event/other": {}}},
        {"events": LOGOUT},
        {"jti": None},
        {"sub": None, "sid": None},
    ],
)
async def test_class_18_a_logout_token_that_lies_ends_nothing(db: Database, psc: Provider, claims: dict[str, str]) -> None:
    await authorise(db, HOSPITAL_ROLE)
    door = door_for(db, psc)
    async with visiting(door) as visitor, visiting(door) as server:
        await through(visitor)
        assert await told(server, psc.logout_token(**claims)) == 400
        psc.lies = Lies(header={"typ": "at+jwt"})
        assert await told(server, psc.logout_token()) == 400
        assert await told(server, "nonsense") == 400
        assert await inside(visitor)


async def test_class_18_an_id_token_is_no_logout_token(db: Database, psc: Provider) -> None:
    await authorise(db, HOSPITAL_ROLE)
    door = door_for(db, psc)
    async with visiting(door) as visitor, visiting(door) as server:
        await through(visitor)
        assert await told(server, psc.id_token({"nonce": "n"}, "opaque")) == 400
        assert await inside(visitor)


async def test_class_18_a_logout_token_serves_once(db: Database, psc: Provider) -> None:
    await authorise(db, HOSPITAL_ROLE)
    door = door_for(db, psc)
    async with visiting(door) as visitor, visiting(door) as server:
        token = psc.logout_token()
        assert await told(server, token) == 200
        await through(visitor)
        assert await told(server, token) == 400
        assert await inside(visitor)


async def test_the_form_of_another_site_is_still_refused_everywhere_else(db: Database, psc: Provider) -> None:
    await authorise(db, HOSPITAL_ROLE)
    async with visiting(door_for(db, psc)) as visitor:
        await through(visitor)
        fields = hidden(await visitor.get("/compte"))
        answer = await visitor.client.post("/deconnexion", data=fields, headers={"sec-fetch-site": "cross-site"})
        assert answer.status_code == 403
