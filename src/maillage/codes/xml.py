"""The one place where XML from outside is read: no document type, no entity, no processing instruction; depth and number of elements bounded.

Expat is part of Python, tells each element as it meets it, and gives the place in bytes: markup can be handed on exactly as it was written.
"""

from __future__ import annotations

from typing import Any, Final
from xml.parsers import expat

from maillage.kernel.errors import Malformed

MAX_DEPTH: Final = 100
MAX_ELEMENTS: Final = 300_000
XHTML: Final = "http://www.w3.org/1999/xhtml"


class Element:
    """One element: its namespace and name, its attributes by name, the elements inside, and for markup the text as written."""

    __slots__ = ("attributes", "children", "line", "markup", "name", "namespace", "text")

    def __init__(self, namespace: str, name: str, attributes: dict[str, str], line: int) -> None:
        self.namespace, self.name, self.attributes, self.line = namespace, name, attributes, line
        self.children: list[Element] = []
        self.text = False
        self.markup = ""


class _Reader:
    """The handlers of one parse. The outermost XHTML element is kept as text, not taken apart."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.parser = expat.ParserCreate("utf-8", " ")
        self.stack: list[Element] = []
        self.root: Element | None = None
        self.count = self.inside = self.begin = 0
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters
        self.parser.StartDoctypeDeclHandler = self.refuse
        self.parser.ProcessingInstructionHandler = self.refuse

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.count += 1
        if self.count > MAX_ELEMENTS or len(self.stack) + self.inside >= MAX_DEPTH:
            raise _refused("too-deep", f"The text holds more than {MAX_DEPTH} levels or {MAX_ELEMENTS} elements.")
        namespace, _, local = name.rpartition(" ")
        if self.inside or (namespace == XHTML and self.stack):
            self.begin = self.begin if self.inside else self.parser.CurrentByteIndex
            self.inside += 1
            return
        made = Element(namespace, local, attributes, self.parser.CurrentLineNumber)
        if self.stack:
            self.stack[-1].children.append(made)
        else:
            self.root = made
        self.stack.append(made)

    def end(self, name: str) -> None:
        if not self.inside:
            self.stack.pop()
            return
        self.inside -= 1
        if not self.inside:
            made = Element(XHTML, name.rpartition(" ")[2], {}, self.parser.CurrentLineNumber)
            made.markup = self.data[self.begin : self.data.find(b">", self.parser.CurrentByteIndex) + 1].decode()
            self.stack[-1].children.append(made)

    def characters(self, text: str) -> None:
        if not self.inside and not text.isspace():
            self.stack[-1].text = True

    def refuse(self, *_: Any) -> None:
        raise _refused("xml-refused", "A document type, an entity declaration or a processing instruction is not read here.")


def parse(data: bytes) -> Element:
    """The root of a document. Raises `Malformed` with the line of the fault."""
    reader = _Reader(data)
    try:
        data.decode()
        reader.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise _refused("not-xml", f"The text is not well-formed XML: {error}.") from error
    except UnicodeDecodeError as error:
        raise _refused("not-utf-8", "The text is not valid UTF-8.") from error
    if reader.root is None:
        raise _refused("not-xml", "The text holds no element.")
    return reader.root


def _refused(reason: str, details: str) -> Exception:
    return Malformed.one(reason, details=details)
