"""Forms as a browser reads them from a page: which fields they have, what is sent, and what a page says of a form that it refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

Answers = Mapping[str, str | tuple[str, ...]]
_VOID = frozenset({"input", "meta", "link", "br", "hr", "img", "path", "source", "wbr"})
_NEVER_SENT = frozenset({"file", "submit", "button", "image", "reset"})
OF_THE_FORM = ("_csrf", "_key", "_version")


@dataclass(slots=True)
class Node:
    """An element."""

    tag: str
    attrs: dict[str, str]
    parent: Node | None = None
    inside: list[Node | str] = field(default_factory=list)

    def all(self, *tags: str) -> Iterator[Node]:
        """The elements below, of these kinds or of any, in the order of the page."""
        for one in self.inside:
            if isinstance(one, Node):
                if not tags or one.tag in tags:
                    yield one
                yield from one.all(*tags)

    def above(self) -> Iterator[Node]:
        """The elements around it, the nearest first."""
        node = self.parent
        while node:
            yield node
            node = node.parent

    @property
    def text(self) -> str:
        """What is read in it."""
        return "".join(one if isinstance(one, str) else one.text for one in self.inside)

    @property
    def name(self) -> str:
        """Under which name a field is sent."""
        return self.attrs.get("name", "")


class _Reader(HTMLParser):
    """The tree of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.root = self.here = Node("", {})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs}, self.here)
        self.here.inside.append(node)
        if tag not in _VOID:
            self.here = node

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.here.inside.append(Node(tag, {name: value or "" for name, value in attrs}, self.here))

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.here.tag == tag, f"</{tag}> ends <{self.here.tag}>"
            assert self.here.parent
            self.here = self.here.parent

    def handle_data(self, data: str) -> None:
        self.here.inside.append(data)


def tree(html: str) -> Node:
    """A page."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.root


def form_of(page: Node, action: str, holds: str = "") -> Node | None:
    """The form that is sent to an address; `holds`: the one with this field, where a page has several."""
    found = [one for one in page.all("form") if one.attrs.get("method") == "post" and one.attrs.get("action", "") == action]
    return next((one for one in found if not holds or any(each.name == holds for each in controls(one))), None)


def controls(form: Node) -> list[Node]:
    """What is answered in a form, its buttons apart."""
    return [one for one in form.all("input", "select", "textarea") if one.name and one.attrs.get("type") not in _NEVER_SENT]


def names(form: Node) -> set[str]:
    """What it can be sent with: its fields and its buttons."""
    return {one.name for one in form.all("input", "select", "textarea", "button") if one.name}


def options(control: Node) -> set[str]:
    """What a list offers."""
    return {one.attrs.get("value", "") for one in control.all("option")}


def sent(form: Node) -> list[tuple[str, str]]:
    """What a browser sends of a form as it stands."""
    found: list[tuple[str, str]] = []
    for one in controls(form):
        if one.tag == "select":
            chosen = [option.attrs.get("value", "") for option in one.all("option") if "selected" in option.attrs]
            found += [(one.name, value) for value in chosen or [""]]
        elif one.tag == "textarea":
            found.append((one.name, one.text.removeprefix("\n")))
        elif one.attrs.get("type") not in ("radio", "checkbox") or "checked" in one.attrs:
            found.append((one.name, one.attrs.get("value", "")))
    return found


def written(form: Node, answers: Answers) -> list[tuple[str, str]]:
    """What a browser sends once these answers are written; an empty tuple chooses nothing."""
    kept = [pair for pair in sent(form) if pair[0] not in answers]
    more = [(name, text) for name, given in answers.items() for text in ((given,) if isinstance(given, str) else given)]
    return kept + more


def lost(form: Node, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What was sent and no longer stands in the form. A password is never shown again; what a list does not offer cannot be chosen in it."""
    here, left = {one.name: one for one in controls(form)}, sent(form)
    buttons = {one.name for one in form.all("button")}
    missing = []
    for name, text in pairs:
        control = here.get(name)
        if name in OF_THE_FORM or name in buttons or (name, text) in left or (control is None and not text):
            continue
        if control is not None and (control.attrs.get("type") == "password" or _not_offered(form, control, text)):
            continue
        missing.append((name, text))
    return missing


def _not_offered(form: Node, control: Node, text: str) -> bool:
    if control.tag == "select":
        return text not in options(control)
    if control.attrs.get("type") in ("radio", "checkbox"):
        return text not in {one.attrs.get("value", "") for one in controls(form) if one.name == control.name}
    return False
