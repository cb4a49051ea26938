"""The form of a follow-up stands on the page of its request: refused or held up by a session that ended, it opens again with what was written."""

from __future__ import annotations

import pytest
from tests.doors.test_patient_rights import in_front, no_news
from tests.doors.test_web_interrupted import GONE, kept, signs_in
from tests.factories import referrals as make
from tests.journeys.conftest import opened_territory
from tests.support.furnished import KNOWN, request
from tests.support.web import SAME_SITE, hidden, make_door, visiting

from maillage import referrals
from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = opened_territory
pytestmark = pytest.mark.asyncio
NEWS = "Appelée ce matin, elle connaît la date."


async def missed(db: Database) -> tuple[str, str, str]:
    """A request whose patient has no news: its page, the address of the form, the id of the follow-up."""
    task = await request(db, KNOWN[0]["id"], make.BOOKABLE)
    await make.act(db, make.TRIAGERS[make.BOOKABLE], referrals.accept, task)
    async with in_front(db, task) as holder:
        await holder.acts("/sans-nouvelles")
    child = str((await no_news(db, task))["id"])
    return f"/demandes/{task}", f"/demandes/{task}/suites/{child}/give-news", child


async def test_a_refused_follow_up_says_what_is_missing_beside_the_field(db: Database) -> None:
    page, address, child = await missed(db)
    async with visiting(make_door(db), "planification-percy") as visitor:
        refused = await visitor.post(address, {"comment": " "}, shown=page)
        assert refused.status_code == 422, refused.headers.get("location")
        assert f'href="#f-{child}-give-news-comment"' in refused.text, "the summary leads to the field"
        assert "<details open>" in refused.text


async def test_a_follow_up_held_up_by_the_end_of_the_session_is_found_again_on_its_request(db: Database, clock: FixedClock) -> None:
    page, address, _ = await missed(db)
    async with visiting(make_door(db), "planification-percy") as visitor:
        fields = hidden(await visitor.get(page))
        clock.advance(GONE)
        answer = await visitor.client.post(address, data={**fields, "comment": NEWS}, headers=SAME_SITE)
        assert await kept(db) == 1
        again = await signs_in(visitor, "planification-percy", answer)
        assert again.url.path == page
        assert "Ce que vous aviez écrit est repris ici" in again.text
        assert NEWS in again.text
        assert "<details open>" in again.text
    assert (await no_news(db, page.rpartition("/")[2]))["turn"] == "PO", "nothing was done with it"
