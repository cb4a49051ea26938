"""How values are written in a URL: comma lists, `|`, `$`, and the backslash before each of them (FHIR R4, search, 3.1.1.4.0.1)."""

from __future__ import annotations

from collections.abc import Sequence

from maillage.kernel.errors import Issue, Malformed

MOST_VALUES = 200


def refuse(name: str, details: str, code: str = "value") -> Malformed:
    """A parameter that cannot be understood (400)."""
    return Malformed(Issue("error", code, "search-parameter", f"http.{name}"[:200], details))


def refuse_modifier(name: str, modifier: str) -> Malformed:
    """A modifier that this parameter does not have (400)."""
    return refuse(name, f"the modifier :{modifier[:60]} is not supported here", "not-supported")


def split_escaped(text: str, separator: str) -> list[str]:
    """Split on separators that no backslash escapes; the escapes stay."""
    if "\\" not in text:
        return text.split(separator)
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


def plain_values(name: str, text: str) -> list[str]:
    """The values of a comma list with their escapes undone."""
    return [unescape(value) for value in split_values(name, text)]


def either(parts: Sequence[str]) -> str:
    """One of the conditions."""
    if not parts:
        return "false"
    return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"
