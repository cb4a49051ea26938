"""Tokens: codes, booleans, identifiers (https://hl7.org/fhir/R4/search.html#token)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from maillage.codes.aliases import canonical
from maillage.codes.folding import plain
from maillage.codes.terminology import CannotExpand, CodeSystem
from maillage.record import index
from maillage.record.criteria.notation import either, plain_values, refuse, refuse_modifier, split_escaped, split_values, unescape
from maillage.record.criteria.query import Criterion, Query
from maillage.record.values import NEXT, TYPED, normal

MOST_CODES = 5000
MOST_CONCEPTS = 20_000


def token(kind: str, parameter: Any, modifier: str) -> Criterion:
    """A criterion on a token parameter."""
    identifier = "Identifier" in parameter.leaves
    if modifier == "text" and index.has_texts(parameter):
        return _text(parameter.code)
    if modifier in ("in", "not-in"):
        return _in(kind, parameter, negated=modifier == "not-in")
    if modifier == "of-type" and identifier:
        return _of_type(kind, parameter.code)
    if modifier in ("above", "below") and not identifier:
        return _along(kind, parameter.code, modifier)
    if modifier not in ("", "not"):
        raise refuse_modifier(parameter.code, modifier)
    if identifier and not modifier:
        return _identifier(kind, parameter.code)
    return _codes(kind, parameter.code, identifier=identifier, negated=bool(modifier))


def _codes(kind: str, code: str, *, identifier: bool, negated: bool) -> Criterion:
    column, scalar = index.first_column(kind, code), index.scalar_column(kind, code)

    def codes(query: Query, alias: str, value: str) -> str:
        texts = list(dict.fromkeys(token_text(code, one, identifier=identifier) for one in split_values(code, value)))
        if scalar and not negated and not any("|" in text for text in texts):
            return query.one_of(f"{alias}.{scalar}", texts)
        sql = f"{alias}.{column} && {query.array(texts)}"
        return f"NOT coalesce({sql}, false)" if negated else sql

    return codes


def token_text(name: str, value: str, *, identifier: bool = False) -> str:
    """How the index writes what `code`, `system|code`, `system|` or `|code` looks for."""
    system, code = token_parts(name, value)
    code = normal(code) if identifier else code
    return code if system is None else f"{system}|{code}"


def token_parts(name: str, value: str) -> tuple[str | None, str]:
    """System (None when none is said, empty when there must be none) and code."""
    parts = split_escaped(value, "|")
    if len(parts) == 1:
        return None, unescape(value)
    if len(parts) > 2:
        raise refuse(name, "a token is code, system|code, system| or |code")
    system, code = canonical(unescape(parts[0])), unescape(parts[1])
    if not system and not code:
        raise refuse(name, "neither system nor code")
    return system, code


# --- identifiers -------------------------------------------------------------
def _identifier(kind: str, code: str) -> Criterion:
    """Identifiers are looked up one by one in `ix_string`: `value` without blanks and in upper case, the system beside it."""
    column = index.first_column(kind, code)
    among = _among(kind, code)

    def identifier(query: Query, alias: str, value: str) -> str:
        add = query.params.add
        by_system: dict[str | None, list[str]] = {}
        alone: list[str] = []
        for one in split_values(code, value):
            system, text = token_parts(code, one)
            if text:
                by_system.setdefault(system, []).append(normal(text))
            else:
                alone.append(f"{system}|")
        parts = []
        for system, texts in by_system.items():
            of_system = "" if system is None else f" AND s.original = {add(system)}"
            parts.append(f"({query.one_of('s.value', texts)}{of_system})")
        found = [f"{alias}.id IN ({among} AND {either(parts)})"] if parts else []
        if alone:
            found.append(f"{alias}.{column} && {query.array(alone)}")
        return either(found)

    return identifier


def _among(kind: str, code: str) -> str:
    return f"SELECT s.id FROM ix_string s WHERE s.res_type = '{kind}' AND s.param = '{code}'"


def _of_type(kind: str, code: str) -> Criterion:
    """`system|code|value`: the type of an identifier and its value."""
    column = index.first_column(kind, code)
    among = _among(kind, code)

    def of_type(query: Query, alias: str, value: str) -> str:
        texts, values = [], []
        for one in split_values(code, value):
            parts = [unescape(part) for part in split_escaped(one, "|")]
            if len(parts) != 3 or not parts[1] or not parts[2]:
                raise refuse(code, ":of-type is system|code|value, those of the type and the value of the identifier")
            values.append(normal(parts[2]))
            texts.append(f"{TYPED}{canonical(parts[0])}|{parts[1]}|{values[-1]}")
        return f"({alias}.id IN ({among} AND {query.one_of('s.value', values)}) AND {alias}.{column} && {query.array(texts)})"

    return of_type


# --- text, value sets ----------------------------------------------------------
def _text(code: str) -> Criterion:
    def text(query: Query, alias: str, value: str) -> str:
        starts = [f"{code}{NEXT}{plain(one)}" for one in plain_values(code, value)]
        tests = [f"starts_with(x.x, {query.params.add(start)})" for start in starts]
        return f"EXISTS (SELECT 1 FROM unnest({alias}.texts) x WHERE {either(tests)})"

    return text


def _in(kind: str, parameter: Any, *, negated: bool) -> Criterion:
    code = parameter.code
    column = index.first_column(kind, code)

    def within(query: Query, alias: str, value: str) -> str:
        texts = [text for url in plain_values(code, value) for text in value_set_texts(query, code, url)]
        sql = f"{alias}.{column} && {query.array(texts)}"
        return f"NOT coalesce({sql}, false)" if negated else sql

    return within


def value_set_texts(query: Query, name: str, url: str) -> Iterable[str]:
    """Every code of a value set as the index writes it; only of those whose codes are all here."""
    try:
        expansion = query.terms.expand(url)
    except CannotExpand as error:
        raise refuse(name, "the codes of this value set are not known here", "not-found") from error
    if not expansion.complete:
        raise refuse(name, "not every code of this value set is known here", "not-found")
    return _few(name, [f"{system}|{code}" for system, code in expansion.codes])


def _few(name: str, texts: list[str]) -> list[str]:
    if len(texts) > MOST_CODES:
        raise refuse(name, f"more than {MOST_CODES} codes", "too-costly")
    return texts


def _along(kind: str, code: str, modifier: str) -> Criterion:
    """A code and those below it in its code system, or above it."""
    column = index.first_column(kind, code)

    def along(query: Query, alias: str, value: str) -> str:
        texts = [text for one in split_values(code, value) for text in _family(query, code, one, modifier)]
        return f"{alias}.{column} && {query.array(_few(code, texts))}"

    return along


def _family(query: Query, name: str, value: str, modifier: str) -> list[str]:
    url, code = token_parts(name, value)
    system = query.terms.system(url) if url else None
    if system is None or code not in system.concepts or len(system.concepts) > MOST_CONCEPTS:
        raise refuse(name, f":{modifier} is system|code, of a code system that is known here", "not-found")
    family = _below(system, code) if modifier == "below" else system.ancestors(code)
    return [f"{url}|{one}" for one in (code, *sorted(family - {code}))]


def _below(system: CodeSystem, code: str) -> set[str]:
    return {one for one in system.concepts if code in system.ancestors(one)}
