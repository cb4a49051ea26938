"""What pages answer when something is wrong: never a trace, never a hint, nothing written is lost."""

from __future__ import annotations

import re

import pytest
from tests.support.web import SAME_SITE, hidden, make_door, patient_of, territory, visiting

from maillage import directory
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import Unavailable
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
NEW = {
    "family": "Essai",
    "given": "Alix Marie",
    "sex": "female",
    "birth_date": "1959-03-02",
    "birth_commune": "92023",
}


async def count(db: Database, table: str) -> int:
    async with db.transaction(SYSTEM) as tx:
        return int(await tx.fetchval(f"SELECT count(*) FROM {table}"))  # the names are written below


async def test_a_foreign_id_and_an_unknown_one_answer_the_same(db: Database) -> None:
    foreign = patient_of("cms-clamart-soins")
    async with visiting(make_door(db), "secretaire-chic") as visitor:
        for template in (
            "/patients/{}",
            "/patients/{}",
            "/demandes/{}",
            "/rendez-vous/{}",
            "/demandes/{}/actes/accept",
            "/demandes/{}/verifier",
        ):
            seen, absent = await visitor.get(template.format(foreign)), await visitor.get(template.format("unknown-id"))
            assert (seen.status_code, absent.status_code) == (404, 404), template
            assert blank(seen.text) == blank(absent.text)
            assert foreign not in seen.text


def blank(page: str) -> str:
    """The page without what changes at each request."""
    return re.sub(r'value="[^"]*"', "", page)


async def test_refusals_are_written_in_the_audit_trail(db: Database) -> None:
    async with visiting(make_door(db), "secretaire-chic") as visitor:
        await visitor.get("/patients/unknown-id")
    async with db.trail.transaction(SYSTEM) as tx:
        row = await tx.fetchrow("SELECT * FROM audit_event WHERE outcome = '4' ORDER BY seq DESC LIMIT 1")
    assert row is not None
    assert (row["verb"], row["res_id"], row["organization"]) == ("not-found", "unknown-id", "chic")


@pytest.mark.parametrize("path", ["/patients/%00", "/patients/a%2Fb", "/patients/" + "x" * 65, "/demandes/é", "/nowhere", "/services/x'--"])
async def test_an_address_that_is_none_is_not_found(db: Database, path: str) -> None:
    async with visiting(make_door(db), "medecin-clamart") as visitor:
        answer = await visitor.get(path)
        assert answer.status_code == 404
        assert "introuvable" in answer.text


@pytest.mark.parametrize("query", ["?semaine=x", "?semaine=9999-99-99", "?lieu=%00", "?semaine=0001-01-01"])
async def test_any_query_is_read_or_left_aside(db: Database, query: str) -> None:
    async with visiting(make_door(db), "medecin-clamart") as visitor:
        assert (await visitor.get(f"/vacations{query}")).status_code == 200
        assert (await visitor.get(f"/accueil{query.replace('semaine', 'jour')}")).status_code == 200
        assert (await visitor.get(f"/services{query}")).status_code == 200


async def test_a_body_that_is_no_form_is_refused(db: Database) -> None:
    async with visiting(make_door(db, body_limit=2000), "medecin-clamart") as visitor:
        headers = {**SAME_SITE, "content-type": "application/x-www-form-urlencoded"}
        for body, status in (
            (b"\xff\xfe", 400),
            (b"a=%00", 400),
            (b"a=%ff", 400),
            (b"a=" + b"x" * 3000, 413),
            (b"&".join([b"a=1"] * 400), 403),
        ):
            assert (await visitor.client.post("/patients", content=body, headers=headers)).status_code == status, body[:20]
        answer = await visitor.client.post("/patients", json={"a": 1}, headers=SAME_SITE)
        assert answer.status_code == 400


