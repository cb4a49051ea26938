"""The narrative of a resource: well-formed XHTML, basic formatting only (txt-1), with some content (txt-2). Scripts can never pass."""

from __future__ import annotations

from html.entities import html5
from typing import Any, Final
from xml.parsers import expat

XHTML: Final = "http://www.w3.org/1999/xhtml"
_ELEMENT_NAMES: Final = (
    "div a abbr acronym b big blockquote br caption cite code col colgroup dd dfn dl dt em h1 h2 h3 h4 h5 h6 hr i img li ol p pre q samp small "
    "span strong sub sup table tbody td tfoot th thead tr tt ul var address del ins s u strike center"
)
_ATTRIBUTE_NAMES: Final = (
    "title style class id lang dir accesskey tabindex xml:lang abbr align axis bgcolor border cellhalign cellpadding cellspacing cellvalign char "
    "charoff charset cite colspan compact coords frame headers height href hreflang hspace name nowrap rel rev rowspan rules scope shape span "
    "src start summary type usemap valign value width alt longdesc datetime xmlns"
)
_ELEMENTS: Final = frozenset(_ELEMENT_NAMES.split())
_ATTRIBUTES: Final = frozenset(_ATTRIBUTE_NAMES.split())
_SCRIPTS: Final = ("javascript:", "vbscript:")
_LINKS: Final = {"src": _SCRIPTS, "cite": _SCRIPTS, "usemap": _SCRIPTS, "longdesc": _SCRIPTS, "href": (*_SCRIPTS, "data:")}


class _Refused(Exception):
    """Carries the sentence out of the parser."""


class _Reader:
    """Handlers of one parse."""

    def __init__(self) -> None:
        self.depth = 0
        self.content = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self.depth == 0 and (name != "div" or attributes.get("xmlns") != XHTML):
            raise _Refused(f'must be a <div xmlns="{XHTML}">')
        if name not in _ELEMENTS:
            raise _Refused(f"holds the element <{name[:40]}>, which a narrative may not hold")
        for key, text in attributes.items():
            if key not in _ATTRIBUTES:
                raise _Refused(f"holds the attribute {key[:40]}, which a narrative may not hold")
            if key in _LINKS and "".join(text.split()).casefold().startswith(_LINKS[key]):
                raise _Refused("holds a link that runs a script")
        self.content = self.content or name == "img"
        self.depth += 1

    def end(self, _name: str) -> None:
        self.depth -= 1

    def text(self, data: str) -> None:
        self.content = self.content or not data.isspace()

    def entity(self, name: str, is_parameter: bool) -> None:
        if is_parameter or name + ";" not in html5:
            raise _Refused(f"holds the unknown entity &{name[:40]};")
        self.content = True

    def refuse(self, *_: Any) -> None:
        raise _Refused("must not hold a document type, an entity declaration or a processing instruction")


def narrative_fault(text: str) -> str | None:
    """None when the div may be shown, else a sentence."""
    reader, parser = _Reader(), expat.ParserCreate()
    parser.UseForeignDTD(True)
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.SkippedEntityHandler = reader.entity
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.EntityDeclHandler = reader.refuse
    parser.ProcessingInstructionHandler = reader.refuse
    try:
        parser.Parse(text.encode("utf-8", "surrogatepass"), True)
    except _Refused as refused:
        return str(refused)
    except expat.ExpatError as error:
        return f"is not well-formed XHTML ({error})"
    return None if reader.content else "must have some content"
