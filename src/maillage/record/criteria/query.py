"""One statement of a search while it is put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from maillage.codes.terminology import Terminology
from maillage.record import index
from maillage.record.types import Visible
from maillage.store.sql import Params


class Unknown(Exception):
    """There is no such parameter: strict callers are told, others are told by its absence from the self link."""


class Query:
    """The values so far, and where to start from: every alias is cut to what the caller may see."""

    __slots__ = ("_aliases", "_terms", "base", "now", "params", "visible_for")

    def __init__(
        self,
        visible_for: Callable[[str], Visible],
        now: datetime,
        base: str = "",
        terms: Terminology | None = None,
        *,
        params: Params | None = None,
    ) -> None:
        self.params = Params() if params is None else params
        self.visible_for = visible_for
        self.now = now
        self.base = base.rstrip("/") + "/" if base else ""
        self._aliases = 0
        self._terms = terms

    @property
    def terms(self) -> Terminology:
        """The code systems and value sets that are known; those of R4 where none were given."""
        if self._terms is None:
            self._terms = Terminology()
        return self._terms

    def alias(self) -> str:
        """A fresh table alias."""
        self._aliases += 1
        return f"c{self._aliases}"

    def source(self, kind: str, alias: str) -> str:
        """`FROM` and `WHERE` of an index table, cut to what the caller may see."""
        return f"FROM {index.table(kind)} {alias} WHERE ({self.visible_for(kind).sql(alias, self.params)})"

    def array(self, texts: Sequence[str]) -> str:
        """A list of texts as a parameter."""
        return f"{self.params.add(list(texts))}::text[]"

    def one_of(self, column: str, texts: Sequence[str]) -> str:
        """Equality with one of the texts; with a single one in the form that keeps an index in order."""
        return f"{column} = {self.params.add(texts[0])}" if len(texts) == 1 else f"{column} = ANY ({self.array(texts)})"


Criterion = Callable[[Query, str, str], str]
"""(statement, alias, value of the URL) -> the condition on the alias. Raises `Malformed`."""
