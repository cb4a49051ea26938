"""The judge of the fault tests finds what it is there to find."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.history import History, Operation, judge


def told(folder: Path, outcome: str) -> History:
    history = History(folder / "history.jsonl")
    history.invoke("k", "referral")
    if outcome == "ok":
        history.ok("k", b"answer")
    elif outcome == "fail":
        history.fail("k")
    else:
        history.unknown("k")
    return history


@pytest.mark.parametrize(
    ("outcome", "there", "breached"),
    [
        ("ok", "whole", False),
        ("ok", "absent", True),
        ("ok", "half", True),
        ("ok", "twice", True),
        ("fail", "absent", False),
        ("fail", "whole", True),
        ("unknown", "whole", False),
        ("unknown", "absent", False),
        ("unknown", "half", True),
        ("unknown", "twice", True),
    ],
)
def test_what_was_told_is_compared_with_what_is_there(tmp_path: Path, outcome: str, there: str, breached: bool) -> None:
    state = [there]

    def resend(_: Operation) -> bytes:
        state[0] = "whole" if state[0] == "absent" else state[0]
        return b"answer"

    assert bool(judge(told(tmp_path, outcome), lambda _: state[0], resend)) is breached


def test_a_retry_that_doubles_or_answers_otherwise_is_found(tmp_path: Path) -> None:
    history = told(tmp_path, "ok")
    assert judge(history, lambda _: "whole", lambda _: b"another answer")
    sent = []

    def doubled(_: Operation) -> str:
        return "twice" if sent else "whole"

    def resend(operation: Operation) -> bytes:
        sent.append(operation.key)
        return operation.answer

    assert judge(history, doubled, resend)


def test_an_acknowledgement_is_never_taken_back_and_everything_is_on_disk(tmp_path: Path) -> None:
    history = told(tmp_path, "ok")
    history.invoke("k", "referral")
    history.fail("k")
    assert [one.key for one in history.of("ok")] == ["k"]
    lines = (tmp_path / "history.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["what"] for line in lines] == ["invoke", "ok", "invoke", "fail"]