async def test_a_refused_form_comes_back_with_its_values_and_a_focused_summary(db: Database) -> None:
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        wrong = {**NEW, "birth_date": "2029-01-01", "sex": "", "used_name": "<b>Modèle</b>"}
        answer = await visitor.post("/patients/nouveau", wrong, shown="/patients/nouveau")
        assert answer.status_code == 422
        assert 'role="alert" tabindex="-1"' in answer.text
        assert 'href="#f-sex-1"' in answer.text
        assert 'href="#f-birth_date"' in answer.text
        assert "dans le futur" in answer.text
        assert 'value="Essai"' in answer.text
        assert "&lt;b&gt;Modèle" in answer.text
        assert "<b>Modèle" not in answer.text
        assert 'aria-invalid="true"' in answer.text


async def test_a_form_sent_twice_acts_once(db: Database) -> None:
    before = await count(db, "patient")
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        fields = {**hidden(await visitor.get("/patients/nouveau")), **NEW}
        first = await visitor.client.post("/patients/nouveau", data=fields, headers=SAME_SITE)
        second = await visitor.client.post("/patients/nouveau", data=fields, headers=SAME_SITE)
        assert (first.status_code, second.status_code) == (303, 303)
        assert first.headers["location"] == second.headers["location"]
        other = await visitor.client.post("/patients/nouveau", data={**fields, "given": "Autre"}, headers=SAME_SITE)
        assert other.status_code == 422
    assert await count(db, "patient") == before + 1


async def test_a_form_without_its_key_does_nothing(db: Database) -> None:
    before = await count(db, "patient")
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        fields = {**hidden(await visitor.get("/patients/nouveau")), **NEW, "_key": ""}
        assert (await visitor.client.post("/patients/nouveau", data=fields, headers=SAME_SITE)).status_code == 400
    assert await count(db, "patient") == before


async def test_a_namesake_is_shown_before_a_second_record(db: Database) -> None:
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        assert (await visitor.post("/patients/nouveau", NEW, shown="/patients/nouveau")).status_code == 303
        again = await visitor.post("/patients/nouveau", NEW, shown="/patients/nouveau")
        assert again.status_code == 422
        assert "Ce nom existe déjà" in again.text
        sure = await visitor.post("/patients/nouveau", {**NEW, "other_person": "true"}, shown="/patients/nouveau")
        assert sure.status_code == 303


async def test_a_search_names_no_patient_in_its_address_and_asks_for_three_traits(db: Database) -> None:
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        few = await visitor.post("/patients", {"family": "Poirot"})
        assert few.status_code == 422
        assert "le nom, le prénom et la date" in few.text
        found = await visitor.post("/patients", {"ins": "259039999900122"})
        assert found.status_code == 200
        assert "?" not in str(found.url)
        assert "Aucun patient trouvé" in found.text


async def test_titles_name_no_patient(db: Database) -> None:
    id = patient_of("cms-clamart-soins")
    async with visiting(make_door(db), "medecin-clamart") as visitor:
        page = await visitor.get(f"/patients/{id}")
        assert page.status_code == 200
        title = re.search(r"<title>(.*)</title>", page.text)
        assert title is not None
        assert title[1] == "Dossier du patient · maillage"
    async with db.trail.transaction(SYSTEM) as tx:
        assert (
            await tx.fetchval(
                "SELECT count(*) FROM audit_event WHERE action = 'R' AND patient_id = $1 AND role_id = 'clamart-mg-isambert'", id
            )
            == 1
        )


async def test_a_defect_shows_a_number_and_nothing_else(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("SECRET")

    async with visiting(make_door(db), "medecin-clamart") as visitor:
        monkeypatch.setattr(directory, "services", broken)
        answer = await visitor.get("/services")
        assert answer.status_code == 500
        assert "SECRET" not in answer.text
        assert re.search(r"<code>[0-9a-f-]{36}</code>", answer.text)
        assert answer.headers["content-security-policy"]


async def test_an_overloaded_server_says_so_and_when_to_come_back(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object, **__: object) -> None:
        raise Unavailable("no-connection")

    async with visiting(make_door(db), "medecin-clamart") as visitor:
        monkeypatch.setattr(Database, "transaction", busy)
        answer = await visitor.get("/services")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert "Rien n’a été enregistré" in answer.text
