"""Search read naively from the specification, over a handful of resources in memory. It shares no code with what it checks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

Resource = dict[str, Any]
STATUS = "http://hl7.org/fhir/observation-status"
GENDER = "http://hl7.org/fhir/administrative-gender"
VALUE_SETS = {
    "http://hl7.org/fhir/ValueSet/observation-status": {(STATUS, code) for code in ("registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown")},
    "http://hl7.org/fhir/ValueSet/administrative-gender": {(GENDER, code) for code in ("male", "female", "other", "unknown")},
}  # fmt: skip
MIN, MAX = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


# --- what a resource has -------------------------------------------------------------
def concept(value: Any) -> list[tuple[str, str, str]]:
    """(system, code, text) of each coding, and the text of the whole."""
    if not value:
        return []
    codings = [(c.get("system", ""), c["code"], c.get("display", "")) for c in value.get("coding", [])]
    return [*codings, *([("", "", value["text"])] if "text" in value else [])]


def observed(r: Resource) -> list[Resource]:
    return [r, *r.get("component", [])]


def when(value: Any) -> list[tuple[datetime, datetime]]:
    if value is None:
        return []
    if isinstance(value, dict):
        return [(span(value["start"])[0] if "start" in value else MIN, span(value["end"])[1] if "end" in value else MAX)]
    return [span(value)]


def some(value: Any) -> list[Any]:
    return [] if value is None else [value]


def pairs(parts: Iterable[Resource], key: str) -> list[tuple[Any, Any]]:
    return [(first, part[key]) for part in parts if key in part for first in concept(part["code"]) if first[1]]


PARAMETERS: dict[tuple[str, str], tuple[str, Callable[[Resource], list[Any]]]] = {
    ("Observation", "code"): ("token", lambda r: concept(r["code"])),
    ("Observation", "combo-code"): ("token", lambda r: [c for o in observed(r) for c in concept(o["code"])]),
    ("Observation", "component-code"): ("token", lambda r: [c for o in r.get("component", []) for c in concept(o["code"])]),
    ("Observation", "status"): ("token", lambda r: [(STATUS, r["status"], "")]),
    ("Observation", "value-concept"): ("token", lambda r: concept(r.get("valueCodeableConcept"))),
    ("Observation", "date"): ("date", lambda r: when(r.get("effectivePeriod", r.get("effectiveDateTime")))),
    ("Observation", "value-quantity"): ("quantity", lambda r: some(r.get("valueQuantity"))),
    ("Observation", "combo-value-quantity"): ("quantity", lambda r: [o["valueQuantity"] for o in observed(r) if "valueQuantity" in o]),
    ("Observation", "value-string"): ("string", lambda r: [*some(r.get("valueString")), *some(r.get("valueCodeableConcept", {}).get("text"))]),
    ("Observation", "subject"): ("reference", lambda r: some(r.get("subject"))),
    ("Observation", "patient"): ("reference", lambda r: [s for s in some(r.get("subject")) if _leads_to(s, "Patient")]),
    ("Observation", "code-value-quantity"): ("token$quantity", lambda r: pairs([r], "valueQuantity")),
    ("Observation", "combo-code-value-quantity"): ("token$quantity", lambda r: pairs(observed(r), "valueQuantity")),
    ("Observation", "component-code-value-quantity"): ("token$quantity", lambda r: pairs(r.get("component", []), "valueQuantity")),
    ("Observation", "code-value-string"): ("token$string", lambda r: pairs([r], "valueString")),
    ("Observation", "code-value-concept"): ("token$token", lambda r: [(a, c) for a, b in pairs([r], "valueCodeableConcept") for c in concept(b) if c[1]]),
    ("Patient", "family"): ("string", lambda r: [n["family"] for n in r.get("name", []) if "family" in n]),
    ("Patient", "name"): ("string", lambda r: [t for n in r.get("name", []) for t in (n.get("family"), *n.get("given", [])) if t]),
    ("Patient", "birthdate"): ("date", lambda r: when(r.get("birthDate"))),
    ("Patient", "gender"): ("token", lambda r: [(GENDER, r["gender"], "")] if "gender" in r else []),
    ("Patient", "identifier"): ("identifier", lambda r: r.get("identifier", [])),
    ("Patient", "organization"): ("reference", lambda r: some(r.get("managingOrganization"))),
    ("Organization", "name"): ("string", lambda r: some(r.get("name"))),
    ("Organization", "partof"): ("reference", lambda r: some(r.get("partOf"))),
}  # fmt: skip
TARGETS = {
    ("Observation", "subject"): ("Group", "Device", "Patient", "Location"),
    ("Observation", "patient"): ("Patient",),
    ("Patient", "organization"): ("Organization",),
    ("Organization", "partof"): ("Organization",),
}


def _leads_to(reference: Resource, kind: str) -> bool:
    literal = reference.get("reference", "").partition("/_history")[0]
    return bool(literal.rpartition("/")[0].endswith(kind)) if literal else reference.get("type") == kind


# --- comparisons ------------------------------------------------------------------
def plain(text: str) -> str:
    folded = text.lower().replace("œ", "oe")
    for accented, letter in zip("éèêëâïç", "eeeeaic", strict=True):
        folded = folded.replace(accented, letter)
    words = " ".join(re.sub(r"[^a-z0-9]", " ", folded).split())
    return words or " ".join(folded.split())


def normal(text: str) -> str:
    return text.replace(" ", "").upper()


def token(system: str, code: str, text: str) -> bool:
    asked_system, bar, asked = text.rpartition("|")
    if not code:
        return False
    return (asked_system == system and asked in ("", code)) if bar else asked == code


def span(text: str) -> tuple[datetime, datetime]:
    if "T" not in text:
        year, month, day = [*map(int, text.split("-")), 0, 0][:3]
        start = datetime(year, month or 1, day or 1, tzinfo=UTC)
        if day:
            return start, start + timedelta(days=1)
        return start, datetime(year + 1, 1, 1, tzinfo=UTC) if not month or month == 12 else datetime(year, month + 1, 1, tzinfo=UTC)
    start = datetime.fromisoformat(text)
    return start, start + timedelta(milliseconds=1 if "." in text else 1000)


def split_prefix(text: str) -> tuple[str, str]:
    return (text[:2], text[2:]) if text[:2].isalpha() else ("eq", text)


def dated(value: tuple[datetime, datetime], text: str, now: datetime) -> bool:
    prefix, rest = split_prefix(text)
    (lo, hi), (plo, phi) = value, span(rest)
    slack = abs(now - plo) / 10
    inside = plo <= lo and hi <= phi
    return {
        "eq": inside,
        "ne": not inside,
        "gt": hi > phi,
        "lt": lo < plo,
        "ge": hi > phi or inside,
        "le": lo < plo or inside,
        "sa": lo >= phi,
        "eb": hi <= plo,
        "ap": lo < phi + slack and hi > plo - slack,
    }[prefix]


def quantified(value: Resource, text: str) -> bool:
    number, *unit = text.split("|")
    if unit and (unit[1] != value["code"] or unit[0] not in ("", value.get("system", ""))):
        return False
    prefix, rest = split_prefix(number)
    asked = Decimal(rest)
    digits = len(rest.partition("e")[0].partition(".")[2]) - int(rest.partition("e")[2] or 0)
    half = Decimal(5).scaleb(-digits - 1)
    v, near = value["value"], abs(asked) / 10
    equal = asked - half <= v < asked + half
    return {
        "eq": equal,
        "ne": not equal,
        "gt": v > asked,
        "sa": v > asked,
        "lt": v < asked,
        "eb": v < asked,
        "ge": v >= asked,
        "le": v <= asked,
        "ap": asked - half - near <= v < asked + half + near,
    }[prefix]


def written(value: str, modifier: str, text: str) -> bool:
    if modifier == "exact":
        return value == text
    return plain(text) in plain(value) if modifier == "contains" else plain(value).startswith(plain(text))


def identified(value: Resource, modifier: str, text: str) -> bool:
    if modifier == "of-type":
        system, code, number = text.split("|")
        types = [(c.get("system", ""), c["code"]) for c in value.get("type", {}).get("coding", [])]
        return (system, code) in types and normal(number) == normal(value["value"])
    system, bar, number = text.rpartition("|")
    return (not bar or system == value.get("system", "")) and normal(number) in ("", normal(value["value"]))


def referred(value: Resource, targets: tuple[str, ...], modifier: str, text: str) -> bool:
    if modifier == "identifier":
        return "identifier" in value and identified(value["identifier"], "", text)
    literal = value.get("reference", "").partition("/_history")[0]
    if "/" in text:
        return literal == text and modifier in ("", text.split("/")[-2])
    return literal in [f"{kind}/{text}" for kind in ((modifier,) if modifier else targets)]


# --- the search ----------------------------------------------------------------------
class Naive:
    """A few resources, and what a query finds among them."""

    def __init__(self, resources: Iterable[Resource], now: datetime) -> None:
        self.by_kind: dict[str, dict[str, Resource]] = {}
        for r in resources:
            self.by_kind.setdefault(r["resourceType"], {})[r["id"]] = r
        self.now = now

    def find(self, kind: str, query: Iterable[tuple[str, str]]) -> list[str]:
        asked = list(query)
        return [id for id, r in sorted(self.by_kind.get(kind, {}).items()) if all(self.matches(r, name, value) for name, value in asked)]

    def matches(self, r: Resource, name: str, value: str) -> bool:
        kind = r["resourceType"]
        if name.startswith("_has:"):
            _, source, code, rest = name.split(":", 3)
            found = [self.by_kind[source][id] for id in self.find(source, [(rest, value)])]
            return any(
                v.get("reference", "").partition("/_history")[0] == f"{kind}/{r['id']}"
                for other in found
                for v in PARAMETERS[source, code][1](other)
            )
        head, dot, rest = name.partition(".")
        code, _, modifier = head.partition(":")
        if dot:
            references = [v.get("reference", "").partition("/_history")[0].partition("/") for v in PARAMETERS[kind, code][1](r)]
            kinds = [modifier] if modifier else [t for t in TARGETS[kind, code] if (t, rest.partition(".")[0]) in PARAMETERS]
            return any(type_ in kinds and id in self.find(type_, [(rest, value)]) for type_, _, id in references)
        values = _meta(r, code) if code.startswith("_") else PARAMETERS[kind, code][1](r)
        if modifier == "missing":
            there = [v for v in values if not (isinstance(v, tuple) and len(v) == 3 and v[1] == "" and isinstance(v[1], str))]
            return (not there) == (value == "true")
        options = [part.replace("\0", ",") for part in value.replace("\\,", "\0").split(",")]
        found_one = any(self._one(kind, code, modifier, v, option) for v in values for option in options)
        return not found_one if modifier in ("not", "not-in") else found_one

    def _one(self, kind: str, code: str, modifier: str, value: Any, text: str) -> bool:
        if code in ("_profile", "_source", "_id"):
            return (
                value == text
                or (modifier == "below" and value.startswith(text.rstrip("/") + "/"))
                or (modifier == "above" and _above(value, text))
            )
        of = "token" if code == "_tag" else PARAMETERS[kind, code][0]
        if "$" in of:
            return self._pair(of.split("$")[1], value, *text.split("$"))
        if of == "token":
            if modifier == "text":
                return bool(value[2]) and plain(value[2]).startswith(plain(text))
            return value[:2] in VALUE_SETS[text] if modifier in ("in", "not-in") else token(value[0], value[1], text)
        if of == "date":
            return dated(value, text, self.now)
        if of == "quantity":
            return quantified(value, text)
        if of == "string":
            return written(value, modifier, text)
        if of == "identifier":
            return identified(value, modifier, text)
        if modifier in ("below", "above"):
            return self._along("Organization", value, modifier, text)
        return referred(value, TARGETS[kind, code], modifier, text)

    def _pair(self, second: str, value: tuple[Any, Any], head: str, tail: str) -> bool:
        if not token(value[0][0], value[0][1], head):
            return False
        if second == "token":
            return token(value[1][0], value[1][1], tail)
        return quantified(value[1], tail) if second == "quantity" else written(value[1], "", tail)

    def _along(self, kind: str, value: Resource, modifier: str, text: str) -> bool:
        """Whether the target is the one asked for, or below (above) it along `partOf`."""
        wanted, target = f"{kind}/{text.rpartition('/')[2]}", value.get("reference", "")
        start, goal = (target, wanted) if modifier == "below" else (wanted, target)
        for _ in range(10):
            if start == goal:
                return True
            start = self.by_kind[kind].get(start.rpartition("/")[2], {}).get("partOf", {}).get("reference", "")
        return False

    # --- order -------------------------------------------------------------------
    def ordered(self, kind: str, ids: Iterable[str], keys: Iterable[str]) -> list[str]:
        made = sorted(ids)
        for key in reversed(list(keys)):
            down = key.startswith("-")
            values = {id: self._key(self.by_kind[kind][id], key.removeprefix("-"), down=down) for id in made}
            there = sorted(filter(lambda id: values[id] is not None, made), key=values.__getitem__, reverse=down)
            made = [*there, *(id for id in made if values[id] is None)]
        return made

    def keys(self, kind: str, keys: Iterable[str]) -> dict[str, list[Any]]:
        """What each resource is ordered by."""
        asked = list(keys)
        return {
            id: [self._key(r, key.removeprefix("-"), down=key.startswith("-")) for key in asked]
            for id, r in self.by_kind.get(kind, {}).items()
        }

    def _key(self, r: Resource, code: str, *, down: bool) -> Any:
        if code == "_id":
            return r["id"]
        of, values = PARAMETERS[r["resourceType"], code]
        found: list[Any] = values(r)
        keys = {
            "token": [v[1] for v in found if of == "token" and v[1]],
            "date": [v[1 if down else 0] for v in found if of == "date"],
            "string": [plain(v) for v in found if of == "string"],
            "quantity": [v["value"] for v in found if of == "quantity"],
        }[of]
        return (max(keys) if down else min(keys)) if keys else None


def _meta(r: Resource, code: str) -> list[Any]:
    meta = r.get("meta", {})
    if code == "_id":
        return [r["id"]]
    if code == "_tag":
        return [(tag.get("system", ""), tag["code"], "") for tag in meta.get("tag", [])]
    return some(meta.get("source")) if code == "_source" else list(meta.get("profile", []))


def _above(value: str, text: str) -> bool:
    return text.startswith(value.rstrip("/") + "/")
