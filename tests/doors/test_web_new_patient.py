"""A new patient typed on the page: what is mistyped comes back beside its field, and nothing is written."""

from __future__ import annotations

import pytest
from tests.support.web import make_door, territory, visiting

from maillage.kernel.actor import SYSTEM
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
PAGE = "/patients/nouveau"
NEW = {
    "family": "Essai",
    "given": "Ada Marie",
    "sex": "female",
    "birth_date": "1979-03-14",
    "birth_insee": "75115",
    "birth_city": "Paris",
}
TRUE_INS, FALSE_INS = "2 79 03 51 215 189 89", "2 79 03 51 215 189 88"


async def patients(db: Database) -> int:
    async with db.transaction(SYSTEM) as tx:
        return int(await tx.fetchval("SELECT count(*) FROM patient"))


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("ins", "123", "INS mal formé"),
        ("ins", "ABCDEFGHIJKLMNO", "INS mal formé"),
        ("ins", FALSE_INS, "Clé de l’INS fausse"),
        ("birth_insee", "zz", "Code de commune mal formé"),
        ("phone", "abc", "Numéro de téléphone mal formé"),
    ],
)
async def test_what_is_mistyped_comes_back_at_its_field(db: Database, field: str, value: str, sentence: str) -> None:
    before = await patients(db)
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        answer = await visitor.post(PAGE, {**NEW, field: value}, shown=PAGE)
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert answer.text.count(sentence) == 2  # in the summary and beside the field
    assert await patients(db) == before


async def test_an_ins_that_the_organisation_knows_is_said_beside_it_whatever_the_name(db: Database) -> None:
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        assert (await visitor.post(PAGE, {**NEW, "ins": TRUE_INS}, shown=PAGE)).status_code == 303
        before = await patients(db)
        again = await visitor.post(PAGE, {**NEW, "family": "Autre", "ins": TRUE_INS}, shown=PAGE)
    assert again.status_code == 422
    assert 'href="#f-ins"' in again.text
    assert "Un dossier porte déjà ce matricule INS" in again.text
    assert await patients(db) == before


async def test_an_identity_typed_without_a_slip_is_kept(db: Database) -> None:
    before = await patients(db)
    async with visiting(make_door(db), "secretaire-clamart") as visitor:
        answer = await visitor.post(PAGE, {**NEW, "ins": TRUE_INS, "phone": "01 99 00 94 10"}, shown=PAGE)
    assert answer.status_code == 303
    assert await patients(db) == before + 1
