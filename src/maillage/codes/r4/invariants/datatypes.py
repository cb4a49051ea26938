"""Invariants of the datatypes."""

from __future__ import annotations

from typing import Final

from maillage.codes.r4.dates import after
from maillage.codes.r4.invariants.reading import UCUM, Resource, Test, has, has_choice, number, part, text


def _ordered(value: Resource) -> bool:
    """Range: low is not above high, when both are in one unit."""
    low, high = part(value, "low"), part(value, "high")
    first, last = number(low, "value"), number(high, "value")
    return first is None or last is None or text(low, "code") != text(high, "code") or first <= last


def _measured(value: Resource, system: str = UCUM) -> bool:
    """A value needs a code; the system, if given, is that one."""
    return ("code" in value or not has(value, "value")) and text(value, "system") in ("", system)


def _not_negative(name: str) -> Test:
    return lambda v: (n := number(v, name)) is None or n >= 0


def _offset(value: Resource) -> bool:
    when = value.get("when")
    return not has(value, "offset") or (type(when) is list and not any(w in ("C", "CM", "CD", "CV") for w in when if type(w) is str))


def _trigger(value: Resource) -> bool:
    kind = text(value, "type")
    if kind == "named-event":
        return has(value, "name")
    if kind == "periodic":
        return has_choice(value, "timing")
    return not kind.startswith("data-") or has(value, "data")


def _count(value: Resource) -> bool:
    amount = number(value, "value")
    return _measured(value) and text(value, "code") in ("", "1") and (amount is None or amount == int(amount))


def _unit_has_system(value: Resource) -> bool:
    return not has(value, "code") or has(value, "system")


TESTS: Final[dict[tuple[str, str], Test]] = {
    ("Age", "age-1"): lambda v: _measured(v) and ((n := number(v, "value")) is None or n > 0),
    **{
        (name, "qty-3"): _unit_has_system
        for name in ("Age", "Count", "Distance", "Duration", "MoneyQuantity", "Quantity", "SimpleQuantity")
    },
    ("Attachment", "att-1"): lambda v: not has(v, "data") or has(v, "contentType"),
    ("ContactPoint", "cpt-2"): lambda v: not has(v, "value") or has(v, "system"),
    ("Count", "cnt-3"): _count,
    ("DataRequirement.codeFilter", "drq-1"): lambda v: has(v, "path") != has(v, "searchParam"),
    ("DataRequirement.dateFilter", "drq-2"): lambda v: has(v, "path") != has(v, "searchParam"),
    ("Distance", "dis-1"): _measured,
    ("Duration", "drt-1"): lambda v: not has(v, "code") or (text(v, "system") == UCUM and has(v, "value")),
    ("Expression", "exp-1"): lambda v: has(v, "expression", "reference"),
    ("Extension", "ext-1"): lambda v: ("extension" in v) != has_choice(v, "value"),
    ("MoneyQuantity", "mqty-1"): lambda v: _measured(v, "urn:iso:std:iso:4217"),
    ("Period", "per-1"): lambda v: not after(text(v, "start"), text(v, "end")),
    ("Range", "rng-2"): _ordered,
    ("Ratio", "rat-1"): lambda v: has(v, "numerator") == has(v, "denominator") and has(v, "numerator", "extension"),
    ("SimpleQuantity", "sqty-1"): lambda v: not has(v, "comparator"),
    ("Timing.repeat", "tim-1"): lambda v: not has(v, "duration") or has(v, "durationUnit"),
    ("Timing.repeat", "tim-2"): lambda v: not has(v, "period") or has(v, "periodUnit"),
    ("Timing.repeat", "tim-4"): _not_negative("duration"),
    ("Timing.repeat", "tim-5"): _not_negative("period"),
    ("Timing.repeat", "tim-6"): lambda v: not has(v, "periodMax") or has(v, "period"),
    ("Timing.repeat", "tim-7"): lambda v: not has(v, "durationMax") or has(v, "duration"),
    ("Timing.repeat", "tim-8"): lambda v: not has(v, "countMax") or has(v, "count"),
    ("Timing.repeat", "tim-9"): _offset,
    ("Timing.repeat", "tim-10"): lambda v: not (has(v, "timeOfDay") and has(v, "when")),
    ("TriggerDefinition", "trd-1"): lambda v: not (has(v, "data") and has_choice(v, "timing")),
    ("TriggerDefinition", "trd-2"): lambda v: not has(v, "condition") or has(v, "data"),
    ("TriggerDefinition", "trd-3"): _trigger,
}
