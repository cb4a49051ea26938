"""Every state x verb x party of the referral: allowed or refused, and with which reason."""

from __future__ import annotations

import pytest

from maillage.kernel.answers import Refused
from maillage.kernel.transitions import SAME
from maillage.referrals.rules import CHILD_TABLE, FREES_THE_SLOT, TABLE, find_line
from maillage.referrals.types import CHILD_OF_STATE, COW, DEADLINE_OF_STATE, PARTIES

ALL = tuple(TABLE.states)
UNDECIDED = "sent opened info-requested info-received insisted"
ACCEPTED = "to-book waiting-capacity offered booked not-attended to-rebook seen"

# The rule book once more, by hand: verb, party, from, to. What is not here is refused.
EXPECTED = [
    ("send", "RC RO", "to-complete", "sent"),
    ("open", "PC PO", "sent", "opened"),
    ("ask-info", "PC PO", "sent opened info-received", "info-requested"),
    ("answer-info", "RC RO", "info-requested", "info-received"),
    ("accept", "PC", "sent opened info-received", "to-book"),
    ("accept", "LD", "insisted", "to-book"),
    ("advise", "PC", "sent opened info-received", "advised"),
    ("advise", "LD", "insisted", "advised"),
    ("redirect", "PC", "sent opened info-requested info-received to-book waiting-capacity", "redirected"),
    ("decline", "PC", f"sent opened info-requested info-received {ACCEPTED}", "declined"),
    ("decline", "LD", "insisted", "declined"),
    ("no-place", "PO SY", "to-book", "waiting-capacity"),
    ("offer", "PO PT", "to-book waiting-capacity to-rebook not-attended", "offered"),
    ("book", "RO", "sent", "booked"),
    ("book", "PO PT", "to-book waiting-capacity offered not-attended to-rebook seen", "booked"),
    ("refuse-offer", "PT", "offered", "to-book"),
    ("offer-expired", "SY", "offered", "to-book"),
    ("offer-withdrawn", "SY", "offered", "to-book"),
    ("reschedule", "PO PT", "booked", "booked"),
    ("cancel-appointment", "PO PT", "booked not-attended seen", "to-rebook"),
    ("mark-not-attended", "PO PC", "booked", "not-attended"),
    ("return-after-absence", "PC", "not-attended", "declined"),
    ("mark-seen", "PC PO", "to-book booked seen", "seen"),
    ("send-outcome", "PC", "to-book booked seen cancellation-requested not-attended to-rebook", "letter-sent"),
    ("acknowledge", "RC RO", "letter-sent advised", "closed"),
    ("dispute", "RC", "letter-sent", "seen"),
    ("withdraw", "RC RO", UNDECIDED, "cancelled"),
    ("request-cancellation", "RC RO", ACCEPTED, "cancellation-requested"),
    ("confirm-cancellation", "PO PC", "cancellation-requested", "cancelled"),
    ("close-opposed", "RC RO PC PO", f"{UNDECIDED} {ACCEPTED} cancellation-requested", "cancelled"),
    ("close-opposed", "RC RO PC PO", "letter-sent advised declined redirected", "closed"),
    ("close-opposed", "RC RO", "to-complete", "cancelled"),
    ("decide-next", "RC", "declined redirected", "closed"),
    ("send-elsewhere", "RC", "declined redirected", "closed"),
    ("send-elsewhere", "RC", UNDECIDED, "cancelled"),
    ("insist", "RC", "declined redirected advised", "closed"),
    ("not-selected", "SY", UNDECIDED, "cancelled"),
    ("change-priority", "RC PC", f"to-complete {UNDECIDED} {ACCEPTED}", SAME),
    ("declare-unavailable", "PT RO PO", f"{UNDECIDED} {ACCEPTED}", SAME),
    ("say-no-news", "PT", f"{UNDECIDED} to-book waiting-capacity not-attended to-rebook seen cancellation-requested", SAME),
    (
        "enter-in-error",
        "RC PC",
        f"to-complete {UNDECIDED} to-book waiting-capacity offered booked not-attended to-rebook",
        "entered-in-error",
    ),
]


