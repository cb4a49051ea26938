"""From the typed values of a search parameter to what the columns of the index hold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from maillage.codes.aliases import canonical
from maillage.codes.r4 import Amount, Ref, SearchParameter, Span, Token

LONGEST_STRING = 200
FIRST = datetime.min.replace(tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)
LOWEST, HIGHEST = Decimal("-1e400"), Decimal("1e400")
_BLANK = re.compile(r"\s+")


def normal(code: str) -> str:
    """An identifier as it is also found: without spaces, in upper case."""
    return _BLANK.sub("", code).upper()


def parts(parameter: SearchParameter, resource: dict[str, Any]) -> dict[str, Any]:
    """Part name (`texts`, `scalar`, `lo`, `hi`, `los`, `his`, `units`) -> value; nothing when the resource has no value."""
    found: list[Any] = parameter.values(resource)
    if not found:
        return {}
    if parameter.kind == "date":
        return _bounds(found)
    if parameter.kind in ("number", "quantity"):
        return _amounts(found)
    if parameter.kind == "token":
        return _tokens(found, identifiers="Identifier" in parameter.leaves)
    if parameter.kind == "reference":
        return _references(found)
    return {"texts": found}


def strings(parameter: SearchParameter, resource: dict[str, Any]) -> list[tuple[str, str]]:
    """Folded and as written, cut to a length that an index takes."""
    return [(folded[:LONGEST_STRING], text[:LONGEST_STRING]) for folded, text in parameter.texts(resource)]


def _tokens(found: Iterable[Token], *, identifiers: bool) -> dict[str, Any]:
    texts: dict[str, None] = {}
    codes = []
    for token in found:
        if token.code:
            codes.append(token.code)
            texts |= dict.fromkeys(token_texts(token.system, token.code, identifier=identifiers))
    return {"texts": list(texts), "scalar": codes[0]} if codes else {}


def token_texts(system: str, code: str, *, identifier: bool = False) -> list[str]:
    """What `code`, `system|code`, `system|` and `|code` are looked up by; `|` alone before a code says that it has no system."""
    spellings = dict.fromkeys([code, normal(code)] if identifier else [code])
    return [*spellings, *(f"{system}|{text}" for text in spellings), *([f"{system}|"] if system else [])]


def _references(found: Iterable[Ref]) -> dict[str, Any]:
    """`Type/id`, or the absolute address; an identifier is marked by `~`."""
    literal = [ref.url or f"{ref.type}/{ref.id}" for ref in found if ref.url or ref.id]
    named = [ref.identifier for ref in found if ref.identifier]
    marked = [f"~{text}" for token in named for text in token_texts(token.system, token.code, identifier=True)]
    texts = list(dict.fromkeys([*literal, *marked]))
    return {"texts": texts, "scalar": literal[0] if literal else None} if texts else {}


def _bounds(found: list[Span]) -> dict[str, Any]:
    """From the first to the last instant of all values."""
    return {"lo": min(span.lower or FIRST for span in found), "hi": max(span.upper or LAST for span in found)}


def _amounts(found: list[Amount]) -> dict[str, Any]:
    return {
        "los": [LOWEST if a.low is None else a.low for a in found],
        "his": [HIGHEST if a.high is None else a.high for a in found],
        "units": [_units(a) for a in found],
    }


def _units(amount: Amount) -> str:
    """Every way to name the unit, between separators."""
    texts = [amount.code, amount.unit, f"{canonical(amount.system)}|{amount.code}" if amount.system else ""]
    return "\x1f" + "\x1f".join(dict.fromkeys(filter(None, texts))) + "\x1f"


def meta_texts(resource: dict[str, Any]) -> list[str] | None:
    """Tags, labels, profiles and source of `meta`, told apart by their first letter."""
    meta = resource.get("meta")
    if type(meta) is not dict:
        return None
    texts = ["p" + canonical(text) for text in meta.get("profile", ()) if type(text) is str]
    for letter, key in (("t", "tag"), ("s", "security")):
        for coding in meta.get(key, ()):
            texts += [letter + text for text in token_texts(canonical(coding.get("system", "")), coding.get("code", ""))]
    if type(meta.get("source")) is str:
        texts.append("o" + meta["source"])
    return list(dict.fromkeys(texts)) or None
