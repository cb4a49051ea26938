"""The page of the settings, made from them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from maillage.settings.declaring import PREFIX
from maillage.settings.whole import Settings


def reference() -> str:
    """The page `docs/reference/settings.md`, made from the settings."""
    lines = ["# Settings", "", "Made from `src/maillage/settings` by `python -m maillage.settings`; a test compares.", ""]
    for section in fields(Settings):
        factory: Any = section.default_factory
        lines += [f"## {section.name}", "", factory.__doc__.splitlines()[0], "", "| variable | default | meaning |", "|---|---|---|"]
        for item in fields(factory):
            variable = f"{PREFIX}{section.name}__{item.name}".upper()
            secret = f" Secret: `{variable}_FILE` may hold the path of a file instead." if item.metadata["secret"] else ""
            lines.append(f"| `{variable}` | {_shown(item.default)} | {item.metadata['doc']}{secret} |")
        lines.append("")
    return "\n".join(lines)


def _shown(default: Any) -> str:
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    text = ",".join(default) if isinstance(default, tuple) else str(default)
    return f"`{text}`" if text else "empty"