def expected(verb: str, party: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, parties, sources, target in EXPECTED:
        if name == verb and party in parties.split():
            found |= dict.fromkeys(sources.split(), target)
    return found


def test_the_rule_book_names_the_same_verbs() -> None:
    assert set(TABLE.verbs) == {line[0] for line in EXPECTED}


@pytest.mark.parametrize("party", PARTIES)
@pytest.mark.parametrize("verb", TABLE.verbs)
def test_a_verb_is_allowed_exactly_where_the_rule_book_says(verb: str, party: str) -> None:
    allowed = expected(verb, party)
    for state in ALL:
        line = find_line(state, verb, frozenset({party}))
        if state in allowed:
            assert not isinstance(line, Refused), (state, verb, party)
            assert line.target == allowed[state]
        else:
            somebody = any(state in expected(verb, other) for other in PARTIES)
            assert isinstance(line, Refused)
            assert line.reason == ("not-for-this-party" if somebody else "not-in-table")
            assert verb not in line.legal


@pytest.mark.parametrize("state", ALL)
def test_nobody_without_a_party_does_anything(state: str) -> None:
    for verb in TABLE.verbs:
        line = find_line(state, verb, frozenset())
        assert isinstance(line, Refused)
        assert line.legal == ()


@pytest.mark.parametrize("state", ALL)
def test_an_open_state_has_a_turn_a_deadline_and_a_way_out_by_a_person(state: str) -> None:
    if not TABLE.states[state].is_open:
        assert state not in DEADLINE_OF_STATE
        return
    assert state in DEADLINE_OF_STATE
    ways = TABLE.legal(state, set(PARTIES) - {"SY"})
    assert any(way.after(state) != state for way in ways)


def test_the_scheduler_never_accepts_declines_or_closes() -> None:
    """Silence decides nothing: SY parks, lets an offer expire or fall with its session, or takes away what another service has accepted."""
    assert {t.verb for t in TABLE.transitions if "SY" in t.by} == {"no-place", "offer-expired", "offer-withdrawn", "not-selected"}


def test_a_turn_that_is_not_the_performers_has_a_child_task() -> None:
    elsewhere = {code for code, state in TABLE.states.items() if state.turn in ("requester", "PT")} - {"to-complete"}
    assert set(CHILD_OF_STATE) == elsewhere


def test_cow_names_belong_to_states() -> None:
    assert set(COW) <= set(ALL)


def test_every_line_that_leaves_an_appointment_says_that_it_frees_the_slot() -> None:
    with_slot = {"offered", "booked"}
    kept = {"seen", "booked", "offered", "letter-sent", "cancellation-requested", "not-attended"}
    for transition in TABLE.transitions:
        for source in transition.sources & with_slot:
            if transition.after(source) not in kept:
                assert transition.verb in FREES_THE_SLOT, transition


CHILD_EXPECTED = {
    ("due", "accept", "RC"): "accepted",
    ("due", "accept", "RO"): "accepted",
    ("due", "hand-back", "RC"): "handed-back",
    ("accepted", "hand-back", "RC"): "handed-back",
    ("due", "done", "RC"): "completed",
    ("due", "done", "RO"): "completed",
    ("accepted", "done", "RC"): "completed",
    ("accepted", "done", "RO"): "completed",
    ("handed-back", "done", "PC"): "completed",
    ("handed-back", "done", "PO"): "completed",
    **{("due", "give-news", party): "completed" for party in ("RC", "RO", "PC", "PO", "LD")},
    ("none", "open-child", "SY"): "due",
    ("due", "settle", "SY"): "completed",
    ("accepted", "settle", "SY"): "completed",
    ("handed-back", "settle", "SY"): "completed",
    ("due", "cancel-child", "SY"): "cancelled",
    ("accepted", "cancel-child", "SY"): "cancelled",
    ("handed-back", "cancel-child", "SY"): "cancelled",
}


@pytest.mark.parametrize("verb", CHILD_TABLE.verbs)
@pytest.mark.parametrize("party", PARTIES)
@pytest.mark.parametrize("state", [*CHILD_TABLE.states, "none"])
def test_child_tasks(state: str, verb: str, party: str) -> None:
    line = CHILD_TABLE.check(state, verb, [party])
    target = CHILD_EXPECTED.get((state, verb, party))
    if target:
        assert not isinstance(line, Refused)
        assert line.target == target
    else:
        assert isinstance(line, Refused)
