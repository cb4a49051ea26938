"""The step language: a pathway as lines that a head nurse can read. This file reads them; `assembly.py` checks them and makes the table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

MARK, FIRST, ON, IF, UNLESS, OPEN, SERVE, SEIZE, TRY, RELEASE, DELAY, CLOCK, WAIT, STAY, ENTER, EXIT, GOTO = range(17)
OPERATIONS: Final = {
    "mark": MARK,
    "first": FIRST,
    "on": ON,
    "if": IF,
    "unless": UNLESS,
    "open": OPEN,
    "serve": SERVE,
    "seize": SEIZE,
    "try": TRY,
    "release": RELEASE,
    "delay": DELAY,
    "clock": CLOCK,
    "wait": WAIT,
    "stay": STAY,
    "enter": ENTER,
    "exit": EXIT,
    "goto": GOTO,
}


class Refused(ValueError):
    """A pathway that cannot be run: the line, and why as a code."""

    def __init__(self, line: int, code: str, detail: str = "") -> None:
        super().__init__(f"line {line}: {code}" + (f" ({detail})" if detail else ""))
        self.line, self.code, self.detail = line, code, detail


@dataclass(slots=True)
class Step:
    """One line. `subject` is the mark, resource, column, class or exit that it speaks of."""

    line: int
    op: int
    subject: str
    hour: str = ""
    keys: tuple[str, ...] = ()
    ranked: bool = False
    duration: str = ""
    within: str = ""
    target: str = ""
    first: str = ""


@dataclass(slots=True)
class Text:
    """What was read: the steps, where each label and each path begins."""

    steps: list[Step] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    paths: dict[str, int] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    """Line of each label and path, for the messages."""


def read(text: str) -> Text:
    """The steps of a pathway; refuses a line that is not one."""
    found = Text()
    for number, raw in enumerate(text.splitlines(), start=1):
        words = raw.partition("#")[0].split()
        if not words:
            continue
        if len(words) == 1 and words[0].endswith(":"):
            _name(found, found.labels, words[0][:-1], number)
        elif words[0] == "path":
            if len(words) != 2:
                raise Refused(number, "malformed", "path NAME")
            _name(found, found.paths, words[1], number)
        else:
            found.steps.append(_step(number, words))
    for name, place in {**found.labels, **found.paths}.items():
        if place >= len(found.steps):
            raise Refused(found.places[name], "empty", name)
    return found


def _name(found: Text, kind: dict[str, int], name: str, line: int) -> None:
    if name in found.places:
        raise Refused(line, "twice", name)
    kind[name] = len(found.steps)
    found.places[name] = line


def _step(line: int, words: list[str]) -> Step:
    op = OPERATIONS.get(words[0])
    if op is None:
        raise Refused(line, "unknown-step", words[0])
    if len(words) < 2:
        raise Refused(line, "malformed", f"{words[0]} what?")
    step = Step(line, op, words[1])
    rest = iter(words[2:])
    if op == STAY:
        step.hour = next(rest, "")
    elif op == GOTO:
        step.target = step.subject
    for word in rest:
        _clause(step, word, rest)
    _complete(step, words[0])
    return step


def _clause(step: Step, word: str, rest: Iterator[str]) -> None:
    """One clause, or a key of the order that `by` opened."""
    if word in {"for", "within", "else", "goto", "exit", "first"}:
        value = next(rest, "")
        if not value:
            raise Refused(step.line, "malformed", f"{word} what?")
        name = {"for": "duration", "within": "within", "else": "target", "goto": "target", "first": "first", "exit": "target"}[word]
        if word not in _CLAUSES.get(step.op, ()):
            raise Refused(step.line, "malformed", f"no '{word}' here")
        setattr(step, name, f"exit {value}" if word == "exit" else value)
    elif word == "by" and "by" in _CLAUSES.get(step.op, ()):
        return
    elif "by" not in _CLAUSES.get(step.op, ()) or step.duration or step.within or step.target:
        raise Refused(step.line, "malformed", word)
    elif word == "rank":
        step.ranked = True
    else:
        step.keys = (*step.keys, word)


_CLAUSES: Final[dict[int, tuple[str, ...]]] = {
    SERVE: ("by", "for", "within", "else", "first"),
    SEIZE: ("by", "within", "else", "first"),
    TRY: ("by", "else", "first"),
    OPEN: ("else",),
    ON: ("goto", "exit"),
    IF: ("goto", "exit"),
    UNLESS: ("goto", "exit"),
}
_NEEDED: Final = {SERVE: "duration", TRY: "target", OPEN: "target", ON: "target", IF: "target", UNLESS: "target"}


def _complete(step: Step, word: str) -> None:
    """What a step cannot do without."""
    needed = _NEEDED.get(step.op)
    if needed and not getattr(step, needed):
        raise Refused(step.line, "malformed", f"{word} without {'for' if needed == 'duration' else 'a place to go'}")
    if step.within and not step.target:
        raise Refused(step.line, "malformed", "within without else")
