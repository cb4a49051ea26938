"""A patient signs in by FranceConnect: whose file is opened, whose is not, and for how long."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from tests.factories import crossings
from tests.factories import patients as make
from tests.support import france_connect as fc
from tests.support.lying_provider import Lies, encoded
from tests.support.web import SAME_SITE, hidden

from maillage import directory, journeys, record
from maillage.access import patient_binding, visible_to
from maillage.codes.json import decode
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = crossings.territory
pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("light_hashes")]
HEALTH = re.compile(r"dermato|consultation|m[ée]decin|h[oô]pital|sant[ée]|soin|maladie|percy", re.IGNORECASE)


@pytest.fixture
def citizens(clock: FixedClock) -> Iterator[fc.Citizens]:
    with fc.citizens(clock.now) as made:
        yield made


@asynccontextmanager
async def with_link(db: Database, citizens: fc.Citizens, **options: Any) -> AsyncIterator[tuple[make.Holder, str]]:
    """A patient whose link is open in a browser, and whom FranceConnect knows; with the id of the file."""
    task = await crossings.to_book(db)
    given = await make.given(db, crossings.PLANNER, "Task", task)
    citizens.pivot = await fc.pivot_of(db, given.patient)
    async with make.browsing(db, franceconnect=fc.settings(citizens, **options)) as holder:
        await holder.opens(given.token, await make.born(db, given.patient), given.code)
        yield holder, given.patient


async def task_of(db: Database, patient: str) -> str:
    async with db.transaction(SYSTEM) as tx:
        return str(await tx.fetchval("SELECT id FROM referral_task WHERE patient_id = $1 ORDER BY id LIMIT 1", patient))


async def change(db: Database, patient: str, **changes: Any) -> None:
    """Change a file as its desk does."""
    async with db.transaction(SYSTEM) as tx:
        known = decode(await record.current(tx, "Patient", patient))
        await directory.update_patient(tx, patient, {**known, **changes}, visible_to(SYSTEM, "Patient"), mode="test")


async def trail(db: Database) -> list[tuple[str, str, str]]:
    async with db.trail.transaction(SYSTEM) as tx:
        rows = await tx.fetch(
            "SELECT verb, patient_id, outcome FROM audit_event WHERE subtype IN ('login', 'administration') ORDER BY at, seq"
        )
    return [(row["verb"], row["patient_id"] or "", row["outcome"]) for row in rows]


async def test_the_first_time_goes_through_the_link_and_then_the_citizen_comes_back_alone(db: Database, citizens: fc.Citizens) -> None:
    async with with_link(db, citizens) as (holder, patient):
        link = holder.page
        assert f"{link}/dossier" in (await holder.sees()).text
        assert "Se connecter avec FranceConnect" in (await holder.sees("/dossier")).text
        answer = await fc.through(holder)
        assert answer.status_code == 303, answer.text
        assert holder.page != link, "another page, under another secret"
        assert "Mes documents" in (await holder.sees("/dossier")).text
        assert (await holder.client.get(link)).status_code == 401, "the page of the link is closed"
        assert (await fc.through(holder, "/mon-dossier/connexion")).status_code == 303
        assert (await holder.sees("/dossier")).status_code == 200
        assert (await holder.sees()).headers["location"] == f"{holder.page}/dossier"
    found = await trail(db)
    assert ("patient-bound", patient, "0") in found
    assert [one for one in found if one[0] == "patient-signed-in"] == [("patient-signed-in", patient, "0")] * 2
    async with db.transaction(SYSTEM) as tx:
        [row] = await tx.fetch("SELECT subject_hash, level FROM patient_binding")
    assert (len(row["subject_hash"]), row["level"]) == (32, "eidas2")
    assert fc.CITIZEN.encode() not in row["subject_hash"]


async def test_nobody_comes_in_for_the_first_time_without_a_link(db: Database, citizens: fc.Citizens) -> None:
    async with with_link(db, citizens) as (holder, _):
        answer = await fc.through(holder, "/mon-dossier/connexion")
        assert (answer.status_code, "ouvrez d’abord le lien" in answer.text) == (403, True)
        foreign = await fc.through(holder, "/mon-dossier/connexion?suivi=another-page")
        assert foreign.status_code == 403
    assert ("not-bound", "", "4") in await trail(db)


@pytest.mark.parametrize(
    ("trait", "value"),
    [
        ("family_name", "AUTRENOM"),
        ("given_name", "Zénobie"),
        ("birthdate", "1901-02-03"),
        ("gender", "other"),
        ("birthplace", "75056"),
        ("birthplace", ""),
        ("birthcountry", "99352"),
        ("birthplace", None),
        ("family_name", None),
    ],
)
async def test_one_trait_that_differs_or_lacks_opens_nothing(db: Database, citizens: fc.Citizens, trait: str, value: str | None) -> None:
    async with with_link(db, citizens) as (holder, patient):
        citizens.pivot = {**citizens.pivot, trait: value}
        answer = await fc.through(holder)
        assert answer.status_code == 403
        assert "secrétariat" in answer.text, "and it says what to do"
        assert (await holder.sees()).status_code == 200, "the page of the link stays"
        refused = [one for one in await trail(db) if one[2] == "4"]
        assert [(verb, about) for verb, about, _ in refused] in ([("traits-differ", patient)], [("franceconnect-pivot", "")])
    async with db.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT count(*) FROM patient_binding") == 0


async def test_two_files_of_the_same_traits_open_neither(db: Database, citizens: fc.Citizens) -> None:
    async with with_link(db, citizens) as (holder, patient):
        async with db.transaction(SYSTEM) as tx:
            twin = {
                name: value
                for name, value in decode(await record.current(tx, "Patient", patient)).items()
                if name not in ("id", "meta", "identifier")
            }
        async with db.transaction(crossings.PLANNER) as tx:
            await journeys.register_patient(tx, twin)
        answer = await fc.through(holder)
        assert (answer.status_code, "Plusieurs dossiers" in answer.text) == (403, True)


async def test_another_citizen_does_not_take_a_file_nor_one_citizen_two(db: Database, citizens: fc.Citizens) -> None:
    async with with_link(db, citizens) as (holder, patient):
        assert (await fc.through(holder)).status_code == 303
        given = await make.given(db, crossings.PLANNER, "Task", await task_of(db, patient), new_code=True)
        citizens.subject = f"{fc.CITIZEN[:-2]}00"
        await holder.opens(given.token, await make.born(db, patient), given.code)
        answer = await fc.through(holder)
        assert (answer.status_code, "Un autre compte ouvre déjà" in answer.text) == (403, True)


@pytest.mark.parametrize(
    "lie",
    [
        {"claims": {"acr": "eidas1"}},
        {"claims": {"nonce": "another"}},
        {"claims": {"aud": "somebody-else"}},
        {"claims": {"iss": "https://evil.example"}},
        {"userinfo": {"sub": "somebody-else"}},
        {"userinfo": {"aud": "somebody-else"}},
        {"answer": {"state": "another"}},
        {"answer": {"code": None, "error": "access_denied"}},
        {"header": {"alg": "none"}},
    ],
)
async def test_class_18_and_19_an_answer_that_lies_opens_nothing(db: Database, citizens: fc.Citizens, lie: dict[str, Any]) -> None:
    async with with_link(db, citizens) as (holder, _):
        if "header" in lie:
            citizens.lies = Lies(sign=lambda _provider, header, claims: f"{encoded({**header, 'alg': 'none'})}.{encoded(claims)}.")
        else:
            citizens.lies = Lies(**lie)
        assert (await fc.through(holder)).status_code == 403
    async with db.transaction(SYSTEM) as tx:
        assert await tx.fetchval("SELECT count(*) FROM patient_binding") == 0


async def test_what_franceconnect_plus_encrypts_is_read_and_what_it_does_not_is_refused(db: Database, citizens: fc.Citizens) -> None:
    async with with_link(db, citizens, key=fc.our_key()) as (holder, _):
        assert (await fc.through(holder)).status_code == 403, "signed alone"
        citizens.closes = fc.published((await holder.client.get("/mon-dossier/cles")).text)
        assert citizens.closes["use"] == "enc"
        assert "d" not in citizens.closes, "the public half alone"
        answer = await fc.through(holder)
        assert answer.status_code == 303, answer.text


async def test_an_identity_that_changes_closes_the_file_at_once(db: Database, citizens: fc.Citizens) -> None:
    async with with_link(db, citizens) as (holder, patient):
        await fc.through(holder)
        await make.reachable(db, patient, phone="0639980001")
        assert (await holder.sees("/dossier")).status_code == 200, "a telephone is no trait"
        await change(db, patient, birthDate="1950-01-01")
        assert (await holder.sees("/dossier")).status_code == 401
        answer = await fc.through(holder, "/mon-dossier/connexion")
        assert (answer.status_code, "ouvrez d’abord le lien" in answer.text) == (403, True)


@pytest.mark.parametrize("end", [{"deceasedBoolean": True}, {"active": False}])
async def test_a_file_that_is_closed_or_whose_patient_died_opens_no_more(db: Database, citizens: fc.Citizens, end: dict[str, bool]) -> None:
    async with with_link(db, citizens) as (holder, patient):
        await fc.through(holder)
        await change(db, patient, **end)
        assert (await holder.sees("/dossier")).status_code == 401
        assert (await fc.through(holder, "/mon-dossier/connexion")).status_code == 403


async def test_a_citizen_whose_traits_changed_there_is_asked_to_come_to_the_desk(db: Database, citizens: fc.Citizens) -> None:
    async with with_link(db, citizens) as (holder, _):
        await fc.through(holder)
        citizens.pivot = {**citizens.pivot, "family_name": "NOUVEAUNOM"}
        answer = await fc.through(holder, "/mon-dossier/connexion")
        assert (answer.status_code, "L’identité de votre dossier a changé" in answer.text) == (403, True)
        assert (await holder.sees("/dossier")).status_code == 401, "the open page too"


async def test_the_patient_and_the_desk_end_it_at_once(db: Database, citizens: fc.Citizens) -> None:
    async with with_link(db, citizens) as (holder, patient):
        await fc.through(holder)
        fields = hidden(await holder.sees("/dossier"))
        assert (
            await holder.client.post(f"{holder.page}/connexion/fin", data={**fields, "_csrf": "x"}, headers=SAME_SITE)
        ).status_code == 403
        assert "n’ouvre plus ce dossier" in (await holder.acts("/connexion/fin", shown="/dossier")).text
        assert (await holder.sees("/dossier")).status_code == 401
        assert (await fc.through(holder, "/mon-dossier/connexion")).status_code == 403
        task = await task_of(db, patient)
        given = await make.given(db, crossings.PLANNER, "Task", task, new_code=True)
        await holder.opens(given.token, await make.born(db, patient), given.code)
        assert (await fc.through(holder)).status_code == 303, "a new link binds it again"
        async with db.transaction(crossings.PLANNER) as tx:
            assert await patient_binding.binding_of_patient(tx, patient) is not None, "known to the desk, code or no code"
            await journeys.take_access_back(tx, "Task", task)
        assert (await holder.sees("/dossier")).status_code == 401
    async with db.transaction(SYSTEM) as tx:
        assert [row["ended_by"] for row in await tx.fetch("SELECT ended_by FROM patient_binding ORDER BY bound_at, id")] == [
            "patient",
            "desk",
        ]


async def test_the_page_closes_unused_for_a_quarter_of_an_hour_and_after_an_hour_anyway(
    db: Database, citizens: fc.Citizens, clock: FixedClock
) -> None:
    async with with_link(db, citizens) as (holder, _):
        await fc.through(holder)
        for _ in range(4):
            clock.advance(timedelta(minutes=14))
            assert (await holder.sees("/dossier")).status_code == 200
        clock.advance(timedelta(minutes=5))
        assert (await holder.sees("/dossier")).status_code == 401, "an hour"
        await fc.through(holder, "/mon-dossier/connexion")
        clock.advance(timedelta(minutes=15))
        assert (await holder.sees("/dossier")).status_code == 401, "unused"


async def test_leaving_closes_the_page_and_offers_to_leave_franceconnect_too(db: Database, citizens: fc.Citizens) -> None:
    async with with_link(db, citizens) as (holder, _):
        await fc.through(holder)
        answer = await holder.acts("/fermer", shown="/dossier")
        there = re.search(rf'href="({re.escape(citizens.issuer)}/logout[^"]*)"', answer.text)
        assert there is not None
        asked = fc.asked_of(there[1].replace("&amp;", "&"))
        assert asked["post_logout_redirect_uri"] == "https://suivi.example/mon-dossier"
        assert len(asked["state"]) >= 32
        assert (await holder.sees("/dossier")).status_code == 401


async def test_class_20_a_session_of_a_colleague_opens_no_patients_page_and_the_other_way_round(
    db: Database, citizens: fc.Citizens
) -> None:
    async with with_link(db, citizens) as (holder, _), make.browsing(db, franceconnect=fc.settings(citizens)) as other:
        await fc.through(holder)
        assert (await other.client.get(f"{holder.page}/dossier")).status_code == 401, "the address alone"
        assert (await holder.client.get("/patients")).status_code == 303, "to the sign-in of professionals"


async def test_class_12_addresses_and_titles_say_nothing_of_health(db: Database, citizens: fc.Citizens) -> None:
    async with with_link(db, citizens) as (holder, _):
        await fc.through(holder)
        for path in ("/dossier", "/acces", "/choix"):
            page = await holder.sees(path)
            assert page.status_code == 200, path
            title = re.search("<title>(.*?)</title>", page.text)
            assert title is not None
            assert not HEALTH.search(f"{page.url.path} {title[1]}")
            assert page.headers["cache-control"] == "no-store"
    async with make.browsing(db) as stranger:
        for path in ("/mon-dossier", "/mon-dossier/connexion", "/mon-dossier/retour", "/mon-dossier/cles"):
            assert (await stranger.client.get(path)).status_code == 404, f"{path}: off unless configured"
