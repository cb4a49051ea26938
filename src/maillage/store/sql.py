"""Numbered parameters for statements that are put together piece by piece."""

from __future__ import annotations

from typing import Any


class Params(list[Any]):
    """The values of a statement in the order of their numbers."""

    def add(self, value: Any) -> str:
        """Keep `value` and give its placeholder: `"$1"`, `"$2"`..."""
        self.append(value)
        return f"${len(self)}"
