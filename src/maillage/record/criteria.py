"""One search criterion into SQL: values are always parameters, names come from the registry, never from the URL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from maillage.codes.aliases import canonical
from maillage.codes.folding import fold
from maillage.codes.r4 import parse
from maillage.kernel.errors import Issue, Malformed
from maillage.record import index
from maillage.record.bounds import NumberSpan, date_span, number_span, split_prefix
from maillage.record.types import SERVED, Visible
from maillage.record.values import FIRST, LAST, LONGEST_STRING, normal
from maillage.store.sql import Params

MODIFIERS = {
    "string": frozenset({"", "exact", "contains", "missing"}),
    "token": frozenset({"", "not", "missing"}),
    "reference": frozenset({"", "identifier", "missing"}),
    "uri": frozenset({"", "missing"}),
    "date": frozenset({"", "missing"}),
    "number": frozenset({"", "missing"}),
    "quantity": frozenset({"", "missing"}),
}
META_PREFIX = {"_tag": "t", "_security": "s", "_profile": "p", "_source": "o"}
MOST_VALUES = 200
DEEPEST_CHAIN = 4


class Unknown(Exception):
    """There is no such parameter: strict callers are told, others are told by its absence from the self link."""


def refuse(name: str, details: str, code: str = "value") -> Malformed:
    """A parameter that cannot be understood (400)."""
    return Malformed(Issue("error", code, "search-parameter", f"http.{name}"[:200], details))


class Compiler:
    """Turns criteria on one query into SQL; every alias that it opens starts from what the caller may see."""

    def __init__(self, visible_for: Callable[[str], Visible], now: Any, base: str = "") -> None:
        self.params = Params()
        self.visible_for = visible_for
        self.now = now
        self.base = base.rstrip("/") + "/" if base else ""
        self._aliases = 0

    def alias(self) -> str:
        """A fresh table alias."""
        self._aliases += 1
        return f"c{self._aliases}"

    def source(self, kind: str, alias: str) -> str:
        """`FROM` and `WHERE` of an index table, cut to what the caller may see."""
        return f"FROM {index.table(kind)} {alias} WHERE ({self.visible_for(kind).sql(alias, self.params)})"

    def criterion(self, kind: str, alias: str, name: str, value: str, depth: int = 0) -> str:
        """The condition on `alias` for one `name=value` of the URL. Raises `Unknown` or `Malformed`."""
        if depth > DEEPEST_CHAIN:
            raise refuse(name, "the chain is too long")
        if name.startswith("_has:"):
            return self._has(kind, alias, name, value, depth)
        head, dot, rest = name.partition(".")
        code, _, modifier = head.partition(":")
        if dot:
            return self._chain(kind, alias, name, (code, modifier, rest, value), depth)
        if code in ("_id", "_lastUpdated") or code in META_PREFIX:
            return self._common(alias, code, modifier, value)
        parameter = index.parameter(kind, code)
        if parameter is None:
            raise Unknown(code)
        if value == "":
            raise refuse(name, "the value is empty")
        if modifier == "missing":
            return self._missing(kind, alias, parameter, value)
        return self._by_kind(kind, alias, parameter, modifier, value)

    def _by_kind(self, kind: str, alias: str, parameter: Any, modifier: str, value: str) -> str:
        typed = parameter.kind == "reference" and modifier in index.named_types(parameter)
        if not typed and modifier not in MODIFIERS[parameter.kind]:
            raise refuse(parameter.code, f"the modifier :{modifier} is not supported here", "not-supported")
        values = split_values(parameter.code, value)
        make: dict[str, Callable[..., str]] = {
            "string": self._string,
            "token": self._token,
            "reference": self._reference,
            "uri": self._uri,
            "date": self._date,
            "number": self._number,
            "quantity": self._number,
        }
        return make[parameter.kind](kind, alias, parameter, modifier, values)

    def _common(self, alias: str, code: str, modifier: str, value: str) -> str:
        if modifier not in ("", "not") or (modifier and code in ("_id", "_lastUpdated")):
            raise refuse(code, f"the modifier :{modifier} is not supported here", "not-supported")
        if value == "":
            raise refuse(code, "the value is empty")
        values = split_values(code, value)
        if code == "_id":
            return f"{alias}.id = ANY ({self.params.add([unescape(v) for v in values])}::text[])"
        if code == "_lastUpdated":
            return either([self._instant(f"{alias}.at", code, unescape(v)) for v in values])
        texts = [
            META_PREFIX[code] + text
            for v in values
            for text in ([unescape(v)] if code in ("_profile", "_source") else token_texts(code, v))
        ]
        if code == "_profile":
            texts = [text[0] + canonical(text[1:]) for text in texts]
        sql = f"{alias}.meta && {self.params.add(texts)}::text[]"
        return f"NOT coalesce({sql}, false)" if modifier else sql

    def _missing(self, kind: str, alias: str, parameter: Any, value: str) -> str:
        if value not in ("true", "false"):
            raise refuse(parameter.code, ":missing is true or false")
        if parameter.kind == "string":
            present = f"EXISTS ({self._strings(kind, alias, parameter.code)})"
        else:
            present = f"{alias}.{index.first_column(kind, parameter.code)} IS NOT NULL"
        return f"NOT ({present})" if value == "true" else present

    # --- strings -------------------------------------------------------------
    def _strings(self, kind: str, alias: str, code: str) -> str:
        return f"SELECT 1 FROM ix_string s WHERE s.res_type = {self.params.add(kind)} AND s.param = {self.params.add(code)} AND s.id = {alias}.id"

    def _string(self, kind: str, alias: str, parameter: Any, modifier: str, values: Sequence[str]) -> str:
        parts = []
        for value in values:
            text = unescape(value)
            if modifier == "exact":
                folded, raw = self.params.add(fold(text)[:LONGEST_STRING]), self.params.add(text[:LONGEST_STRING])
                parts.append(f"(s.value = {folded} AND s.original = {raw})")
            elif modifier == "contains":
                parts.append(f"strpos(s.value, {self.params.add(fold(text))}) > 0")
            else:
                low = fold(text)[:LONGEST_STRING]
                parts.append(f"(s.value >= {self.params.add(low)} AND s.value < {self.params.add(low + TOP)})")
        of = f"s.res_type = {self.params.add(kind)} AND s.param = {self.params.add(parameter.code)}"
        return f"{alias}.id IN (SELECT s.id FROM ix_string s WHERE {of} AND {either(parts)})"

    # --- tokens, references, URIs ----------------------------------------------
    def _token(self, kind: str, alias: str, parameter: Any, modifier: str, values: Sequence[str]) -> str:
        identifier = "Identifier" in parameter.leaves
        texts = list(dict.fromkeys(text for value in values for text in token_texts(parameter.code, value, identifier=identifier)))
        scalar = index.scalar_column(kind, parameter.code)
        if scalar and not modifier and not any("|" in text for text in texts):
            return one_of(f"{alias}.{scalar}", self.params, texts)
        sql = f"{alias}.{index.first_column(kind, parameter.code)} && {self.params.add(texts)}::text[]"
        return f"NOT coalesce({sql}, false)" if modifier == "not" else sql

    def _uri(self, kind: str, alias: str, parameter: Any, _modifier: str, values: Sequence[str]) -> str:
        texts = [text for value in values for text in (unescape(value), canonical(unescape(value)))]
        return f"{alias}.{index.first_column(kind, parameter.code)} && {self.params.add(list(dict.fromkeys(texts)))}::text[]"

    def _reference(self, kind: str, alias: str, parameter: Any, modifier: str, values: Sequence[str]) -> str:
        column = index.first_column(kind, parameter.code)
        if modifier == "identifier":
            texts = ["~" + text for value in values for text in token_texts(parameter.code, value, identifier=True)]
            return f"{alias}.{column} && {self.params.add(texts)}::text[]"
        texts = [text for value in values for text in self._targets(parameter, modifier, unescape(value))]
        scalar = index.scalar_column(kind, parameter.code)
        if scalar:
            return one_of(f"{alias}.{scalar}", self.params, texts)
        return f"{alias}.{column} && {self.params.add(texts)}::text[]"

    def _targets(self, parameter: Any, modifier: str, text: str) -> list[str]:
        """What a reference may look like in the index: `Type/id`; a bare id of each target type; an address."""
        if self.base and text.startswith(self.base):
            text = text.removeprefix(self.base)
        head, slash, _ = text.partition("/")
        if "://" in text or text.startswith("urn:"):
            return [text, canonical(text)] if modifier in ("", parse(text).type) else []
        if slash:
            return ["/".join(text.split("/")[:2])] if modifier in ("", head) else []
        targets = [modifier] if modifier else index.named_types(parameter)
        return [f"{target}/{text}" for target in targets]

    # --- chains ----------------------------------------------------------------
    def _chain(self, kind: str, alias: str, name: str, link: tuple[str, str, str, str], depth: int) -> str:
        code, type_, rest, value = link
        parameter = index.parameter(kind, code)
        if parameter is None:
            raise Unknown(code)
        if parameter.kind != "reference" or (type_ and type_ not in index.targets(parameter)):
            raise refuse(name, f"{code} does not lead there")
        wanted = [type_] if type_ else index.targets(parameter)
        inner = rest.partition(".")[0].partition(":")[0]
        targets = [t for t in wanted if t in SERVED and (inner.startswith("_") or index.parameter(t, inner))]
        if not targets or (len(targets) > MOST_CHAIN_TARGETS and not type_):
            raise refuse(name, f"say which type {code} leads to, and a parameter that it has")
        parts = [self._linked(kind, alias, code, target, rest, value, depth) for target in targets]
        return either(parts)

    def _linked(self, kind: str, alias: str, code: str, target: str, rest: str, value: str, depth: int) -> str:
        other = self.alias()
        try:
            inner = self.criterion(target, other, rest, value, depth + 1)
        except Unknown as unknown:
            raise refuse(rest, f"{target} has no search parameter {unknown}") from unknown
        found = f"ARRAY(SELECT '{target}/' || {other}.id {self.source(target, other)} AND {inner})"
        scalar = index.scalar_column(kind, code)
        return f"{alias}.{scalar} = ANY ({found})" if scalar else f"{alias}.{index.first_column(kind, code)} && {found}"

    def _has(self, kind: str, alias: str, name: str, value: str, depth: int) -> str:
        parts = name.split(":", 3)
        if len(parts) < 4:
            raise refuse(name, "_has is written _has:Type:reference:parameter")
        _, source, code, rest = parts
        parameter = index.parameter(source, code) if source in SERVED else None
        if parameter is None or parameter.kind != "reference" or kind not in index.targets(parameter):
            raise refuse(name, f"no reference {code} leads from there to {kind}")
        other = self.alias()
        try:
            inner = self.criterion(source, other, rest, value, depth + 1)
        except Unknown as unknown:
            raise refuse(rest, f"{source} has no search parameter {unknown}") from unknown
        column = index.first_column(source, code)
        refs = f"SELECT unnest({other}.{column}) {self.source(source, other)} AND {inner}"
        return (
            f"'{kind}/' || {alias}.id IN ({refs})"
            if depth
            else f"{alias}.id IN (SELECT substr(r.ref, {len(kind) + 2}) FROM ({refs}) r (ref) WHERE starts_with(r.ref, '{kind}/'))"
        )

    # --- ordered values ----------------------------------------------------------
    def _date(self, kind: str, alias: str, parameter: Any, _modifier: str, values: Sequence[str]) -> str:
        shape = index.date_shape(kind, parameter.code)
        lo = f"{alias}.{index.first_column(kind, parameter.code)}"
        if shape == "instant":
            return either([self._instant(lo, parameter.code, unescape(v)) for v in values])
        hi = f"{lo.removesuffix('_lo')}_hi"
        return either([self._span(lo, hi, parameter.code, unescape(v), narrow=shape == "narrow") for v in values])

    def _instant(self, column: str, code: str, text: str) -> str:
        prefix, lower, upper = self._read_date(code, text)
        return self._filled(INSTANT_FORMS[prefix], {"lo": column}, lower, upper)

    def _span(self, lo: str, hi: str, code: str, text: str, *, narrow: bool) -> str:
        """`narrow` values are no longer than a year, which lets an index on `lo` serve every prefix."""
        prefix, lower, upper = self._read_date(code, text)
        near = NEAR if narrow and prefix in ("gt", "ge", "ap") else ""
        return self._filled(f"({SPAN_FORMS[prefix]}{near})", {"lo": lo, "hi": hi}, lower, upper)

    def _filled(self, form: str, columns: dict[str, str], lower: datetime, upper: datetime) -> str:
        """The form with its columns, and with the bounds that it speaks of as parameters."""
        bounds = {name: f"{self.params.add(at)}::timestamptz" for name, at in (("low", lower), ("high", upper)) if f"{{{name}}}" in form}
        return form.format(**columns, **bounds)

    def _read_date(self, code: str, text: str) -> tuple[str, datetime, datetime]:
        """The prefix and the two bounds; `ap` widens them by a tenth of the distance to now."""
        prefix, rest = split_prefix(text)
        span = date_span(rest)
        if span is None:
            raise refuse(code, "not a date: YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss+zz:zz, with an optional prefix")
        if prefix != "ap":
            return prefix, *span
        slack = abs(self.now - span[0]) / 10
        return prefix, shifted(span[0], -slack), shifted(span[1], slack)

    def _number(self, kind: str, alias: str, parameter: Any, _modifier: str, values: Sequence[str]) -> str:
        column = f"{alias}.{index.first_column(kind, parameter.code)}"
        base = column.removesuffix("_lo")
        parts = [self._one_number(parameter, value) for value in values]
        rows = f"unnest({base}_lo, {base}_hi, {base}_units) AS q (lo, hi, units)"
        return f"EXISTS (SELECT 1 FROM {rows} WHERE {either(parts)})"

    def _one_number(self, parameter: Any, value: str) -> str:
        number, *unit = split_escaped(value, "|")
        prefix, rest = split_prefix(number)
        try:
            span = number_span(rest)
        except ValueError as error:
            raise refuse(parameter.code, "not a number, with an optional prefix") from error
        sql = self._compare(prefix, span)
        if parameter.kind == "number" and unit:
            raise refuse(parameter.code, "a number has no unit")
        if not unit:
            return sql
        if len(unit) != 2:
            raise refuse(parameter.code, "a quantity is number, number|system|code or number||code")
        system, code = canonical(unescape(unit[0])), unescape(unit[1])
        wanted = f"\x1f{system}|{code}\x1f" if system else f"\x1f{code}\x1f"
        return f"({sql} AND strpos(q.units, {self.params.add(wanted)}) > 0)"

    def _compare(self, prefix: str, span: NumberSpan) -> str:
        def add(number: Decimal) -> str:
            return f"{self.params.add(number)}::numeric"

        if prefix in ("eq", "ne", "ap"):
            slack = abs(span.value) / 10 if prefix == "ap" else Decimal()
            low, high = span.lo - slack, span.hi + slack
            inside = f"(q.lo >= {add(low)} AND q.hi < {add(high)})" if prefix != "ap" else f"(q.lo < {add(high)} AND q.hi >= {add(low)})"
            return f"NOT {inside}" if prefix == "ne" else inside
        exact = add(span.value)
        return {
            "gt": f"q.hi > {exact}",
            "ge": f"q.hi >= {exact}",
            "lt": f"q.lo < {exact}",
            "le": f"q.lo <= {exact}",
            "sa": f"q.lo > {exact}",
            "eb": f"q.hi < {exact}",
        }[prefix]


INSTANT_FORMS = {
    "eq": "({lo} >= {low} AND {lo} < {high})",
    "ne": "({lo} < {low} OR {lo} >= {high})",
    "ap": "({lo} >= {low} AND {lo} < {high})",
    "gt": "{lo} >= {high}",
    "sa": "{lo} >= {high}",
    "ge": "{lo} >= {low}",
    "lt": "{lo} < {low}",
    "eb": "{lo} < {low}",
    "le": "{lo} < {high}",
}
"""A value that is one instant, against the range of the query."""

SPAN_FORMS = {
    "eq": "{lo} >= {low} AND {lo} < {high} AND {hi} <= {high}",
    "ne": "({lo} < {low} OR {hi} > {high})",
    "gt": "{hi} > {high}",
    "ge": "({hi} > {high} OR {lo} >= {low}) AND {hi} > {low}",
    "lt": "{lo} < {low}",
    "le": "({lo} < {low} OR {hi} <= {high}) AND {lo} < {high}",
    "sa": "{lo} >= {high}",
    "eb": "{hi} <= {low}",
    "ap": "{lo} < {high} AND {hi} > {low}",
}
"""A value that is a range, against the range of the query; the last condition of `ge` and `le` follows from the first and serves an index."""

NEAR = " AND {lo} > {low} - interval '367 days'"
TOP = "\U0010ffff"
MOST_CHAIN_TARGETS = 8


def shifted(at: datetime, by: timedelta) -> datetime:
    """Moved, and kept inside what can be told."""
    try:
        return at + by
    except OverflowError:
        return LAST if by > timedelta() else FIRST


def either(parts: Sequence[str]) -> str:
    """One of the conditions."""
    if not parts:
        return "false"
    return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"


def one_of(column: str, params: Params, texts: Sequence[str]) -> str:
    """Equality with one of the texts; with a single one in the form that keeps an index in order."""
    return f"{column} = {params.add(texts[0])}" if len(texts) == 1 else f"{column} = ANY ({params.add(list(texts))}::text[])"


def split_escaped(text: str, separator: str) -> list[str]:
    """Split on separators that no backslash escapes; the escapes stay."""
    parts, current, escaped = [], "", False
    for character in text:
        if character == separator and not escaped:
            parts.append(current)
            current = ""
            continue
        escaped = character == "\\" and not escaped
        current += character
    return [*parts, current]


def split_values(name: str, text: str) -> list[str]:
    """The values of a comma list, without blanks around them; at most two hundred."""
    values = [value.strip() for value in split_escaped(text, ",")]
    if len(values) > MOST_VALUES:
        raise refuse(name, f"more than {MOST_VALUES} values")
    if not all(values):
        raise refuse(name, "a value is empty")
    return values


def unescape(text: str) -> str:
    """Undo `\\,` `\\$` `\\|` and `\\\\`."""
    if "\\" not in text:
        return text
    kept, escaped = "", False
    for character in text:
        if character == "\\" and not escaped:
            escaped = True
            continue
        kept, escaped = kept + character, False
    return kept


def token_texts(name: str, value: str, *, identifier: bool = False) -> list[str]:
    """How the index writes what `code`, `system|code`, `system|` or `|code` looks for."""
    parts = split_escaped(value, "|")
    if len(parts) > 2:
        raise refuse(name, "a token is code, system|code, system| or |code")
    code = unescape(parts[-1])
    spellings = dict.fromkeys([code, normal(code)] if identifier else [code])
    if len(parts) == 1:
        return list(spellings)
    system = canonical(unescape(parts[0]))
    if not system and not code:
        raise refuse(name, "neither system nor code")
    return [f"{system}|{text}" for text in spellings]
