"""The rows of the table: one kind of request each, written as a text with words that change from request to request."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from bench.door import samples
from bench.door.plan import FAMILIES, HOMONYMS, OWNERS, SERVICES, Plan

Words = tuple[str, ...]
RECORDED_VERSION = 173
"""A version that no other number of a request looks like."""


class Template:
    """A text cut where words of a sample stand in it; `fill` puts others there."""

    __slots__ = ("fixed", "places")

    def __init__(self, text: str, sample: Sequence[str]) -> None:
        self.places: list[int] = []
        self.fixed: list[str] = []
        known = {word: place for place, word in enumerate(sample) if word}
        options = "|".join(re.escape(word) for word in sorted(known, key=len, reverse=True))
        end = 0
        for found in re.finditer(rf"(?<![0-9A-Za-z])(?:{options})(?![0-9A-Za-z])", text) if known else ():
            self.fixed.append(text[end : found.start()])
            self.places.append(known[found[0]])
            end = found.end()
        self.fixed.append(text[end:])

    def fill(self, words: Sequence[str]) -> str:
        """The text with these words."""
        if not self.places:
            return self.fixed[0]
        parts = [self.fixed[0]]
        for place, fixed in zip(self.places, self.fixed[1:], strict=True):
            parts.append(words[place])
            parts.append(fixed)
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class Row:
    """A kind of request. `words(number, lap, once)` are the words of one; `numbers` says how many resources it may visit."""

    name: str
    status: int
    method: str
    path: Callable[[Words], str]
    words: Callable[[int, int, str], Words]
    numbers: int
    body: Callable[[Words], str] = lambda _words: ""
    headers: Callable[[Words], str] = lambda _words: ""

    def request(self, words: Words, token: str) -> bytes:
        """The whole request."""
        body = self.body(words).encode()
        told = f"content-type: application/fhir+json\r\ncontent-length: {len(body)}\r\n" if body else ""
        head = f"{self.method} {self.path(words)} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\naccept: application/fhir+json\r\n"
        return f"{head}{told}{self.headers(words)}\r\n".encode() + body


def _compiled(text: str, sample: Words) -> Callable[[Words], str]:
    return Template(text, sample).fill


def rows(plan: Plan) -> dict[str, Row]:
    """Every row, by name."""
    made = (*_reads(plan), _create(plan), _update(plan), _transaction(plan), _slot(plan))
    order = ("create", "read", "worklist", "identifier", "family", "transaction", "update", "slot")
    return {name: next(row for row in made if row.name == name) for name in order}


def _get(name: str, path: str, sample: Words, words: Callable[[int, int, str], Words], numbers: int) -> Row:
    return Row(name, 200, "GET", _compiled(path, sample), words, numbers)


def _reads(plan: Plan) -> tuple[Row, ...]:
    task, owner, patient = "bench-task-0", "Organization/o0", "bench-patient-0"
    return (
        _get("read", f"/fhir/Task/{task}", (task,), lambda n, _l, _o: (f"bench-task-{n}", f"bench-patient-{n % plan.patients + 1}"), plan.tasks),
        _get("worklist", f"/fhir/Task?owner={owner}&status=requested&_count=20&_sort=-_lastUpdated", (owner,),
             lambda n, _l, _o: (f"Organization/o{n % OWNERS}",), plan.tasks),
        _get("identifier", f"/fhir/Patient?identifier={samples.NUMBERS}|N0", ("N0", patient), lambda n, _l, _o: (f"N{n}", f"bench-patient-{n}"), plan.patients),
        _get("family", "/fhir/Patient?family=nom0", ("nom0",),
             lambda n, _l, _o: (f"nom{n % (plan.patients // HOMONYMS) + FAMILIES}",), plan.patients),
    )  # fmt: skip


def _create(plan: Plan) -> Row:
    sample = ("bench-patient-0",)
    body = msgspec.json.encode(samples.request(sample[0])).decode()
    return Row(
        "create",
        201,
        "POST",
        lambda _w: "/fhir/ServiceRequest",
        lambda n, _l, _o: (f"bench-patient-{n}",),
        plan.patients,
        _compiled(body, sample),
    )


def _update(plan: Plan) -> Row:
    """Words: the task, its patient, its owner, the version before and after, a text of its own."""

    def words(n: int, lap: int, once: str) -> Words:
        owner, patient = n % OWNERS, n % plan.patients + 1
        return f"bench-task-{n}", f"bench-patient-{patient}", f"o{owner}", str(lap + 1), str(lap + 2), once

    sample = ("bench-task-0", "bench-patient-0", "o0", "1", "2", "once")
    content = samples.task("bench-task-0", "bench-patient-0", "o0")
    body = msgspec.json.encode({**content, "description": f"once {content['description']}"}).decode()
    made = _compiled(body, (*sample[:3], "", "", sample[5]))
    return Row("update", 200, "PUT", lambda w: f"/fhir/Task/{w[0]}", words, plan.tasks, made, lambda w: f'if-match: W/"{w[3]}"\r\n')


def _transaction(plan: Plan) -> Row:
    made = _compiled(plan.bundle, ("once",))
    return Row("transaction", 200, "POST", lambda _w: "/fhir", lambda _n, _l, once: (once,), plan.tasks, made)


def _slot(plan: Plan) -> Row:
    return _get("slot", "/fhir/Slot/$find?services=s0&limit=1", ("s0",), lambda n, _l, _o: (f"s{n % SERVICES}",), plan.slots)


__all__ = ["RECORDED_VERSION", "Row", "Template", "Words", "rows"]
