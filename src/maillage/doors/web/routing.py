"""Which page will answer an address, found without running anything: the edge asks before anybody is known."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from re import Pattern

from starlette.routing import Route as StarletteRoute

from maillage.doors.edge import Lane, Route
from maillage.doors.web.pages import Page

STATIC = "/static/{digest}/{name}"
_NOWHERE = Route("?")
_FILE = Route(STATIC, Lane.FREE)
_NAMED = re.compile(r"\(\?P<\w+>")


class Routes:
    """The pages by the first word of their address."""

    def __init__(
        self, pages: Iterable[Page], routes: Iterable[StarletteRoute], *, upload_limit: int = 0, upload_seconds: float = 0.0
    ) -> None:
        self._by_word: dict[str, list[tuple[Pattern[str], str, Route]]] = {}
        for page, route in zip(pages, routes, strict=True):
            found = Route(f"{page.method} {page.path}", page.lane, page.limit, writes=page.writes, stream=page.stream)
            if page.files:
                found = replace(found, body=upload_limit, seconds=upload_seconds)
            self._by_word.setdefault(_word(page.path), []).append((route.path_regex, page.method, found))

    def find(self, method: str, path: str) -> Route:
        """The route of a request; an address of no page takes its turn like a page, and so does the wrong method."""
        word = _word(path)
        if word == "static":
            return _FILE
        asked = "GET" if method == "HEAD" else method
        for regex, allowed, route in self._by_word.get(word, ()):
            if allowed == asked and regex.match(path):
                return route
        return _NOWHERE

    def people(self) -> bytes:
        """A pattern of the addresses that are of people as far as their bytes tell: no file, and no page that is more urgent than the others."""
        pages = (one for pages in self._by_word.values() for one in pages)
        others = {_NAMED.sub("(?:", regex.pattern.strip("^$")) for regex, _, route in pages if route.lane is not Lane.INTERACTIVE}
        never = "".join(rf"(?!{other}(?:[? ]|\Z))" for other in sorted(others))
        plain = r"/[^\x00-\x20?%#\x7f-\xff]*(?:\?[^\x00-\x20#\x7f-\xff]*)?"
        return rf"(?!/static(?:[/? ]|\Z)){never}{plain}".encode()


def _word(path: str) -> str:
    return path[1:].partition("/")[0]
