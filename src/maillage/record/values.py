"""From the typed values of a search parameter to what the columns of the index hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from maillage.codes.aliases import canonical
from maillage.codes.folding import plain
from maillage.codes.r4 import Amount, Ref, SearchParameter, Span, Token
from maillage.codes.r4.values import Place
from maillage.store import FIRST, LAST

LONGEST_STRING = 200
LOWEST, HIGHEST = Decimal("-1e400"), Decimal("1e400")
NEXT, TYPED, JOINED = "\x1f", "\x1e", "\x1d"
"""Between a parameter and a text; before an identifier with its type; between the two parts of a composite."""

BY_IDENTIFIER = "~"
"""Before the business identifier of a reference."""

META = {"_tag": "t", "_security": "s", "_profile": "p", "_source": "o"}
"""Before what `meta` says: which parameter it answers to."""

_BLANK = re.compile(r"\s+")


def normal(code: str) -> str:
    """An identifier as it is also found: without spaces, in upper case."""
    return _BLANK.sub("", code).upper()


def found(parameter: SearchParameter, resource: dict[str, Any]) -> list[Any]:
    """What a resource has for a parameter: typed values, pairs of them for a composite, (folded, as written) for a string."""
    if parameter.kind == "composite":
        return parameter.pairs(resource)
    return parameter.texts(resource) if parameter.kind == "string" else parameter.values(resource)


def parts(parameter: SearchParameter, values: list[Any]) -> dict[str, Any]:
    """Part name (`texts`, `scalar`, `lo`, `hi`, `los`, `his`, `units`...) -> value."""
    if parameter.kind == "composite":
        return _composite(parameter.components[1], values)
    if parameter.kind == "token":
        return _tokens(values, identifiers="Identifier" in parameter.leaves)
    return _PARTS[parameter.kind](values)


def strings(parameter: SearchParameter, values: list[Any]) -> Iterable[tuple[str, str]]:
    """Folded and as written, cut to a length that an index takes; for identifiers their normal form, and their system."""
    if parameter.kind == "token":
        return dict.fromkeys((normal(token.code)[:LONGEST_STRING], token.system) for token in values if token.code)
    return [(folded[:LONGEST_STRING], text[:LONGEST_STRING]) for folded, text in values]


def displays(parameter: SearchParameter, values: list[Any]) -> list[str]:
    """What `:text` looks in, behind the name of the parameter."""
    words = (plain(token.text)[:LONGEST_STRING] for token in values if token.text)
    return [f"{parameter.code}{NEXT}{text}" for text in dict.fromkeys(words) if text]


def _tokens(found: Iterable[Token], *, identifiers: bool) -> dict[str, Any]:
    texts: dict[str, None] = {}
    codes = []
    for token in found:
        if token.code:
            codes.append(token.code)
            texts |= dict.fromkeys(token_texts(token.system, token.code, identifier=identifiers))
            if identifiers and token.types:
                texts |= dict.fromkeys(f"{TYPED}{system}|{code}|{normal(token.code)}" for system, code in token.types)
    return {"texts": list(texts), "scalar": codes[0]} if codes else {}


def token_texts(system: str, code: str, *, identifier: bool = False) -> list[str]:
    """What `code`, `system|code`, `system|` and `|code` are looked up by; `|` alone before a code says that it has no system."""
    text = normal(code) if identifier else code
    return [text, f"{system}|{text}", *([f"{system}|"] if system else [])]


def _references(found: Iterable[Ref]) -> dict[str, Any]:
    """`Type/id`, or the absolute address; an identifier is marked."""
    literal = [ref.url or f"{ref.type}/{ref.id}" for ref in found if ref.url or ref.id]
    named = [ref.identifier for ref in found if ref.identifier]
    marked = [f"{BY_IDENTIFIER}{text}" for token in named for text in token_texts(token.system, token.code, identifier=True)]
    texts = list(dict.fromkeys([*literal, *marked]))
    return {"texts": texts, "scalar": literal[0] if literal else None} if texts else {}


def _bounds(found: Sequence[Span]) -> dict[str, Any]:
    """The values, and from the first to the last instant of all of them."""
    lows, highs = [span.lower or FIRST for span in found], [span.upper or LAST for span in found]
    return {"lo": min(lows), "hi": max(highs), "los": lows, "his": highs}


def _amounts(found: Sequence[Amount]) -> dict[str, Any]:
    return {
        "los": [LOWEST if a.low is None else a.low for a in found],
        "his": [HIGHEST if a.high is None else a.high for a in found],
        "units": [_units(a) for a in found],
    }


def _place(found: Sequence[Place]) -> dict[str, Any]:
    return {"latitude": found[0].latitude, "longitude": found[0].longitude}


def _composite(second: str, pairs: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    """Each text that the first part is looked up by, with each value of the second."""
    rows = [(token_texts(first.system, first.code), tail) for first, tail in pairs if first.code]
    if second in ("token", "reference"):
        joined = (f"{head}{JOINED}{text}" for heads, tail in rows for head in heads for text in _second_texts(second, tail))
        return {"texts": texts} if (texts := list(dict.fromkeys(joined))) else {}
    if not rows:
        return {}
    tails = [tail for _, tail in rows]
    beside = {"words": [text[:LONGEST_STRING] for text in tails]} if second == "string" else _PARTS[second](tails)
    made = {"firsts": [head for heads, _ in rows for head in heads]}
    for part, values in beside.items():
        if type(values) is list:  # beside each text of its first part
            made[part] = [value for (heads, _), value in zip(rows, values, strict=True) for _ in heads]
    return made


def _second_texts(second: str, value: Any) -> list[str]:
    if second == "token":
        return token_texts(value.system, value.code) if value.code else []
    return list(_references([value]).get("texts", ()))


def _units(amount: Amount) -> str:
    """Every way to name the unit, between separators."""
    texts = [amount.code, amount.unit, f"{canonical(amount.system)}|{amount.code}" if amount.system else ""]
    return NEXT + NEXT.join(dict.fromkeys(filter(None, texts))) + NEXT


_PARTS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "date": _bounds,
    "number": _amounts,
    "quantity": _amounts,
    "reference": _references,
    "special": _place,
    "uri": lambda found: {"texts": found},
}


def meta_texts(resource: dict[str, Any]) -> list[str] | None:
    """Tags, labels, profiles and source of `meta`, told apart by their first letter."""
    meta = resource.get("meta")
    if type(meta) is not dict:
        return None
    texts = [META["_profile"] + canonical(text) for text in meta.get("profile", ()) if type(text) is str]
    for code in ("_tag", "_security"):
        for coding in meta.get(code[1:], ()):
            texts += [META[code] + text for text in token_texts(canonical(coding.get("system", "")), coding.get("code", ""))]
    if type(meta.get("source")) is str:
        texts.append(META["_source"] + meta["source"])
    return list(dict.fromkeys(texts)) or None
