"""The two transition tables, exhaustively: every state x verb x party is allowed or refused as the table says."""

from __future__ import annotations

from itertools import product

import pytest

from maillage.booking.rules import APPOINTMENT, SESSION
from maillage.booking.types import AppointmentStatus, SessionStatus
from maillage.kernel.transitions import NOWHERE, Transition, TransitionTable

#: verb: (sources, target, parties), written a second time by hand from workflows.md 2
SESSION_ORACLE = {
    "plan": ({NOWHERE}, "planned", {"PO"}),
    "confirm-room": ({"planned"}, "planned", {"HO"}),
    "publish": ({"planned"}, "open", {"PO"}),
    "flag-absence": ({"open"}, "at-risk", {"PC", "PO", "HO"}),
    "substitute": ({"at-risk"}, "open", {"PO"}),
    "cancel-session": ({"planned", "open", "at-risk"}, "cancelled", {"PO", "HO"}),
    "supersede": ({"planned"}, "cancelled", {"SY"}),
    "start": ({"open"}, "running", {"PC"}),
    "finish": ({"running"}, "done", {"PC"}),
    "settle-session": ({"done", "settlement-disputed"}, "settled", {"PO", "HO"}),
    "dispute-settlement": ({"done", "settled"}, "settlement-disputed", {"PO", "HO"}),
}
APPOINTMENT_ORACLE = {
    "hold": ({NOWHERE}, "pending", {"PO", "RO", "PT"}),
    "book": ({NOWHERE, "pending"}, "booked", {"PO", "RO", "PT"}),
    "expire-hold": ({"pending"}, "cancelled", {"SY"}),
    "confirm": ({"booked"}, "booked", {"PT", "PO", "HO"}),
    "move": ({"booked"}, "booked", {"PO", "PT"}),
    "cancel": ({"pending", "booked", "waitlist"}, "cancelled", {"PO", "PT", "RO"}),
    "cancel-with-session": ({"pending", "booked"}, "cancelled", {"SY"}),
    "change-practitioner": ({"pending", "booked", "arrived", "checked-in"}, "", {"SY"}),
    "serve": ({"waitlist", "pending"}, "cancelled", {"SY"}),
    "join-waitlist": ({NOWHERE}, "waitlist", {"PO", "SY", "PT", "RO"}),
    "prioritise": ({"waitlist"}, "waitlist", {"PO"}),
    "refill": ({"waitlist"}, "pending", {"SY"}),
    "accept-refill": ({"pending"}, "booked", {"PO", "RO", "PT"}),
    "refuse-refill": ({"pending"}, "waitlist", {"PO", "RO", "PT"}),
    "lose-refill": ({"pending"}, "waitlist", {"SY"}),
    "arrive": ({"booked"}, "arrived", {"HO"}),
    "call-in": ({"arrived"}, "checked-in", {"HO", "PC"}),
    "fulfil": ({"booked", "arrived", "checked-in"}, "fulfilled", {"PC", "PO"}),
    "absent": ({"booked"}, "noshow", {"PO", "PC"}),
}

#: whose turn it is in each open state; a closed one is nobody's
SESSION_TURNS = {"planned": "PO", "open": "PO", "at-risk": "PO", "running": "PC", "done": "PO", "settlement-disputed": "CO"}
APPOINTMENT_TURNS = {"waitlist": "SY", "pending": "PT", "booked": "PO", "arrived": "HO", "checked-in": "PC"}

#: who is told beyond whoever has the next turn
SESSION_TOLD = {
    **{key: {"HO"} for key in ("flag-absence", "substitute")},
    "cancel-session": {"HO", "PT"},
    "dispute-settlement": {"CO"},
}
APPOINTMENT_TOLD = {
    **{key: {"PT", "HO"} for key in ("book", "move", "cancel", "accept-refill")},
    **{key: {"PT"} for key in ("cancel-with-session", "change-practitioner", "refill", "lose-refill")},
    **{key: {"RC"} for key in ("fulfil", "absent")},
}

#: why a verb may be refused beyond its line: the codes that forms explain
PLACED = {"reserved", "quota-exhausted", "already-booked", "session-not-open", "in-the-past"}
SESSION_NEEDS = {
    "plan": {"no-clause", "not-authorised", "quota-above-slots", "local-time-gap"},
    "publish": {"room-unconfirmed", "no-clause", "not-authorised"},
    "substitute": {"other-specialty", "not-authorised"},
    "cancel-session": {"unknown-reason"},
    "finish": {"slots-open"},
    "dispute-settlement": {"comment-too-short"},
}
APPOINTMENT_NEEDS = {
    "hold": PLACED,
    "move": PLACED,
    "book": PLACED | {"hold-expired"},
    "cancel": {"unknown-reason", "comment-too-short"},
    "prioritise": {"comment-too-short"},
    "accept-refill": {"hold-expired", "reserved", "quota-exhausted"},
    "arrive": {"identity-unconfirmed"},
    "absent": {"unknown-reason", "too-early"},
}


@pytest.mark.parametrize(
    ("table", "turns", "told", "needs"),
    [(SESSION, SESSION_TURNS, SESSION_TOLD, SESSION_NEEDS), (APPOINTMENT, APPOINTMENT_TURNS, APPOINTMENT_TOLD, APPOINTMENT_NEEDS)],
    ids=["session", "appointment"],
)
def test_whose_turn_it_is_who_is_told_and_why_it_may_be_refused(
    table: TransitionTable, turns: dict[str, str], told: dict[str, set[str]], needs: dict[str, set[str]]
) -> None:
    assert {code: state.turn for code, state in table.states.items() if state.is_open} == turns
    for transition in table.transitions:
        assert set(transition.tells) == told.get(transition.verb, set()), transition.verb
        assert set(transition.needs) == needs.get(transition.verb, set()), transition.verb


def test_the_tables_are_named_as_their_objects() -> None:
    assert (SESSION.name, APPOINTMENT.name) == ("session", "appointment")


@pytest.mark.parametrize(
    ("table", "oracle"), [(SESSION, SESSION_ORACLE), (APPOINTMENT, APPOINTMENT_ORACLE)], ids=["session", "appointment"]
)
def test_every_state_verb_and_party(table: TransitionTable, oracle: dict[str, tuple[set[str], str, set[str]]]) -> None:
    assert set(table.verbs) == set(oracle)
    for state, verb, party in product([NOWHERE, *table.states], table.verbs, table.parties):
        sources, target, parties = oracle[verb]
        answer = table.check(state, verb, [party])
        if state in sources and party in parties:
            assert isinstance(answer, Transition)
            assert answer.target == (target or state)
        else:
            assert not isinstance(answer, Transition)
            assert answer.reason == ("not-for-this-party" if state in sources else "not-in-table")


@pytest.mark.parametrize("table", [SESSION, APPOINTMENT], ids=["session", "appointment"])
def test_every_state_can_be_reached_and_every_open_one_left(table: TransitionTable) -> None:
    reached, before = {NOWHERE}, set[str]()
    while reached != before:
        before = set(reached)
        reached |= {t.target for t in table.transitions if t.sources & reached}
    assert reached - {NOWHERE} == set(table.states)
    for code, state in table.states.items():
        if state.is_open:
            assert any(code in t.sources and t.target != code for t in table.transitions), code


def test_states_are_the_declared_statuses() -> None:
    assert set(SESSION.states) == set(SessionStatus)
    assert set(APPOINTMENT.states) == set(AppointmentStatus)
    assert all(state.code == state.fhir_status for state in (*SESSION.states.values(), *APPOINTMENT.states.values()))
