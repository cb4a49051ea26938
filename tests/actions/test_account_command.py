"""`maillage account`: what each verb leaves behind, and what it says when it can't."""

from __future__ import annotations

import pytest
from tests.factories import referrals as make

from maillage.access import identity
from maillage.cli.accounts import Verb, _done, account
from maillage.cli.status import USAGE, Failure
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from maillage.settings import ServerSettings, Settings
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
SETTINGS = Settings(server=ServerSettings(base_url="https://maillage.example/"))
LOGIN, ROLE, ELSEWHERE = "regis.taillefer", "clamart-secretaire-taillefer", "montgeron-secretaire-rieutord"
RPPS = "10001234567"


async def does(db: Database, verb: Verb, *, login: str = "", role: str = "", rpps: str = "", organization: str = "") -> dict[str, object]:
    async with db.transaction(SYSTEM) as tx:
        return await _done(tx, SETTINGS, verb, login, role, rpps, organization)


async def test_an_invitation_is_a_link_of_the_site(db: Database) -> None:
    answer = await does(db, "invite", login=LOGIN, role=ROLE)
    assert str(answer["link"]).startswith("https://maillage.example/invitation/")
    [line] = (await does(db, "list", organization=make.CENTRE))["accounts"]  # type: ignore[misc]  # a list of one
    assert line == {"login": LOGIN, "door": "local", "role": ROLE}


async def test_a_professional_is_allowed_by_rpps_in_several_places(db: Database) -> None:
    for role in ("percy-hge-castanier", "clamart-hge-castanier"):
        assert (await does(db, "authorise", rpps="100 012 345 67", role=role))["login"] == f"rpps-{RPPS}"
    async with db.transaction(SYSTEM) as tx:
        assert [place.organization_id for place in await identity.exercises(tx, f"rpps-{RPPS}")] == [make.CENTRE, make.HOSPITAL]
    await does(db, "close", login=f"rpps-{RPPS}", role="clamart-hge-castanier")
    async with db.transaction(SYSTEM) as tx:
        assert [place.organization_id for place in await identity.exercises(tx, f"rpps-{RPPS}")] == [make.HOSPITAL]


async def test_no_password_stands_for_an_rpps_and_no_rpps_for_two_people(db: Database) -> None:
    await does(db, "authorise", rpps=RPPS, role="percy-hge-castanier")
    with pytest.raises(Conflict, match="other-door"):
        await does(db, "invite", login="leo.castanier", role="percy-hge-castanier")
    with pytest.raises(Conflict, match="other-person"):
        await does(db, "authorise", rpps=RPPS, role="percy-hge-escoubleau")
    with pytest.raises(Conflict, match="other-rpps"):
        await does(db, "authorise", rpps="10007654321", role="percy-hge-castanier")
    with pytest.raises(Invalid, match="rpps-form"):
        await does(db, "authorise", rpps="1234", role="percy-hge-castanier")


async def test_a_login_belongs_to_one_person_of_one_organisation(db: Database) -> None:
    await does(db, "invite", login=LOGIN, role=ROLE)
    for role in (ELSEWHERE, "clamart-infirmier-kervadec"):
        with pytest.raises(Conflict, match="other-person"):
            await does(db, "invite", login=LOGIN, role=role)
    with pytest.raises(Invalid, match="login-form"):
        await does(db, "invite", login="Régis !", role="clamart-infirmier-kervadec")
    with pytest.raises(NotFound):
        await does(db, "invite", login="x.y", role="nowhere")


async def test_an_account_is_closed_and_opened_again(db: Database) -> None:
    await does(db, "invite", login=LOGIN, role=ROLE)
    for verb in ("disable", "enable"):
        await does(db, verb, login=LOGIN)  # type: ignore[arg-type]  # two of the verbs
        async with db.transaction(SYSTEM) as tx:
            assert (await identity.account(tx, LOGIN) is None) is (verb == "disable")


@pytest.mark.parametrize(
    ("actor", "role", "reason"),
    [
        (Actor("person", "x", (make.CENTRE,), frozenset({"secretaire"})), ROLE, "not-administrator"),
        (Actor("person", "x", (make.CENTRE,), frozenset({"gestionnaire"})), ELSEWHERE, "not-administrator"),
        (Actor("person", "taillefer-regis", (make.CENTRE,), frozenset({"gestionnaire"})), ROLE, "own-account"),
    ],
)
async def test_only_another_administrator_of_the_place_lets_somebody_in(db: Database, actor: Actor, role: str, reason: str) -> None:
    async with db.transaction(actor) as tx:
        with pytest.raises(NotAllowed, match=reason):
            await identity.invite(tx, LOGIN, role)
        with pytest.raises(NotAllowed, match=reason):
            await identity.authorise(tx, RPPS, role)


@pytest.mark.parametrize("verb", ["invite", "authorise", "list", "close", "disable", "enable"])
async def test_a_verb_without_what_it_needs_says_so(verb: Verb) -> None:
    with pytest.raises(Failure) as refusal:
        account(verb)
    assert refusal.value.status == USAGE
