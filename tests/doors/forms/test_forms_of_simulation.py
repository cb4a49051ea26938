"""Each form of the simulation, refused with a bad answer; the other forms of its page stay as they were."""

from __future__ import annotations

import pytest
from tests.support.form_pages import form_of, sent, tree
from tests.support.refusals import Refused, all_refused
from tests.support.web import make_door, territory, visiting

from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
ROUTES = ("/simulation", "/simulation/scenario", "/simulation/fichier", "/simulation/prevision")
MANAGER, LIST, EDITOR = "direction-percy", "/simulation", "/simulation/scenario"


async def test_the_forms_of_the_simulation_are_refused_beside_their_fields(db: Database) -> None:
    numbers = {"title": "", "question": "Combien de boxes ?", "box-base": "douze", "runs": "1", "how": "play"}
    rows = [
        Refused(LIST, LIST, {"scenario": "", "against": "percy-35000-overflow"}, ("scenario",)),
        Refused(EDITOR, EDITOR, numbers, ("title", "box-base", "runs")),
        Refused(LIST, "/simulation/fichier", {"file": "ce n’est pas un scénario"}, ("file",)),
        Refused(LIST, "/simulation/fichier", {"file": ""}, ("file",)),
        Refused(LIST, "/simulation/prevision", {"counts": "{}"}, ("counts",)),
    ]
    assert await all_refused(db, [(MANAGER, asked) for asked in rows]) == {}


async def test_what_another_form_of_the_page_proposes_is_not_lost(db: Database) -> None:
    async with visiting(make_door(db), MANAGER) as visitor:
        before = form_of(tree((await visitor.get(LIST)).text), LIST)
        answer = await visitor.post("/simulation/fichier", {"file": ""}, shown=LIST)
        after = form_of(tree(answer.text), LIST)
        assert before
        assert after
        kept = [[pair for pair in sent(form) if not pair[0].startswith("_")] for form in (before, after)]
        assert kept[0] == kept[1] == [("scenario", "percy-35000-rebuilt"), ("against", "percy-35000-overflow")]
