"""Workflows as data: one table per workflow, from which every other view of it is drawn (house.md, part 6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from maillage.kernel.answers import Refused

NOWHERE = "none"
"""The source of a verb that creates its object."""
SAME = "="
"""The target of a verb that leaves the state as it is, from several states."""


@dataclass(frozen=True, slots=True)
class State:
    """A state: our code, the FHIR status that it shows as, the partner code if any, and whose turn it is (None: closed)."""

    code: str
    fhir_status: str
    business: str | None = None
    turn: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody owes the next act."""
        return self.turn is not None


@dataclass(frozen=True, slots=True)
class Transition:
    """Who may move what to which state, under which named preconditions, and who is told beyond the default.

    `needs` are precondition codes, which are also the refusal reasons; `rows` are the rows of the published table that
    this line plays, by source state; `tells` are party codes. A `quiet` line moves our state alone: what partners read
    (FHIR status and partner code) stays as the source had it.
    """

    verb: str
    sources: frozenset[str]
    target: str
    by: frozenset[str]
    needs: tuple[str, ...] = ()
    tells: tuple[str, ...] = ()
    rows: dict[str, str] = field(default_factory=dict, hash=False)
    quiet: bool = False

    def after(self, source: str) -> str:
        """The state in which the object is, once this line is played from `source`."""
        return source if self.target == SAME else self.target


def line(
    verb: str, sources: str, target: str, by: str, *, needs: str = "", tells: str = "", rows: str = "", quiet: bool = False
) -> Transition:
    """Write a transition as words: lists are separated by spaces; `rows` is `state=row` or one row for all sources."""
    states = sources.split()
    played = dict(part.split("=") for part in rows.split()) if "=" in rows else dict.fromkeys(states, rows) if rows else {}
    return Transition(verb, frozenset(states), target, frozenset(by.split()), tuple(needs.split()), tuple(tells.split()), played, quiet)


class TransitionTable:
    """The table of one workflow. A (state, verb, party) has at most one line: checked when the table is built."""

    def __init__(self, name: str, states: Iterable[State], transitions: Iterable[Transition]) -> None:
        self.name = name
        self.states = {state.code: state for state in states}
        self.transitions = tuple(transitions)
        self._lines: dict[tuple[str, str, str], Transition] = {}
        for transition in self.transitions:
            self._add(transition)
        self.verbs = tuple(dict.fromkeys(t.verb for t in self.transitions))
        self.parties = tuple(sorted({party for t in self.transitions for party in t.by}))

    def _add(self, transition: Transition) -> None:
        unknown = ({transition.target} | transition.sources) - self.states.keys() - {NOWHERE, SAME}
        if unknown:
            raise ValueError(f"{self.name}: unknown states {unknown} in {transition.verb}")
        for source in transition.sources:
            for party in transition.by:
                if self._lines.setdefault((source, transition.verb, party), transition) is not transition:
                    raise ValueError(f"{self.name}: two lines for {source}, {transition.verb}, {party}")

    def check(self, state: str, verb: str, parties: Iterable[str]) -> Transition | Refused:
        """The line that applies, or a refusal: `not-in-table` (nobody may, now) or `not-your-turn` (another party may)."""
        known = tuple(parties)
        for party in known:
            if found := self._lines.get((state, verb, party)):
                return found
        legal = tuple(t.verb for t in self.legal(state, known))
        someone = any((state, verb, party) in self._lines for party in self.parties)
        return Refused("not-for-this-party" if someone else "not-in-table", legal)

    def legal(self, state: str, parties: Iterable[str]) -> tuple[Transition, ...]:
        """The lines that these parties may play from this state, in the order of the table."""
        wanted = frozenset(parties)
        return tuple(t for t in self.transitions if state in t.sources and not wanted.isdisjoint(t.by))

    def mermaid(self) -> str:
        """The state diagram, for the reference documentation."""
        lines = ["stateDiagram-v2"]
        for transition in self.transitions:
            for source in sorted(transition.sources):
                start = "[*]" if source == NOWHERE else source
                lines.append(f"    {start} --> {transition.after(source)}: {transition.verb} ({', '.join(sorted(transition.by))})")
        lines += [f"    {code} --> [*]" for code, state in self.states.items() if not state.is_open]
        return "\n".join(lines) + "\n"
