"""Search over the index tables: one page of matches, what comes with them, the total, the way to the next page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from maillage.kernel.errors import Malformed
from maillage.record import includes, index, seal
from maillage.record.criteria import Compiler, Unknown, refuse
from maillage.record.includes import Include
from maillage.record.queries import stored
from maillage.record.types import SERVED, Stored, Visible
from maillage.store import Transaction

DEFAULT_COUNT = 20
MOST = 200
CHEAP_TOTAL = 1000
CONTROLS = frozenset({"_count", "_sort", "_total", "_summary", "_include", "_revinclude", "_elements", "_cursor"})
NOT_CRITERIA = frozenset({"_format", "_pretty"})


@dataclass(frozen=True, slots=True)
class Page:
    """What a search found. `used` holds the parameters that took part, in order: the self link is made of them."""

    matches: tuple[Stored, ...] = ()
    included: tuple[Stored, ...] = ()
    total: int | None = None
    next_cursor: str | None = None
    used: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of the order: an SQL expression, its direction, the SQL type of its values."""

    sql: str
    descending: bool
    type: str
    nullable: bool = True


@dataclass(slots=True)
class Request:
    """The parameters of a search, sorted out."""

    kind: str
    strict: bool = False
    criteria: list[tuple[int, str, str]] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    sort: str = ""
    count: int = DEFAULT_COUNT
    total: str = ""
    only_count: bool = False
    elements: tuple[str, ...] = ()
    cursor: str = ""
    accepted: dict[int, tuple[str, str]] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)

    @property
    def used(self) -> tuple[tuple[str, str], ...]:
        """The parameters that took part, in the order in which they came."""
        return tuple(pair for _, pair in sorted(self.accepted.items()))

    def ignore(self, name: str) -> None:
        """An unknown parameter: refused when strict, else left out of the answer's self link."""
        if self.strict:
            raise refuse(name, f"{self.kind} has no search parameter of that name", "not-supported")
        self.ignored.append(name)


async def search(
    tx: Transaction,
    kind: str,
    parameters: Sequence[tuple[str, str]],
    visible_for: Callable[[str], Visible],
    *,
    strict: bool = False,
    key: bytes = b"",
    base: str = "",
    allows: Callable[[str], bool] = lambda _kind: True,
) -> Page:
    """The page of `kind` that these parameters ask for, cut to what `visible_for` lets through on every table alias.

    `key` seals the cursor to the actor and the query; `base` is our own address, dropped from absolute references; `allows` says
    which types may be included. Raises `Malformed` for a parameter that cannot be understood and, when `strict`, for an unknown one.
    """
    request = read_parameters(kind, parameters, strict=strict)
    compiler = Compiler(visible_for, tx.now, base)
    where = _where(request, compiler)
    criteria = len(compiler.params)
    keys = sort_keys(request, compiler)
    matches: list[Stored] = []
    following = None
    if request.count and not request.only_count:
        matches, following = await _page(tx, request, compiler, where, keys, (key, seal.scope(tx.actor, kind, request.used)))
    del compiler.params[criteria:]
    total = await _total(tx, request, compiler, where, matches, following)
    included = await includes.follow(tx, matches, request.includes, visible_for, allows)
    return Page(
        matches=tuple(matches),
        included=tuple(included),
        total=total,
        next_cursor=following,
        used=request.used,
        ignored=tuple(request.ignored),
        elements=request.elements,
    )


def read_parameters(kind: str, parameters: Sequence[tuple[str, str]], *, strict: bool = False) -> Request:
    """Sort the parameters of a search out. Raises `Malformed`."""
    request = Request(kind, strict)
    for place, (name, value) in enumerate(parameters):
        head = name.partition(":")[0]
        if head in NOT_CRITERIA:
            continue
        if head in CONTROLS:
            _control(request, place, name, value)
        else:
            request.criteria.append((place, name, value))
    return request


def _control(request: Request, place: int, name: str, value: str) -> None:
    head = name.partition(":")[0]
    if head in ("_include", "_revinclude"):
        request.includes.append(includes.read(request.kind, name, value))
    elif head == "_count":
        request.count = _read_count(value)
    elif head == "_sort":
        request.sort = ",".join(filter(None, (request.sort, value)))
    elif head == "_total":
        if value not in ("none", "estimate", "accurate"):
            raise refuse(name, "none, estimate or accurate")
        request.total = value
    elif head == "_summary":
        if value not in ("count", "false"):
            request.ignore(name)
            return
        request.only_count = value == "count"
    elif head == "_elements":
        request.elements = tuple(part.strip() for part in value.split(",") if part.strip())
    else:
        request.cursor = value
        return
    request.accepted[place] = (name, value)


def _read_count(text: str) -> int:
    """Pages are never larger than two hundred, whatever is asked."""
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise refuse("_count", "a whole number")
    return min(int(text), MOST)


def _where(request: Request, compiler: Compiler) -> str:
    parts = []
    for place, name, value in request.criteria:
        before = len(compiler.params)
        try:
            parts.append(compiler.criterion(request.kind, "t", name, value))
        except Unknown:
            del compiler.params[before:]
            request.ignore(name)
        else:
            request.accepted[place] = (name, value)
    return "".join(f" AND {part}" for part in parts)


