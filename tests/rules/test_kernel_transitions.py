"""A transition table: one line per (state, verb, party), refusals that say what is legal instead."""

import pytest

from maillage.kernel.answers import Refused
from maillage.kernel.transitions import State, Transition, TransitionTable, line

STATES = (State("open", "requested", turn="A"), State("done", "completed"), State("dropped", "cancelled"))
TABLE = TransitionTable(
    "door",
    STATES,
    (
        line("start", "none", "open", "A"),
        line("finish", "open", "done", "A B", needs="tidy", rows="7"),
        line("drop", "open", "dropped", "B"),
    ),
)


def test_a_line_is_found_for_its_parties_only() -> None:
    found = TABLE.check("open", "finish", {"B"})
    assert isinstance(found, Transition)
    assert (found.target, found.needs, found.rows) == ("done", ("tidy",), {"open": "7"})
    assert TABLE.check("open", "drop", {"A"}) == Refused("not-for-this-party", ("finish",))
    assert TABLE.check("done", "finish", {"A", "B"}) == Refused("not-in-table", ())


def test_two_lines_for_one_case_are_a_defect() -> None:
    with pytest.raises(ValueError, match="two lines"):
        TransitionTable("twice", STATES, (line("go", "open", "done", "A"), line("go", "open", "dropped", "A")))


def test_a_line_to_an_unknown_state_is_a_defect() -> None:
    with pytest.raises(ValueError, match="unknown states"):
        TransitionTable("lost", STATES, (line("go", "open", "nowhere", "A"),))


def test_the_diagram_shows_every_line() -> None:
    diagram = TABLE.mermaid()
    assert "[*] --> open: start (A)" in diagram
    assert "open --> done: finish (A, B)" in diagram
    assert "dropped --> [*]" in diagram
