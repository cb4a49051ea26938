"""The FHIRPath of a FHIRPath Patch: a bounded subset, compiled here into steps; nothing of it is ever evaluated as code.

`Patient.name.where(use = 'official')[0].given`, with where, first, last, single, ofType, extension; inside where: paths compared by = or !=
with a literal, exists(), empty(), joined by and, or. Anything else is refused by its place in the text.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NoReturn

from maillage.codes.r4.nodes import NODES, Field
from maillage.codes.r4.tables import resource_type_set
from maillage.kernel.errors import Malformed

LONGEST: Final = 1000
MOST_STEPS: Final = 50
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<_name>`[A-Za-z_][A-Za-z0-9_]*`|\$this|[A-Za-z_][A-Za-z0-9_]*)|(?P<_number>-?[0-9]+(?:\.[0-9]+)?)"
    r"|(?P<_text>'(?:[^'\\]|\\.)*')|(?P<_date>@[0-9T:+.Z\-]+)|(?P<_sign>!=|[.()\[\]=]))"
)


@dataclass(slots=True)
class Place:
    """One element found: its value, its type, and where it hangs (object, JSON key, index in the list or None)."""

    value: Any
    type: str
    owner: dict[str, Any] = dataclasses.field(default_factory=dict)
    key: str = ""
    index: int | None = None


Step = Callable[[list[Place]], list[Place]]


@dataclass(frozen=True, slots=True)
class Path:
    """A compiled path: how to find its elements; `parents` and `name` take the last step apart when it is a plain element."""

    text: str
    steps: tuple[Step, ...]
    name: str = ""

    def find(self, root: Place) -> list[Place]:
        """The elements that the path leads to."""
        return _walk(self.steps, root)

    def parents(self, root: Place) -> list[Place]:
        """The elements that hold what the last step names."""
        return _walk(self.steps[:-1], root)


def _walk(steps: tuple[Step, ...], root: Place) -> list[Place]:
    found = [root]
    for step in steps:
        found = step(found)
    return found


def compiled(text: str, where: str) -> Path:
    """The path. Raises `Malformed` at `where`, the FHIRPath of the text itself."""
    if len(text) > LONGEST:
        raise Malformed.one("path-form", where, f"A path has at most {LONGEST} characters.")
    return _Parser(text, where).whole()


class _Parser:
    def __init__(self, text: str, where: str) -> None:
        self.text, self.where = text, where
        self.tokens = list(self._tokens())
        self.at = 0

    def _tokens(self) -> Iterator[tuple[str, str, int]]:
        place, end = 0, len(self.text.rstrip())
        while place < end:
            found = _TOKEN.match(self.text, place)
            if found is None:
                self.refuse(place)
            yield str(found.lastgroup), found[str(found.lastgroup)], found.start(str(found.lastgroup))
            place = found.end()
        yield "_end", "", end

    def refuse(self, place: int) -> NoReturn:
        sentence = f"{self.text[:200]!r} is not understood at character {place + 1}: only simple paths are read here."
        raise Malformed.one("path-form", self.where, sentence)

    def take(self, *wanted: str) -> str:
        kind, text, place = self.tokens[self.at]
        if kind not in wanted and text not in wanted:
            self.refuse(place)
        self.at += 1
        return text

    def sees(self, *wanted: str) -> bool:
        kind, text, _ = self.tokens[self.at]
        return kind in wanted or text in wanted

    # --- paths -----------------------------------------------------------------------
    def whole(self) -> Path:
        path = self.path(outermost=True)
        self.take("_end")
        return path

    def path(self, *, outermost: bool = False) -> Path:
        steps: list[Step] = []
        name = ""
        first = self.take("_name").strip("`")
        if first == "$this" or (outermost and first[:1].isupper()):
            if first != "$this":
                steps.append(_typed(first))
        else:
            name = self.step(first, steps)
        while self.sees(".", "["):
            if self.sees("["):
                self.take("[")
                steps.append(_at(self.number()))
                self.take("]")
                name = ""
            else:
                self.take(".")
                name = self.step(self.take("_name").strip("`"), steps)
            if len(steps) > MOST_STEPS:
                self.refuse(0)
        return Path(self.text, tuple(steps), name)

    def step(self, name: str, steps: list[Step]) -> str:
        """Add one element or function; answers the name when it is an element."""
        if not self.sees("("):
            steps.append(_child(name))
            return name
        self.take("(")
        if name == "where":
            steps.append(_where(self.criteria()))
        elif name in _PLAIN:
            steps.append(_PLAIN[name])
        elif name == "ofType":
            steps.append(_of_type(self.take("_name")))
        elif name == "extension":
            steps += [_child("extension"), _where(_extension(self.literal()))]
        else:
            self.refuse(self.tokens[self.at - 1][2])
        self.take(")")
        return ""

    def number(self) -> int:
        text = self.take("_number")
        if not text.isdigit() or len(text) > 6:
            self.refuse(self.tokens[self.at - 1][2])
        return int(text)

    # --- criteria ----------------------------------------------------------------------
    def criteria(self) -> Callable[[Place], bool]:
        found = self.all_of()
        while self.sees("or"):
            self.take("or")
            found = _either(found, self.all_of())
        return found

    def all_of(self) -> Callable[[Place], bool]:
        found = self.one()
        while self.sees("and"):
            self.take("and")
            found = _both(found, self.one())
        return found

    def one(self) -> Callable[[Place], bool]:
        if self.sees("("):
            self.take("(")
            inner = self.criteria()
            self.take(")")
            return inner
        path = self.compared()
        if self.sees("=", "!="):
            sign = self.take("=", "!=")
            return _compared(path, self.literal(), equal=sign == "=")
        return path if callable(path) else _exists(path, wanted=True)

    def compared(self) -> Any:
        """A path, or a test when it ends with exists() or empty()."""
        start = self.at
        depth = 0
        while not self.sees("_end") and not (depth == 0 and self.sees("=", "!=", ")", "and", "or")):
            if self.sees("exists", "empty") and self.tokens[self.at + 1][1] == "(" and self.tokens[self.at + 2][1] == ")":
                return self.ending(start)
            depth += self.sees("(") - self.sees(")")
            self.at += 1
        self.at = start
        return self.path()

    def ending(self, start: int) -> Callable[[Place], bool]:
        stop = self.at
        wanted = self.sees("exists")
        if stop == start or self.tokens[stop - 1][1] != ".":
            self.refuse(self.tokens[stop][2])
        inner = _Parser("", self.where)
        inner.text, inner.tokens = self.text, [*self.tokens[start : stop - 1], ("_end", "", self.tokens[stop][2])]
        path = inner.path()
        inner.take("_end")
        self.at = stop + 3
        return _exists(path, wanted=wanted)

    def literal(self) -> Any:
        if self.sees("_text"):
            return re.sub(r"\\(.)", r"\1", self.take("_text")[1:-1])
        if self.sees("_number"):
            return Decimal(self.take("_number"))
        if self.sees("_date"):
            return self.take("_date")[1:].removesuffix("T")
        return self.take("true", "false") == "true"


# --- steps -----------------------------------------------------------------------------
def fields_named(type_: str, name: str) -> list[tuple[str, Field]]:
    """JSON keys of an element: one, or each type of a choice (`value` stands for `valueQuantity`...)."""
    fields = NODES[type_].fields
    if name in fields and not fields[name].choice and not name.startswith("_"):
        return [(name, fields[name])]
    return [(key, field) for key, field in fields.items() if field.choice == name and not key.startswith("_")]


def inner_type(field: Field, value: Any) -> str:
    """The structure to go on with below an element; empty below a simple value."""
    if field.handler in ("resource", "resources"):
        return value.get("resourceType", "") if type(value) is dict else ""
    return field.type if type(value) is dict else ""


def children(place: Place, name: str) -> list[Place]:
    """The elements of that name below a place."""
    if not place.type or type(place.value) is not dict:
        return []
    found = []
    for key, field in fields_named(place.type, name):
        if key in place.value:
            value = place.value[key]
            items = list(enumerate(value)) if type(value) is list else [(None, value)]
            found += [Place(item, inner_type(field, item), place.value, key, index) for index, item in items if item is not None]
    return found


def _child(name: str) -> Step:
    return lambda places: [child for place in places for child in children(place, name)]


def _typed(name: str) -> Step:
    def step(places: list[Place]) -> list[Place]:
        abstract = name in ("Resource", "DomainResource")
        return [place for place in places if place.type == name or (abstract and place.type in resource_type_set())]

    return step


def _at(index: int) -> Step:
    return lambda places: places[index : index + 1]


def _where(test: Callable[[Place], bool]) -> Step:
    return lambda places: [place for place in places if test(place)]


def _of_type(name: str) -> Step:
    def matches(place: Place) -> bool:
        suffix = name[:1].upper() + name[1:]
        return place.type == name or (bool(place.key) and place.key.endswith(suffix) and place.key != suffix)

    return _where(matches)


_PLAIN: Final[dict[str, Step]] = {
    "first": lambda places: places[:1],
    "last": lambda places: places[-1:],
    "single": lambda places: places if len(places) == 1 else [],
}


def _extension(url: Any) -> Callable[[Place], bool]:
    return lambda place: type(place.value) is dict and place.value.get("url") == url


def _both(one: Callable[[Place], bool], other: Callable[[Place], bool]) -> Callable[[Place], bool]:
    return lambda place: one(place) and other(place)


def _either(one: Callable[[Place], bool], other: Callable[[Place], bool]) -> Callable[[Place], bool]:
    return lambda place: one(place) or other(place)


def _exists(path: Path, *, wanted: bool) -> Callable[[Place], bool]:
    return lambda place: bool(path.find(place)) is wanted


def _compared(path: Path, literal: Any, *, equal: bool) -> Callable[[Place], bool]:
    def test(place: Place) -> bool:
        found = [item.value for item in path.find(place)]
        return bool(found) and (any(_same(value, literal) for value in found) is equal)

    return test


def _same(value: Any, literal: Any) -> bool:
    if isinstance(value, bool) or isinstance(literal, bool):
        return value is literal
    if isinstance(literal, Decimal):
        return isinstance(value, int | float | Decimal) and Decimal(value) == literal
    return bool(value == literal)
