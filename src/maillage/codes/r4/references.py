"""What a literal reference points at: `Patient/1`, an absolute URL, `urn:uuid:...`, `#contained`, a conditional `Patient?identifier=...`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from maillage.codes.r4.tables import resource_type_set

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_LITERAL = re.compile(r"(?:(\S*)/)?([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/([A-Za-z0-9\-.]{1,64}))?")
_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:\S+", re.IGNORECASE)
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?\S+")


class Target(NamedTuple):
    """A literal reference taken apart; `kind` is local, literal, absolute, conditional or unknown."""

    kind: str
    type: str = ""
    id: str = ""
    base: str = ""
    version: str = ""


LONGEST_KEPT = 200


def parse(reference: str) -> Target:
    """Take a reference apart; `unknown` when it has none of the known forms."""
    return _known(reference) if len(reference) <= LONGEST_KEPT else _taken_apart(reference)


def _taken_apart(reference: str) -> Target:
    type_, _, id_ = reference.partition("/")
    if type_ in resource_type_set() and _ID.fullmatch(id_):
        return Target("literal", type_, id_)
    if reference.startswith("#"):
        return Target("local", id=reference[1:])
    match = _LITERAL.fullmatch(reference)
    if match and match[2] in resource_type_set() and (match[1] is None or _ABSOLUTE.fullmatch(match[1])):
        return Target("literal", match[2], match[3], match[1] or "", match[4] or "")
    if _ABSOLUTE.fullmatch(reference):
        return Target("absolute")
    match = _CONDITIONAL.fullmatch(reference)
    if match and match[1] in resource_type_set():
        return Target("conditional", match[1])
    return Target("unknown")


_known = lru_cache(maxsize=8192)(_taken_apart)
"""The resources of one exchange name the same few others again and again."""
