"""The typed values that search parameters compare, and how each datatype gives them (R4, section 3.1.1.4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from maillage.codes.aliases import canonical
from maillage.codes.folding import plain
from maillage.codes.r4.dates import interval
from maillage.codes.r4.references import parse
from maillage.codes.systems import CURRENCY, SPECIAL_VALUES


class Token(NamedTuple):
    """A code in a system (canonical URL). `text` is its display; a concept without coding gives a text alone. `types`: those of an identifier."""

    system: str
    code: str
    text: str = ""
    types: tuple[tuple[str, str], ...] = ()


class Ref(NamedTuple):
    """What a reference points at: type and id, or an absolute `url` (type and id too when it ends with them), or a business identifier."""

    type: str
    id: str
    url: str = ""
    identifier: Token | None = None


class Span(NamedTuple):
    """Instants in UTC, upper excluded; None is an open end."""

    lower: datetime | None
    upper: datetime | None


class Amount(NamedTuple):
    """A number or a range of numbers, with its unit; None is an open end."""

    low: Decimal | None
    high: Decimal | None
    system: str = ""
    code: str = ""
    unit: str = ""


class Place(NamedTuple):
    """A point on the earth, in degrees."""

    latitude: float
    longitude: float


Value = Token | Ref | Span | Amount | Place | str
Give = Callable[[Any, str, list[Any]], None]
"""(JSON value, implied code system, values so far): adds to the values; adds nothing for a value of another shape."""


def _text(value: Any, key: str) -> str:
    item = value.get(key)
    return item if type(item) is str else ""


def _list(value: Any, key: str) -> list[Any]:
    items = value.get(key)
    return items if type(items) is list else []


def _dict(value: Any, key: str) -> dict[str, Any]:
    item = value.get(key)
    return item if type(item) is dict else {}


# --- token ----------------------------------------------------------------------
def _code(value: Any, system: str, found: list[Any]) -> None:
    if type(value) is str:
        found.append(Token(system, value))


def _boolean(value: Any, _system: str, found: list[Any]) -> None:
    if type(value) is bool:
        found.append(Token(SPECIAL_VALUES, "true" if value else "false"))


def _coding(value: Any, _system: str, found: list[Any]) -> None:
    if type(value) is dict and (code := _text(value, "code")):
        found.append(Token(canonical(_text(value, "system")), code, _text(value, "display")))


def _concept(value: Any, system: str, found: list[Any]) -> None:
    if type(value) is not dict:
        return
    for coding in _list(value, "coding"):
        _coding(coding, system, found)
    if text := _text(value, "text"):
        found.append(Token("", "", text))


def _identifier(value: Any, _system: str, found: list[Any]) -> None:
    if type(value) is dict and (code := _text(value, "value")):
        type_ = _dict(value, "type")
        types = tuple(
            (canonical(_text(c, "system")), _text(c, "code")) for c in _list(type_, "coding") if type(c) is dict and _text(c, "code")
        )
        found.append(Token(canonical(_text(value, "system")), code, _text(type_, "text"), types))


def _contact(value: Any, _system: str, found: list[Any]) -> None:
    if type(value) is dict and (code := _text(value, "value")):
        found.append(Token(_text(value, "system"), code))


# --- string ---------------------------------------------------------------------
def _string(value: Any, _system: str, found: list[Any]) -> None:
    if type(value) is str and (words := plain(value)):
        found.append(words)


def _as_written(value: Any, _system: str, found: list[Any]) -> None:
    if type(value) is str:
        found.append(value)


def _parts(single: tuple[str, ...], many: tuple[str, ...], one: Give = _string) -> Give:
    def give(value: Any, system: str, found: list[Any]) -> None:
        if type(value) is dict:
            for key in single:
                one(value.get(key), system, found)
            for key in many:
                for item in _list(value, key):
                    one(item, system, found)

    return give


# --- reference ----------------------------------------------------------------------
def _reference(value: Any, system: str, found: list[Any]) -> None:
    if type(value) is not dict:
        return
    tokens: list[Token] = []
    _identifier(value.get("identifier"), system, tokens)
    identifier = tokens[0] if tokens else None
    literal = _text(value, "reference")
    target = parse(literal)
    if literal and target.kind in ("literal", "absolute"):
        found.append(Ref(target.type, target.id, literal if target.kind == "absolute" or target.base else "", identifier))
    elif identifier:
        found.append(Ref(_text(value, "type"), "", "", identifier))


def _canonical_reference(value: Any, _system: str, found: list[Any]) -> None:
    if type(value) is str:
        found.append(Ref("", "", canonical(value)))


def _resource(value: Any, _system: str, found: list[Any]) -> None:
    if type(value) is dict and _text(value, "resourceType"):
        found.append(Ref(_text(value, "resourceType"), _text(value, "id")))


# --- date -------------------------------------------------------------------------------
def _date(value: Any, _system: str, found: list[Any]) -> None:
    if type(value) is str and (span := interval(value)):
        found.append(Span(*span))


def _period(value: Any, _system: str, found: list[Any]) -> None:
    if type(value) is dict:
        start, end = interval(_text(value, "start")), interval(_text(value, "end"))
        if start or end:
            found.append(Span(start[0] if start else None, end[1] if end else None))


def _timing(value: Any, system: str, found: list[Any]) -> None:
    """From the first to the last event; the bounds of the repetition when they are a period."""
    if type(value) is not dict:
        return
    spans: list[Any] = []
    for event in _list(value, "event"):
        _date(event, system, spans)
    _period(_dict(value, "repeat").get("boundsPeriod"), system, spans)
    if spans:
        lowers, uppers = [s.lower for s in spans], [s.upper for s in spans]
        found.append(Span(None if None in lowers else min(lowers), None if None in uppers else max(uppers)))


# --- number, quantity ---------------------------------------------------------------------
def _decimal(value: Any) -> Decimal | None:
    if type(value) is int:
        return Decimal(value)
    if type(value) is float:
        value = Decimal(repr(value))
    return value if type(value) is Decimal and value.is_finite() else None


def _number(value: Any, _system: str, found: list[Any]) -> None:
    if (amount := _decimal(value)) is not None:
        found.append(Amount(amount, amount))


def _quantity(value: Any, _system: str, found: list[Any]) -> None:
    if type(value) is not dict or (amount := _decimal(value.get("value"))) is None:
        return
    comparator = _text(value, "comparator")
    low, high = (None if comparator.startswith("<") else amount), (None if comparator.startswith(">") else amount)
    found.append(Amount(low, high, _text(value, "system"), _text(value, "code"), _text(value, "unit")))


def _money(value: Any, _system: str, found: list[Any]) -> None:
    if type(value) is dict and (amount := _decimal(value.get("value"))) is not None:
        found.append(Amount(amount, amount, CURRENCY, _text(value, "currency")))


def _range(value: Any, _system: str, found: list[Any]) -> None:
    if type(value) is not dict:
        return
    low, high = _dict(value, "low"), _dict(value, "high")
    first, last, unit = _decimal(low.get("value")), _decimal(high.get("value")), low or high
    if first is not None or last is not None:
        found.append(Amount(first, last, _text(unit, "system"), _text(unit, "code"), _text(unit, "unit")))


# --- uri --------------------------------------------------------------------------------------
def _uri(value: Any, _system: str, found: list[Any]) -> None:
    if type(value) is str and value:
        found.append(canonical(value))


# --- place ------------------------------------------------------------------------------------
def _position(value: Any, _system: str, found: list[Any]) -> None:
    if type(value) is dict:
        latitude, longitude = _decimal(value.get("latitude")), _decimal(value.get("longitude"))
        if latitude is not None and longitude is not None and abs(latitude) <= 90 and abs(longitude) <= 180:
            found.append(Place(float(latitude), float(longitude)))


_IN_NAME: Final = (("text", "family"), ("given", "prefix", "suffix"))
_IN_ADDRESS: Final = (("text", "city", "district", "state", "postalCode", "country"), ("line",))
_QUANTITIES: Final = ("Quantity", "SimpleQuantity", "Age", "Duration", "Count", "Distance")

GIVERS: Final[dict[str, dict[str, Give]]] = {
    "token": {
        "CodeableConcept": _concept,
        "Coding": _coding,
        "Identifier": _identifier,
        "ContactPoint": _contact,
        "boolean": _boolean,
        **dict.fromkeys(("code", "id", "string", "uri"), _code),
    },
    "string": {"string": _string, "markdown": _string, "HumanName": _parts(*_IN_NAME), "Address": _parts(*_IN_ADDRESS)},
    "text": {
        **dict.fromkeys(("string", "markdown"), _as_written),
        "HumanName": _parts(*_IN_NAME, _as_written),
        "Address": _parts(*_IN_ADDRESS, _as_written),
    },
    "reference": {"Reference": _reference, "canonical": _canonical_reference, "uri": _canonical_reference, "Resource": _resource},
    "date": {"date": _date, "dateTime": _date, "instant": _date, "Period": _period, "Timing": _timing},
    "number": {**dict.fromkeys(("integer", "decimal", "positiveInt", "unsignedInt"), _number), "Range": _range},
    "quantity": {**dict.fromkeys(_QUANTITIES, _quantity), "Money": _money, "Range": _range},
    "uri": dict.fromkeys(("uri", "url", "canonical", "oid", "uuid"), _uri),
    "special": {"Location.position": _position},
}
"""Kind of parameter -> datatype at the end of its path -> how it gives values; `text` gives strings as written."""
