"""`maillage docs`: writes the generated pages; a test compares them with what they are made from."""

from __future__ import annotations

from pathlib import Path

from maillage import reference
from maillage.cli.output import OK, show


def docs(*, root: Path = Path(), json: bool = False) -> int:
    """Write GLOSSARY.md and docs/reference from the code.

    Example: maillage docs
    """
    written = reference.write(root)
    show({"written": written}, json=json, lines=written)
    return OK
