"""What reaches the browser and was not written for maillage."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Shipped:
    """A third-party part and the text of its licence."""

    name: str
    text: str


@cache
def shipped() -> tuple[Shipped, ...]:
    """The parts brought at set-up, in order of name."""
    folder = files("maillage").joinpath("_vendor", "static", "licences")
    if not folder.is_dir():
        return ()
    found = (path for path in folder.iterdir() if path.name.endswith(".txt"))
    return tuple(
        Shipped(path.name.removesuffix(".txt"), path.read_text(encoding="utf-8")) for path in sorted(found, key=lambda path: path.name)
    )
