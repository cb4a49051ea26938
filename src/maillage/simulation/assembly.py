"""From steps to an int32 table: names resolved, what is held followed along every branch, everything that could hang refused by line and code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from maillage.simulation import steps
from maillage.simulation.steps import Refused, Step, Text

WIDTH: Final = 14
OP, A, TARGET, KEY, RANKED, DURATION, WITHIN, FIRST_MARK, ASKED, GOT, ENDED, HELD, LEAVES, NEXT = (np.uint64(word) for word in range(WIDTH))
NONE: Final = -1
WALK: Final = -2
STREAM: Final = -10
"""A duration is a column (0 and above), the walk from the zone (WALK), or a stream (STREAM - number)."""
ASKING: Final = (steps.SERVE, steps.SEIZE, steps.TRY)
TIMED: Final = (steps.SERVE, steps.SEIZE, steps.DELAY, steps.STAY, steps.WAIT)


@dataclass(frozen=True, slots=True)
class Resource:
    """What the assembler must know of a resource: its name and the order of its lists."""

    name: str
    groups: tuple[str, ...] = ()
    ahead: tuple[str, ...] = ()
    """Services (by the name of their duration) taken before the others."""
    policy: str = "finish"
    leaves_zone: bool = False
    longest: bool = False
    """Groups share one list, first come first served: the longest wait."""


@dataclass(frozen=True, slots=True)
class Names:
    """The vocabulary that a pathway may use."""

    classes: tuple[str, ...]
    resources: tuple[Resource, ...]
    columns: tuple[str, ...]
    streams: tuple[str, ...] = ()
    zones: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """A pathway ready to run."""

    table: NDArray[np.int32]
    keys: NDArray[np.int32]
    """Key, class -> list."""
    lists: tuple[tuple[int, int], ...]
    """First list and number of lists of each resource."""
    list_names: tuple[str, ...]
    marks: tuple[str, ...]
    exits: tuple[str, ...]
    starts: dict[str, int]
    names: Names
    holding: tuple[tuple[int, str, str], ...]
    """Line, what is held, what is asked for meanwhile: idle holding, reported."""


def assemble(text: str, names: Names) -> Program:
    """The program of a pathway, or `Refused` with the line and the code of the first thing that is wrong."""
    return _Assembler(steps.read(text), names).program()


@dataclass(slots=True)
class _Assembler:
    text: Text
    names: Names
    marks: dict[str, int] = field(default_factory=dict)
    exits: dict[str, int] = field(default_factory=dict)
    keys: dict[tuple[int, str, bool], int] = field(default_factory=dict)

    def program(self) -> Program:
        self._inline_exits()
        index = {resource.name: n for n, resource in enumerate(self.names.resources)}
        table = np.full((len(self.text.steps), WIDTH), NONE, np.int32)
        for pc, step in enumerate(self.text.steps):
            self._write(table[pc], step, index)
            table[pc, NEXT] = self._after(pc)
        for pc, step in enumerate(self.text.steps):
            if step.target:
                table[pc, TARGET] = self._landing(self._place(step), step.line)
        holding = self._follow(table)
        keys, lists, list_names = self._lists(index)
        starts = {name: self._landing(place, 0) for name, place in {**self.text.labels, **self.text.paths}.items()}
        return Program(
            table, keys, lists, list_names, tuple(self.marks), tuple(self.exits), starts, self.names, tuple(sorted(holding)),
        )  # fmt: skip

    def _inline_exits(self) -> None:
        """`unless A exit X` goes to an `exit X` that is written once, at the end."""
        for step in list(self.text.steps):
            if step.target.startswith("exit "):
                label = f"*{step.target}"
                if label not in self.text.labels:
                    self.text.labels[label] = len(self.text.steps)
                    self.text.steps.append(Step(step.line, steps.EXIT, step.target.removeprefix("exit ")))
                step.target = label

    def _write(self, row: NDArray[np.int32], step: Step, index: dict[str, int]) -> None:
        row[OP] = step.op
        if step.op in {steps.MARK, steps.FIRST}:
            row[A] = self._mark(step.subject)
        elif step.op == steps.EXIT:
            row[A] = self.exits.setdefault(step.subject, len(self.exits))
            row[ENDED] = self._mark("exit")
        elif step.op == steps.ON:
            row[A] = self._known(step, step.subject, self.names.classes)
        elif step.op in {steps.IF, steps.UNLESS, steps.CLOCK, steps.WAIT, steps.DELAY, steps.STAY}:
            row[DURATION] = self._duration(step, step.subject)
            row[A] = self._mark(f"ready:{step.subject}") if step.op in {steps.CLOCK, steps.WAIT} else NONE
            row[WITHIN] = self._known(step, step.hour, self.names.columns) if step.hour else NONE
        elif step.op == steps.ENTER:
            self._known(step, step.subject, ("zones",) if self.names.zones else ())
        elif step.op != steps.GOTO:
            self._use(row, step, index)

    def _use(self, row: NDArray[np.int32], step: Step, index: dict[str, int]) -> None:
        """A step that speaks of a resource."""
        row[A] = self._known(step, step.subject, tuple(index))
        resource = self.names.resources[row[A]]
        row[LEAVES] = resource.leaves_zone
        if step.op not in ASKING:
            row[ENDED] = self._mark(f"end:{resource.name}") if step.op == steps.RELEASE else NONE
            return
        row[RANKED] = step.ranked and not resource.longest
        row[KEY] = self._key(step, resource, int(row[A]))
        row[WITHIN] = self._duration(step, step.within) if step.within else NONE
        row[DURATION] = self._duration(step, step.duration) if step.duration else NONE
        row[FIRST_MARK] = self._mark(step.first) if step.first else NONE
        use = step.duration or resource.name
        row[ASKED], row[GOT], row[ENDED] = (self._mark(f"{what}:{use}") for what in ("ask", "got", "end"))
        if resource.policy == "hand-over" and step.op != steps.SERVE:
            raise Refused(step.line, "hand-over-needs-serve", resource.name)
        if resource.policy == "wind-down" and not step.target:
            raise Refused(step.line, "wind-down-needs-else", resource.name)

    def _mark(self, name: str) -> int:
        return self.marks.setdefault(name, len(self.marks))

    @staticmethod
    def _known(step: Step, name: str, among: tuple[str, ...]) -> int:
        if name not in among:
            raise Refused(step.line, "unknown-name", name)
        return among.index(name)

    def _duration(self, step: Step, name: str) -> int:
        if name == "zone_walk" and self.names.zones:
            return WALK
        if name in self.names.streams:
            return STREAM - self.names.streams.index(name)
        return self._known(step, name, self.names.columns)

    def _key(self, step: Step, resource: Resource, number: int) -> int:
        group = "".join(key for key in step.keys if key != "class")
        if len(step.keys) > 1 + ("class" in step.keys) or (group and group not in resource.groups):
            raise Refused(step.line, "unknown-name", " ".join(step.keys))
        if resource.ahead and step.duration in resource.ahead:
            group = "ahead"
        by_class = "class" in step.keys
        if any(n == number and other != by_class for n, _, other in self.keys):
            raise Refused(step.line, "mixed-order", resource.name)
        return self.keys.setdefault((number, group, by_class), len(self.keys))

    def _place(self, step: Step) -> int:
        if step.target not in self.text.labels:
            raise Refused(step.line, "unknown-name", step.target)
        return self.text.labels[step.target]

    def _after(self, pc: int) -> int:
        """The step after this one; a path runs into no other."""
        begins = set(self.text.paths.values())
        return NONE if pc + 1 >= len(self.text.steps) or pc + 1 in begins else self._landing(pc + 1, self.text.steps[pc].line)

    def _landing(self, pc: int, line: int) -> int:
        """Where a jump arrives once every `goto` on the way is taken."""
        for _ in range(len(self.text.steps) + 1):
            if self.text.steps[pc].op != steps.GOTO:
                return pc
            pc = self._place(self.text.steps[pc])
        raise Refused(line or self.text.steps[pc].line, "endless-loop")

    def _lists(self, index: dict[str, int]) -> tuple[NDArray[np.int32], tuple[tuple[int, int], ...], tuple[str, ...]]:
        """Number the lists of each resource in the order in which they are served."""
        count = len(self.names.classes)
        keys = np.zeros((max(1, len(self.keys)), count), np.int32)
        lists: list[tuple[int, int]] = []
        said: list[str] = []
        for name, number in index.items():
            first, resource = len(said), self.names.resources[number]
            mine = [(group, by_class) for n, group, by_class in self.keys if n == number]
            order = ("",) if resource.longest else ("ahead", *resource.groups, "")
            for group in order:
                using = [by_class for g, by_class in mine if (resource.longest and g != "ahead") or g == group]
                if not using:
                    continue
                for n, g, by_class in self.keys:
                    if n == number and (g == group or resource.longest):
                        keys[self.keys[n, g, by_class]] = [len(said) + (c if by_class else 0) for c in range(count)]
                said += [f"{name} {group} {c}".replace("  ", " ") for c in self.names.classes] if using[0] else [f"{name} {group}".strip()]
            lists.append((first, len(said) - first))
        return keys, tuple(lists), tuple(said)

    def _follow(self, table: NDArray[np.int32]) -> set[tuple[int, str, str]]:
        """Walk every branch with what is held there."""
        seen: set[tuple[int, int]] = set()
        todo = [(self._landing(place, 0), 0) for place in self.text.paths.values()]
        holding: set[tuple[int, str, str]] = set()
        while todo:
            pc, held = todo.pop()
            if (pc, held) in seen:
                continue
            seen.add((pc, held))
            if table[pc, HELD] not in {NONE, held}:
                raise Refused(self.text.steps[pc].line, "held-differs", "reached with different things in hand")
            table[pc, HELD] = held
            todo += self._onward(table, pc, held, holding)
        reached = {pc for pc, _ in seen}
        for pc, step in enumerate(self.text.steps):
            if pc not in reached and step.op != steps.GOTO:
                raise Refused(step.line, "unreachable", "no branch comes here")
        self._no_cycle(holding)
        self._no_rush(table)
        return holding

    def _onward(self, table: NDArray[np.int32], pc: int, held: int, holding: set[tuple[int, str, str]]) -> list[tuple[int, int]]:
        """The steps that may follow, with what is held then."""
        step, row = self.text.steps[pc], table[pc]
        after = held
        if step.op == steps.EXIT:
            if held:
                raise Refused(step.line, "ends-holding", ", ".join(self._said(held)))
            return []
        if step.op in ASKING:
            holding |= {(step.line, name, step.subject) for name in self._said(held)}
            after = held if step.op == steps.SERVE else held | 1 << int(row[A])
        elif step.op == steps.RELEASE:
            if not held >> int(row[A]) & 1:
                raise Refused(step.line, "not-held", step.subject)
            after = held & ~(1 << int(row[A]))
        if row[NEXT] == NONE:
            raise Refused(step.line, "no-exit", "the path ends here without an exit")
        branches = [(int(row[NEXT]), after)]
        return [*branches, (int(row[TARGET]), held)] if row[TARGET] != NONE else branches

    def _said(self, held: int) -> list[str]:
        return [resource.name for n, resource in enumerate(self.names.resources) if held >> n & 1]

    @staticmethod
    def _no_cycle(holding: set[tuple[int, str, str]]) -> None:
        """'Held while asking' has no cycle, or two patients could wait for each other for ever."""
        edges = {(held, asked) for _, held, asked in holding}
        reach = set(edges)
        while True:
            more = {(a, d) for a, b in reach for c, d in edges if b == c} - reach
            if not more:
                break
            reach |= more
        for line, held, asked in sorted(holding):
            if (asked, held) in reach or held == asked:
                raise Refused(line, "deadlock-possible", f"{asked} asked for while {held} is held, and the other way round")

    def _no_rush(self, table: NDArray[np.int32]) -> None:
        """No loop without a step that takes time."""
        calm = [pc for pc in range(len(table)) if table[pc, OP] in TIMED or table[pc, OP] == steps.EXIT]
        safe = set(calm)
        while True:
            more = {
                pc
                for pc in range(len(table))
                if pc not in safe and {int(table[pc, NEXT]), int(table[pc, TARGET])} - {NONE} <= safe
            }  # fmt: skip
            if not more:
                break
            safe |= more
        for pc, step in enumerate(self.text.steps):
            if pc not in safe and step.op != steps.GOTO:
                raise Refused(step.line, "endless-loop", "no step of the loop takes time")
