"""The floors of the bench repeat a recorded request: what changes from request to request must change in them too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from bench.door import pgbench, replay
from bench.door.plan import Plan, Share
from bench.door.recording import Recording, Statement
from bench.door.rows import Template, rows

AT = datetime(2026, 11, 16, 8, tzinfo=UTC)
ID = "019a2b3c-7d00-7abc-8def-0123456789ab"
PLAN = Plan("", "", "secret", 1000, 500, 100, '{"id": "once"}')


def test_a_word_is_replaced_where_it_stands_alone() -> None:
    text = Template("Task/t-1, Task/t-12, at-1, t-1", ("t-1",))
    assert text.fill(("t-77",)) == "Task/t-77, Task/t-12, at-1, t-77"


@pytest.mark.parametrize("name", ["create", "read", "worklist", "identifier", "family", "transaction", "update", "slot"])
def test_two_requests_of_a_row_differ_by_their_words(name: str) -> None:
    row = rows(PLAN)[name]
    turns = Share("share", 0, 50).turns()
    first, second = (row.words(*next(turns)) for _ in range(2))
    one, other = (row.request(words, PLAN.token).decode() for words in (first, second))
    assert one != other
    assert Template(one, first).fill(second).partition("\r\n\r\n")[2] == other.partition("\r\n\r\n")[2]


def test_a_share_comes_back_to_a_resource_only_when_it_saw_all() -> None:
    turns = Share("share", 100, 40).turns()
    laps = [[next(turns)[:2] for _ in range(40)] for _ in range(2)]
    assert [sorted(lap) for lap in laps] == [[(number, lap) for number in range(101, 141)] for lap in range(2)]


def recorded() -> Recording:
    values = ("bench-task-987", [ID, "bench-patient-488"], 173, AT + timedelta(seconds=1), AT - timedelta(days=9), None, "12:30 o'clock :x")
    types = ("text", "text[]", "int4", "timestamptz", "timestamptz", "text", "text")
    opening = Statement(0, "execute", f"BEGIN; SELECT set_config('app.request', '{ID}', true)", (), ())
    write = Statement(0, "execute", "SELECT $1, $2, $3, $4, $5, $6, $7", values, types)
    words = rows(PLAN)["update"].words(987, 172, "recorded-once")
    return Recording("update", [opening, write], words, (ID,), AT, b"")


def test_a_step_is_made_anew_for_each_request() -> None:
    [made] = replay.Ids().take(1)
    words = (*rows(PLAN)["update"].words(5, 0, "other"), made)
    opening, write = (replay.Step(statement, recorded()).make(words, AT + timedelta(days=1)) for statement in recorded().statements)
    assert opening == (f"BEGIN; SELECT set_config('app.request', '{made}', true)", [])
    values = ["bench-task-5", [made, "bench-patient-6"], 1, AT + timedelta(days=1), AT - timedelta(days=9), None, "12:30 o'clock :x"]
    assert write[1] == values


def test_the_script_of_pgbench_says_the_same() -> None:
    script = pgbench.Script(rows(PLAN)["update"], recorded(), Share("s", 0, 80), 8).text
    assert "set_config('app.request', '' || ('s-0-' || :client_id::text || '-' || :i::text) || '', true)" in script
    assert "(('bench-task-' || :n::text))::text" in script
    assert "ARRAY[('s-0-' || :client_id::text || '-' || :i::text), ('bench-patient-' || :w0::text)]" in script
    assert "\\set w0 ((:n % 500) + 1)" in script
    assert "(:w2::text)::int4, (now())::timestamptz, (E'2026-11-07 08\\x3a00\\x3a00+00\\x3a00')::timestamptz, (NULL)::text" in script
    assert "E'12\\x3a30 o''clock \\x3ax'" in script


def test_ids_made_anew_never_repeat() -> None:
    ids = replay.Ids()
    assert len({id for _ in range(50) for id in ids.take(3)}) == 150
