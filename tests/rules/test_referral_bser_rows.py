"""The 34 published rows of BSeR x 360X and the project's additions, each placed: emitted, read only, or resolved to another."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from maillage.referrals.rules import READ_ONLY_ROWS, RESOLVED_ROWS, TABLE, emitted_rows, read_partner

ORACLE = Path(os.environ.get("MAILLAGE_EXAMPLES", Path(__file__).resolve().parents[2].parent / "shared" / "data")) / "referral"
PUBLISHED = [f"{number:02}" for number in range(1, 35)]
ADDED = [f"D{number}" for number in range(1, 5)] + [f"C{number}" for number in range(1, 9)]


def oracle(name: str) -> list[dict[str, str]]:
    if not ORACLE.is_dir():
        pytest.skip("the published table is not beside this checkout")
    with (ORACLE / name).open(encoding="utf-8") as text:
        return list(csv.DictReader(text))


@pytest.mark.parametrize("row", PUBLISHED + ADDED)
def test_each_row_is_placed_once(row: str) -> None:
    places = [row in emitted_rows(), row in READ_ONLY_ROWS, row in RESOLVED_ROWS and row not in READ_ONLY_ROWS]
    assert places.count(True) == 1, places


def test_no_row_of_ours_is_unknown() -> None:
    assert emitted_rows() | set(READ_ONLY_ROWS) | set(RESOLVED_ROWS) == set(PUBLISHED + ADDED)


def test_rows_that_stand_for_another_are_emitted() -> None:
    assert {part for row in RESOLVED_ROWS.values() for part in row.split("+")} <= emitted_rows()
    assert set(READ_ONLY_ROWS.values()) <= set(TABLE.verbs)


def test_the_oracle_agrees_on_what_is_emitted() -> None:
    for row in oracle("referral-transitions.csv"):
        known = row["tid"] in emitted_rows() or RESOLVED_ROWS.get(row["tid"], "").split("+")[0] in emitted_rows()
        assert known if row["use"] == "full" else row["tid"] in READ_ONLY_ROWS, row


def test_the_published_table_has_the_34_rows() -> None:
    assert [row["tid"] for row in oracle("harmonized-state-transitions.csv")] == PUBLISHED


def test_each_emitted_row_starts_and_ends_where_the_oracle_says() -> None:
    rows = {row["tid"]: row for row in oracle("referral-transitions.csv")}
    for transition in TABLE.transitions:
        for source, numbers in transition.rows.items():
            first, last = (rows[number] for number in (numbers.split("+")[0], numbers.split("+")[-1]))
            start, end = TABLE.states[source], TABLE.states[transition.after(source)]
            begins = {first["from_state"]} | ({"5.1.3"} if first["tid"] == "33" else set())
            assert start.business in begins, (transition.verb, source, numbers)
            assert (end.business, end.fhir_status) == (last["to_state"], last["to_status"]), (transition.verb, source, numbers)


def test_the_actor_of_each_row_is_the_side_that_plays_it() -> None:
    rows = {row["tid"]: row for row in oracle("referral-transitions.csv")}
    sides = {"initiator": {"RC", "RO", "SY"}, "recipient": {"PC", "PO", "LD", "PT"}}
    for transition in TABLE.transitions:
        for numbers in transition.rows.values():
            first = rows[numbers.split("+")[0]]
            at_send = transition.verb == "book" and "sent" in transition.sources  # standing acceptance of a bookable service
            assert at_send or transition.by <= sides[first["actor"]], (transition.verb, numbers)


OURS_ALONE = {
    ("offer", "to-rebook"),  # 5.1.3 -> 3.0: an offer after a cancelled appointment
    ("offer", "not-attended"),  # 5.1.2 -> 3.0: an offer after an absence
    ("dispute", "letter-sent"),  # 7.0 -> 5.1.4: the letter lacks something, the work goes on
}


def test_moves_that_partners_see_and_the_published_table_does_not_have() -> None:
    """These three are decided by workflows.md 1; every other change of business status is a published row."""
    found = {
        (transition.verb, source)
        for transition in TABLE.transitions
        if not transition.quiet and transition.verb not in ("enter-in-error", "close-opposed")
        for source in transition.sources
        if TABLE.states[source].business != TABLE.states[transition.after(source)].business and source not in transition.rows
    }
    assert found == OURS_ALONE


@pytest.mark.parametrize(
    ("status", "business", "facts", "state", "kept"),
    [
        ("requested", None, {}, "sent", "2.0"),
        ("in-progress", "5.1", {"has_appointment": True}, "booked", "5.1.1"),
        ("in-progress", "5.1", {"has_note": True}, "seen", "5.1.4"),
        ("in-progress", None, {}, None, "5.1"),
        ("in-progress", "5.2", {}, "cancellation-requested", "5.2"),
        ("failed", "5.1.1", {}, "declined", "4.0"),
        ("cancelled", None, {}, "cancelled", "6.0"),
    ],
)
def test_a_partners_task_is_read(status: str, business: str | None, facts: dict[str, bool], state: str | None, kept: str) -> None:
    read = read_partner(status, business, **facts)
    assert read is not None
    assert (read.state, read.business) == (state, kept)
    assert (read.reason == "became-impossible") is (status == "failed")


def test_a_status_outside_the_published_table_is_not_read() -> None:
    assert read_partner("on-hold", None) is None
