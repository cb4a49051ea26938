"""The step language: what it accepts, and every refusal with its line and code."""

from __future__ import annotations

import pytest

from maillage.simulation import parameters
from maillage.simulation.assembly import assemble
from maillage.simulation.place import Station, names
from maillage.simulation.steps import Refused
from maillage.simulation.world import prepare

STATIONS = (
    Station("a", [(0.0, 1)]),
    Station("b", [(0.0, 1)]),
    Station("h", [(0.0, 1)], "hand-over"),
    Station("w", [(0.0, 1)], "wind-down", 15),
    Station("g", [(0.0, 1)], groups=("one", "two")),
)
WORDS = names(("1", "2"), STATIONS, ("d", "e", "yes"))

REFUSED = {
    "a name that nothing has": ("path p\n seize nobody by class\n exit out", 2, "unknown-name"),
    "a duration that no column has": ("path p\n serve a by class for nothing\n exit out", 2, "unknown-name"),
    "a label that is not there": ("path p\n if yes goto nowhere\n exit out", 2, "unknown-name"),
    "a class that is not there": ("path p\n on 7 goto x\nx:\n exit out", 2, "unknown-name"),
    "a list that is not there": ("path p\n serve g by three for d\n exit out", 2, "unknown-name"),
    "zones where there are none": ("path p\n enter zones\n exit out", 2, "unknown-name"),
    "a step that is none": ("path p\n sing d\n exit out", 2, "unknown-step"),
    "a step without its subject": ("path p\n delay\n exit out", 2, "malformed"),
    "a serve without a duration": ("path p\n serve a by class\n exit out", 2, "malformed"),
    "patience without a way out": ("path p\n seize a by class within d\n release a\n exit out", 2, "malformed"),
    "a word that has no place": ("path p\n delay d quickly\n exit out", 2, "malformed"),
    "a try without a way out": ("path p\n try a\n release a\n exit out", 2, "malformed"),
    "leaving with something in hand": ("path p\n seize a by class\n exit out", 3, "ends-holding"),
    "leaving with something on one branch": ("path p\n seize a by class\n if yes goto x\n release a\nx:\n exit out", 6, "ends-holding"),
    "more in hand on one branch": ("path p\n seize a by class\n if yes goto x\n seize b by class\nx:\n release a\n exit out", 6, "held-differs"),
    "giving back what one has not": ("path p\n release a\n exit out", 2, "not-held"),
    "two who may wait for each other": (
        "path p\n seize a by class\n serve b by class for d\n release a\n exit out\npath q\n seize b by class\n serve a by class for d\n release b\n exit out",
        3, "deadlock-possible",
    ),
    "asking twice for the same": ("path p\n seize a by class\n seize a by class\n release a\n exit out", 3, "deadlock-possible"),
    "a step that no branch reaches": ("path p\n exit out\n delay d\n exit out", 3, "unreachable"),
    "a path without an end": ("path p\n delay d", 2, "no-exit"),
    "a path that runs into the next": ("path p\n delay d\npath q\n exit out", 2, "no-exit"),
    "a loop in which no time passes": ("path p\nx:\n mark m\n if yes goto x\n goto x", 3, "endless-loop"),
    "a jump to itself": ("path p\nx:\n goto x", 3, "endless-loop"),
    "a name given twice": ("path p\nx:\n delay d\nx:\n exit out", 4, "twice"),
    "an empty path": ("path p\n exit out\npath q", 3, "empty"),
    "a hand-over of what is held": ("path p\n seize h by class\n delay d\n release h\n exit out", 2, "hand-over-needs-serve"),
    "a list emptied to nowhere": ("path p\n serve w by class for d\n exit out", 2, "wind-down-needs-else"),
    "one resource in two orders": ("path p\n serve a by class for d\n serve a by rank for e\n exit out", 3, "mixed-order"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_pathway_is_refused_by_line_and_code(case: str) -> None:
    text, line, code = REFUSED[case]
    with pytest.raises(Refused) as found:
        assemble(text, WORDS)
    assert (found.value.line, found.value.code) == (line, code)


def test_the_pathway_that_ships_is_accepted_and_its_idle_holding_reported() -> None:
    program = prepare(parameters.shipped("percy-35000-overflow"), 2).program
    assert {(held, asked) for _, held, asked in program.holding} == {
        ("box", "nurse"), ("box", "doctor"), ("box", "imaging"), ("box", "bed"), ("box", "uhcd"), ("uhcd", "bed"),
    }  # fmt: skip
    assert set(program.exits) == {"home", "unseen", "ward", "uhcd", "og", "present"}


def test_lists_are_numbered_in_the_order_of_service() -> None:
    program = assemble("path p\n serve g by two for d\n serve g by one for e\n exit out", WORDS)
    assert program.list_names == ("g one", "g two")
    assert program.keys[:, 0].tolist() == [1, 0]
