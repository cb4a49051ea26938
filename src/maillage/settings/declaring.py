"""How a setting is declared, and what is said of one that cannot be understood."""

from __future__ import annotations

from dataclasses import field
from typing import Any

PREFIX = "MAILLAGE_"


class SettingError(Exception):
    """A variable that cannot be understood: the message names it and never holds its value."""


def setting(default: Any, doc: str, *, secret: bool = False) -> Any:
    """Declare one setting: its default, its sentence, and whether its value must never be shown."""
    return field(default=default, metadata={"doc": doc, "secret": secret}, repr=not secret)
