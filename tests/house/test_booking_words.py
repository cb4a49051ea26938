"""Every reason that booking raises, every code that it keeps and every event that it tells has its word."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from maillage import booking
from maillage.booking.types import CANCEL_REASONS, ExceptionKind, HoldKind, Reserved, Side
from maillage.codes import labels

ROOM = Path(booking.__file__).parent
RAISES = {"Conflict", "NotAllowed", "Refused", "one", "refuse"}


def _raised() -> Iterator[str]:
    for path in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
            if name in RAISES:
                place = 1 if name == "refuse" else 0
                yield from [arg.value for arg in node.args[place : place + 1] if isinstance(arg, ast.Constant)]


def test_every_reason_that_is_raised_has_a_sentence() -> None:
    assert sorted({r for r in _raised() if not (labels.entry("error", r) or labels.entry("reason", r))}) == []


def test_every_code_that_is_kept_has_its_label() -> None:
    wanted = [("reason", reason) for reasons in CANCEL_REASONS.values() for reason in reasons]
    wanted += [("reason", reason) for reason in (*booking.ABSENCE_REASONS, *booking.SESSION_REASONS)]
    wanted += [("side", side) for side in Side] + [("hold", kind) for kind in HoldKind]
    wanted += [("reserved", kind) for kind in Reserved] + [("word", kind) for kind in ExceptionKind]
    wanted += [("slot-state", state) for state in ("free", "reserved", "held", "booked", "blocked")]
    assert [pair for pair in wanted if labels.entry(*pair) is None] == []


def test_every_event_that_is_told_has_its_label() -> None:
    told = [f"{table.name}-{line.verb}" for table in booking.TABLES for line in table.transitions if line.tells]
    told += [f"appointment-{event}" for event in ("confirm-asked", "to-call", "absence-proposed")]
    assert [event for event in told if labels.entry("event", event) is None] == []


def test_every_parameter_that_is_asked_has_its_label() -> None:
    asked = {param.name for operation in booking.OPERATIONS for param in operation.parameters}
    assert sorted(name for name in asked if labels.entry("field", name) is None and name not in _NOT_ASKED) == []


_NOT_ASKED = {
    "requester-org",
    "based-on",
    "task",
    "services",
    "sites",
    "practitioner-roles",
    "limit",
    "room-id",
    "patient",
    "service",
    "site",
    "active",
}
