"""The parameters of a search, sorted out: criteria, includes, order, page, and what of each resource is wanted.

Names and controls are read once and kept: the next search of the same form brings only other values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from maillage.record import includes, index
from maillage.record.criteria import Criterion, Unknown, criterion, refuse
from maillage.record.includes import Include
from maillage.record.order import SortKey, sort_key

DEFAULT_COUNT = 20
MOST = 200
MOST_SORT_KEYS = 8
SUMMARIES = ("true", "text", "data", "count", "false")
CONTROLS = frozenset({"_count", "_sort", "_total", "_summary", "_include", "_revinclude", "_elements"})
NOT_CRITERIA = frozenset({"_format", "_pretty"})
LONGEST_KEPT = 1000

Asked = tuple[tuple[str, str | None], ...]
"""The names of a search in their order, with the values of controls alone."""


@dataclass(frozen=True, slots=True)
class Form:
    """What names and controls say. `criteria`: place, name, and how each of the types reads the value; `keys`: the order in each of the types."""

    kinds: tuple[str, ...]
    criteria: tuple[tuple[int, str, tuple[Criterion, ...]], ...]
    keys: tuple[tuple[SortKey, ...], ...]
    includes: tuple[Include, ...]
    count: int
    total: str
    only_count: bool
    summary: str
    elements: tuple[str, ...]
    cursor: int | None
    places: tuple[tuple[int, str | None], ...]
    ignored: tuple[str, ...]
    strings: tuple[int, ...]

    def used(self, parameters: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """The parameters that took part, in the order in which they came."""
        return tuple(parameters[place] if text is None else (parameters[place][0], text) for place, text in self.places)


def form_of(kinds: Sequence[str], parameters: Sequence[tuple[str, str]], *, strict: bool, most: int = MOST) -> Form:
    """The form of a search, of at most `most` matches a page. Raises `Malformed`."""
    asked = tuple((name, value if name[:1] == "_" and name.partition(":")[0] in CONTROLS else None) for name, value in parameters)
    size = sum(len(name) + len(value or "") for name, value in asked)
    return (_kept if size <= LONGEST_KEPT else _form)(tuple(kinds), asked, strict, most)


def _form(kinds: tuple[str, ...], asked: Asked, strict: bool, most: int) -> Form:
    draft = _Draft(kinds, strict, most)
    for place, (name, value) in enumerate(asked):
        draft.add(place, name, value)
    if draft.includes and draft.summary == "text":
        raise refuse("_summary", "text does not go with _include and _revinclude")
    draft.read_sort()
    return Form(
        kinds=kinds,
        criteria=tuple(draft.criteria),
        keys=tuple(tuple(key for part in draft.sort if (key := sort_key(kind, part))) for kind in kinds),
        includes=tuple(draft.includes),
        count=draft.count,
        total=draft.total,
        only_count=draft.summary == "count" or not draft.count,
        summary=draft.summary,
        elements=draft.elements,
        cursor=draft.cursor,
        places=tuple(sorted(draft.places.items())),
        ignored=tuple(draft.ignored),
        strings=tuple(n for n, (_, name, _) in enumerate(draft.criteria) if len(kinds) == 1 and _is_string(kinds[0], name)),
    )


_kept = lru_cache(maxsize=1024)(_form)


def _is_string(kind: str, name: str) -> bool:
    parameter = index.parameter(kind, name)
    return parameter is not None and parameter.kind == "string"


@dataclass(slots=True)
class _Draft:
    """A form while it is read."""

    kinds: tuple[str, ...]
    strict: bool
    most: int
    criteria: list[tuple[int, str, tuple[Criterion, ...]]] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    sort: tuple[str, ...] = ()
    count: int = DEFAULT_COUNT
    total: str = ""
    summary: str = ""
    elements: tuple[str, ...] = ()
    cursor: int | None = None
    places: dict[int, str | None] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    sorted_at: list[int] = field(default_factory=list)

    def add(self, place: int, name: str, value: str | None) -> None:
        """One parameter."""
        head = name.partition(":")[0]
        if head in NOT_CRITERIA:
            return
        if name == "_cursor":
            self.cursor = place
        elif value is not None:
            self._control(name, head, value)
            self.places[place] = None
            if name == "_sort":
                self.sorted_at.append(place)
        else:
            self._criterion(place, name)

    def _criterion(self, place: int, name: str) -> None:
        try:
            self.criteria.append((place, name, tuple(criterion(kind, name) for kind in self.kinds)))
        except Unknown:
            self._ignore(name)
        else:
            self.places[place] = None

    def _ignore(self, name: str) -> None:
        """An unknown parameter: refused when strict, else left out of the answer's self link."""
        if self.strict:
            where = f"{self.kinds[0]} has no" if len(self.kinds) == 1 else "not every type has a"
            raise refuse(name, f"{where} search parameter of that name", "not-supported")
        self.ignored.append(name)

    def _control(self, name: str, head: str, value: str) -> None:
        if head in ("_include", "_revinclude"):
            includes.add(self.includes, self.kinds[0] if len(self.kinds) == 1 else "", name, value)
        elif name != head:
            raise refuse(name, f"{head} has no modifier", "not-supported")
        elif name == "_count":
            self.count = min(_read_count(value), self.most)
        elif name == "_sort":
            self.sort = (*self.sort, *_listed(value))
        elif name == "_total":
            self.total = _one_of(name, value, ("none", "estimate", "accurate"))
        elif name == "_summary":
            self.summary = _one_of(name, value, SUMMARIES)
        else:
            self.elements = (*self.elements, *_listed(value))

    def read_sort(self) -> None:
        """Keep the keys that each of the types has, with values of one type; the self link tells those."""
        if len(self.sort) > MOST_SORT_KEYS:
            raise refuse("_sort", f"more than {MOST_SORT_KEYS} keys")
        kept = tuple(part for part in self.sort if self._sorts(part))
        if kept != self.sort:
            self._ignore("_sort")
            self._rewrite_sort(kept)

    def _sorts(self, part: str) -> bool:
        made = [sort_key(kind, part) for kind in self.kinds]
        return None not in made and len({key.type for key in made if key}) == 1

    def _rewrite_sort(self, kept: tuple[str, ...]) -> None:
        """Each `_sort` is replaced: the first by what is left, the others by nothing."""
        for place in self.sorted_at:
            del self.places[place]
        self.sort = kept
        if kept:
            self.places[self.sorted_at[0]] = ",".join(kept)


def _listed(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _one_of(name: str, value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise refuse(name, f"one of {', '.join(allowed)}")
    return value


def _read_count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise refuse("_count", "a whole number")
    return int(text)