async def _page(
    tx: Transaction, request: Request, compiler: Compiler, where: str, keys: Sequence[SortKey], sealing: tuple[bytes, str]
) -> tuple[list[Stored], str | None]:
    params = compiler.params
    after = ""
    if request.cursor:
        after = f" AND {_after(keys, seal.open_cursor(*sealing, request.cursor, len(keys)), compiler)}"
    columns = "".join(f", {k.sql} AS k{n}" for n, k in enumerate(keys))
    order = ", ".join(
        f"{{}}{'DESC' if k.descending else 'ASC'} NULLS LAST" if k.nullable else f"{{}}{'DESC' if k.descending else 'ASC'}" for k in keys
    )
    inner = order.format(*(f"{k.sql} " for k in keys))
    outer = order.format(*(f"p.k{n} " for n in range(len(keys))))
    limit = params.add(request.count + 1)
    kind = params.add(request.kind)
    rows = await tx.fetch(
        f"""
        WITH p AS (
            SELECT t.id, t.version{columns} {compiler.source(request.kind, "t")}{where}{after} ORDER BY {inner} LIMIT {limit}
        )
        SELECT v.res_type, v.id, v.version, v.at, v.content, v.deleted, v.patient_id, p.*
        FROM p JOIN resource_version v ON v.res_type = {kind} AND v.id = p.id AND v.version = p.version ORDER BY {outer}
        """,
        *params,
    )
    found = [stored(row) for row in rows[: request.count]]
    if len(rows) <= request.count:
        return found, None
    last = rows[request.count - 1]
    return found, seal.make_cursor(*sealing, [last[f"k{n}"] for n in range(len(keys))])


async def _total(
    tx: Transaction, request: Request, compiler: Compiler, where: str, matches: Sequence[Stored], following: str | None
) -> int | None:
    """Counted after filtering. Without `_total`, it is given when counting is cheap."""
    if request.total == "none" and not request.only_count:
        return None
    if following is None and not request.cursor and not request.only_count and request.count:
        return len(matches)
    source = f"{compiler.source(request.kind, 't')}{where}"
    if request.total == "accurate" or request.only_count:
        return int(await tx.fetchval(f"SELECT count(*) {source}", *compiler.params))
    found = int(await tx.fetchval(f"SELECT count(*) FROM (SELECT 1 {source} LIMIT {CHEAP_TOTAL + 1}) x", *compiler.params))
    return found if found <= CHEAP_TOTAL else None


# --- order ---------------------------------------------------------------------
def sort_keys(request: Request, compiler: Compiler) -> list[SortKey]:
    """The keys of `_sort`, then the id, so that the order is total."""
    keys = []
    for part in filter(None, request.sort.split(",")):
        descending = part.startswith("-")
        made = _sort_key(request.kind, part.removeprefix("-").strip(), compiler, descending=descending)
        if made is None:
            request.ignore("_sort")
            request.accepted = {place: pair for place, pair in request.accepted.items() if pair[0] != "_sort"}
        else:
            keys.append(made)
    return [*keys, SortKey("t.id", descending=False, type="text", nullable=False)]


def _sort_key(kind: str, code: str, compiler: Compiler, *, descending: bool) -> SortKey | None:
    if code == "_lastUpdated":
        return SortKey("t.at", descending, "timestamptz", nullable=False)
    if code == "_id":
        return SortKey("t.id", descending, "text", nullable=False)
    parameter = index.parameter(kind, code)
    if parameter is None:
        return None
    if parameter.kind == "string":
        pick = "max" if descending else "min"
        of = f"s.res_type = {compiler.params.add(kind)} AND s.param = {compiler.params.add(code)} AND s.id = t.id"
        return SortKey(f"(SELECT {pick}(s.value) FROM ix_string s WHERE {of})", descending, "text")
    column = index.scalar_column(kind, code) or index.first_column(kind, code)
    if parameter.kind == "date":
        name = f"{column.removesuffix('_lo')}_hi" if descending and index.date_shape(kind, code) != "instant" else column
        return SortKey(f"t.{name}", descending, "timestamptz")
    if parameter.kind in ("number", "quantity"):
        return SortKey(f"t.{column}[1]", descending, "numeric")
    return SortKey(f"t.{column}" if index.scalar_column(kind, code) else f"t.{column}[1]", descending, "text")


def _after(keys: Sequence[SortKey], position: Sequence[Any], compiler: Compiler) -> str:
    """Rows that come after the position, in the order of the keys; nothing is last."""
    options, before = [], ""
    for sort, value in zip(keys, position, strict=True):
        marker = "NULL" if value is None else f"{compiler.params.add(value)}::{sort.type}"
        if value is not None:
            further = f"{sort.sql} {'<' if sort.descending else '>'} {marker}"
            options.append(f"({before}({further}{f' OR {sort.sql} IS NULL' if sort.nullable else ''}))")
        before += f"{sort.sql} IS NULL AND " if value is None else f"{sort.sql} = {marker} AND "
    first, value = keys[0], position[0]
    if value is None:
        return f"{first.sql} IS NULL AND ({' OR '.join(options)})"
    if first.nullable:
        return f"({' OR '.join(options)})"
    return f"{first.sql} {'<=' if first.descending else '>='} {compiler.params.add(value)}::{first.type} AND ({' OR '.join(options)})"


__all__ = ["DEFAULT_COUNT", "MOST", "SERVED", "Include", "Malformed", "Page", "read_parameters", "search"]
