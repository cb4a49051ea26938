"""Each form of a patient's own pages, and the answer of the house to a patient's question, refused with a bad answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.doors.test_asking_why_pages import asks, first_look, looked_at, officer
from tests.doors.test_patient_rights import in_front
from tests.factories import crossings
from tests.factories import patients as make
from tests.support import france_connect as fc
from tests.support.form_pages import tree
from tests.support.refusals import Refused, refused
from tests.support.web import Visitor

from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = crossings.territory
pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("light_hashes")]
ROUTES = (
    "/p/{token:link}",
    "/suivi/{visit:id}/absence",
    "/suivi/{visit:id}/accord",
    "/suivi/{visit:id}/acces/{look:id}",
    "/questions/{id:id}/reponse",
)


@pytest.fixture
def citizens(clock: FixedClock) -> Iterator[fc.Citizens]:
    with fc.citizens(clock.now) as made:
        yield made


async def test_the_two_questions_of_a_link_are_refused_beside_their_fields(db: Database) -> None:
    given = await make.given(db, crossings.PLANNER, "Task", await crossings.to_book(db))
    link, code = f"/p/{given.token}", frozenset({"code"})
    async with make.browsing(db) as holder:
        for answers, at in (
            ({"naissance": "31/02/1980", "code": "123456"}, ("naissance",)),
            ({"naissance": "1980-02-28", "code": ""}, ("code",)),
            ({"naissance": "1980-02-28", "code": "000000"}, ("code",)),
        ):
            assert await refused(Visitor(holder.client), Refused(link, link, answers, at, code)) == [], answers


async def test_the_forms_of_the_own_page_are_refused_beside_their_fields(db: Database) -> None:
    async with in_front(db, await crossings.to_book(db)) as holder:
        away, agreed = f"{holder.page}/absence", f"{holder.page}/accord"
        for asked in (
            Refused(away, away, {"de": "2026-12-24", "a": "2026-12-20"}, ("a",)),
            Refused(away, away, {"de": "", "a": "2026-12-32"}, ("de", "a")),
            Refused(away, away, {"de": "2026-01-05", "a": "2026-01-06"}, ("a",)),
            Refused(agreed, agreed, {"lieu": "", "jusque": "2027-01-31"}, ("lieu",)),
            Refused(agreed, agreed, {"lieu": "chic", "jusque": "2020-01-31"}, ("jusque",)),
        ):
            assert await refused(Visitor(holder.client), asked) == [], asked


async def test_a_question_and_its_answer_are_refused_beside_their_fields(
    db: Database, clock: FixedClock, citizens: fc.Citizens, tmp_path: Path
) -> None:
    async with looked_at(db, clock, citizens, tmp_path) as reader:
        why = f"{reader.holder.page}{await first_look(reader)}"
        assert await refused(Visitor(reader.holder.client), Refused(why, why, {"text": "Pourquoi ? " * 200}, ("text",))) == []
        await asks(reader)
    async with officer(db, "dpo") as visitor:
        links = [one.attrs["href"] for one in tree((await visitor.get("/urgences")).text).all("a")]
        [page] = {link for link in links if link.startswith("/questions/")}
        for text in ("Bon.", "Bon. " * 1000):
            assert await refused(visitor, Refused(page, f"{page}/reponse", {"text": text}, ("text",))) == []
