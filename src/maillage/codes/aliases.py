"""One thing, several published URLs: FR Core 1.1.0 to 2.2.0, SAS, bare OIDs. Read every alias, write one dialect."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache

from maillage.codes.facts import rows


@cache
def _canonical_of() -> dict[str, str]:
    return {row["alias"]: row["canonical"] for row in rows("aliases") if row["canonical"]}


@cache
def _aliases_of() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for alias, canonical_url in _canonical_of().items():
        found[canonical_url] = (*found.get(canonical_url, ()), alias)
    return found


@cache
def without_successor() -> frozenset[str]:
    """Old extensions and value sets that nothing replaces: carried through untouched."""
    return frozenset(row["alias"] for row in rows("aliases") if not row["canonical"])


@lru_cache(maxsize=4096)
def canonical(url: str) -> str:
    """The URL that we use for this one: `|version` dropped, aliases resolved, anything else as it is."""
    bare = url.partition("|")[0]
    return _canonical_of().get(bare, bare)


def spellings(url: str) -> tuple[str, ...]:
    """The canonical URL first, then each alias: what a search has to look for."""
    first = canonical(url)
    return (first, *_aliases_of().get(first, ()))


SAS_ROOT = "http://interopsante.org/fhir/"
"""Under which SAS 1.2.0, built on FR Core 1.1.0, still writes profiles, extensions and code systems."""


@cache
def dialect(name: str) -> Mapping[str, str]:
    """How one interface writes what we know under its canonical URL: `core` writes that one, `sas` the names of FR Core 1.1.0."""
    if name == "core":
        return dict(_canonical_of())
    return {canonical(alias): alias for alias in sorted(_canonical_of()) if alias.startswith(SAS_ROOT)}
