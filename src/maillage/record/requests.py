"""The parameters of a search, sorted out: criteria, includes, order, page, and what of each resource is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from maillage.record import includes
from maillage.record.criteria import refuse
from maillage.record.includes import Include

DEFAULT_COUNT = 20
MOST = 200
MOST_SORT_KEYS = 8
SUMMARIES = ("true", "text", "data", "count", "false")
CONTROLS = frozenset({"_count", "_sort", "_total", "_summary", "_include", "_revinclude", "_elements", "_cursor"})
NOT_CRITERIA = frozenset({"_format", "_pretty"})


@dataclass(slots=True)
class Request:
    """The parameters of a search on a type, or on several."""

    kind: str
    strict: bool = False
    criteria: list[tuple[int, str, str]] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    sort: tuple[str, ...] = ()
    count: int = DEFAULT_COUNT
    total: str = ""
    summary: str = ""
    elements: tuple[str, ...] = ()
    cursor: str = ""
    accepted: dict[int, tuple[str, str]] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)

    @property
    def used(self) -> tuple[tuple[str, str], ...]:
        """The parameters that took part, in the order in which they came."""
        return tuple(pair for _, pair in sorted(self.accepted.items()))

    @property
    def only_count(self) -> bool:
        """Whether nothing but the total is asked for."""
        return self.summary == "count" or not self.count

    def ignore(self, name: str) -> None:
        """An unknown parameter: refused when strict, else left out of the answer's self link."""
        if self.strict:
            raise refuse(name, f"{self.kind or 'The whole system'} has no search parameter of that name", "not-supported")
        self.ignored.append(name)

    def drop_sort(self, key: str) -> None:
        """An order that cannot be made is no longer asked for."""
        self.ignore("_sort")
        self.sort = tuple(part for part in self.sort if part != key)
        places = [place for place, pair in self.accepted.items() if pair[0] == "_sort"]
        for place in places:
            del self.accepted[place]
        if self.sort:
            self.accepted[places[0]] = ("_sort", ",".join(self.sort))


def read_parameters(kind: str, parameters: Sequence[tuple[str, str]], *, strict: bool = False) -> Request:
    """Sort the parameters of a search out. Raises `Malformed`."""
    request = Request(kind, strict)
    for place, (name, value) in enumerate(parameters):
        head = name.partition(":")[0] if ":" in name else name
        if head in NOT_CRITERIA:
            continue
        if head in CONTROLS:
            _control(request, place, name, head, value)
        else:
            request.criteria.append((place, name, value))
    if request.includes and request.summary == "text":
        raise refuse("_summary", "text does not go with _include and _revinclude")
    return request


def _control(request: Request, place: int, name: str, head: str, value: str) -> None:
    if head in ("_include", "_revinclude"):
        includes.add(request.includes, request.kind, name, value)
    elif name != head:
        raise refuse(name, f"{head} has no modifier", "not-supported")
    elif head == "_cursor":
        request.cursor = value
        return
    else:
        _set(request, head, value)
    request.accepted[place] = (name, value)


def _set(request: Request, name: str, value: str) -> None:
    if name == "_count":
        request.count = _read_count(value)
    elif name == "_sort":
        request.sort = (*request.sort, *(part.strip() for part in value.split(",") if part.strip()))
        if len(request.sort) > MOST_SORT_KEYS:
            raise refuse(name, f"more than {MOST_SORT_KEYS} keys")
    elif name == "_total":
        request.total = _one_of(name, value, ("none", "estimate", "accurate"))
    elif name == "_summary":
        request.summary = _one_of(name, value, SUMMARIES)
    else:
        request.elements = (*request.elements, *(part.strip() for part in value.split(",") if part.strip()))


def _one_of(name: str, value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise refuse(name, f"one of {', '.join(allowed)}")
    return value


def _read_count(text: str) -> int:
    """Pages are never larger than two hundred, whatever is asked."""
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise refuse("_count", "a whole number")
    return min(int(text), MOST)
