"""One dialect for each interface on the way out: every URL that we know under several names leaves under the one of its guide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maillage.codes import aliases
from maillage.codes.json import decode, encode
from maillage.doors.fhir.http import Response

NAMING = frozenset({"url", "system", "profile"})
"""Where a URL names a definition: what stands elsewhere is content."""


def spoken(response: Response, dialect: str) -> Response:
    """The answer in a dialect; what was written keeps its bytes in the record."""
    if response.body and "content-type" not in response.headers:
        response.body = encode(_said(decode(response.body), aliases.dialect(dialect)))
    later = response.later
    if later is not None:
        response.later = lambda stored: spoken(later(stored), dialect)
    return response


def _said(value: Any, names: Mapping[str, str]) -> Any:
    if type(value) is list:
        return [_said(one, names) for one in value]
    if type(value) is not dict:
        return value
    return {key: _named(child, names) if key in NAMING else _said(child, names) for key, child in value.items()}


def _named(child: Any, names: Mapping[str, str]) -> Any:
    if type(child) is str:
        return names.get(child, child)
    if type(child) is list:
        return [names.get(one, one) if type(one) is str else _said(one, names) for one in child]
    return _said(child, names)
