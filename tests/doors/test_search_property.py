"""Search against a naive reading of the specification, over generated resources: the same answer, always."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maillage.access import visible_to
from maillage.kernel.actor import Actor
from maillage.record import photograph
from maillage.record.search import search
from maillage.store import Database

ACTOR = Actor(kind="client", id="t", organizations=("org-a",))
FAMILIES = ["Lefèvre", "LEFEVRE", "lefevre-Œuf", "Élan", "elan", "O'Brien, Jr", "É"]
SYSTEMS = ["urn:a", "urn:b", None]
CODES = ["x", "X", "y", "a b"]
DATES = [
    "2026",
    "2026-11",
    "2026-11-22",
    "2026-11-22T08:00:00Z",
    "2026-11-22T08:00:00.500Z",
    "2026-11-22T09:00:00+01:00",
    "2025-12-31",
    "2026-01-01",
    "2026-12",
]
NUMBERS = ["5", "5.0", "5.40", "5.4", "100", "1e2", "99.5", "100.4", "-1"]
UNITS = [("http://unitsofmeasure.org", "kg"), (None, "kg"), ("http://unitsofmeasure.org", "g")]
PREFIXES = ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"]

codings = st.builds(lambda s, c: {"code": c} | ({"system": s} if s else {}), st.sampled_from(SYSTEMS), st.sampled_from(CODES))
periods = st.builds(
    lambda a, b: {key: value for key, value in (("start", a), ("end", b)) if value},
    st.sampled_from([None, *DATES]),
    st.sampled_from([None, *DATES]),
).filter(
    lambda period: bool(period) and ("start" not in period or "end" not in period or span(period["start"])[0] <= span(period["end"])[0])
)
amounts = st.builds(
    lambda n, u: {"value": Decimal(n), "unit": u[1], "code": u[1]} | ({"system": u[0]} if u[0] else {}),
    st.sampled_from(NUMBERS),
    st.sampled_from(UNITS),
)


def resource(id: str, parts: dict[str, Any]) -> dict[str, Any]:
    """An Observation: one type with a token, a reference, dates, a quantity; its device name plays the string."""
    made: dict[str, Any] = {"resourceType": "Observation", "id": id, "status": parts["status"], "code": {"coding": parts["codes"]}}
    if parts["when"] is not None:
        made["effectivePeriod" if isinstance(parts["when"], dict) else "effectiveDateTime"] = parts["when"]
    if parts["value"] is not None:
        made["valueString" if isinstance(parts["value"], str) else "valueQuantity"] = parts["value"]
    if parts["subject"]:
        made["subject"] = parts["subject"]
    return made


observations = st.fixed_dictionaries({
    "status": st.sampled_from(["final", "amended"]),
    "codes": st.lists(codings, min_size=1, max_size=2),
    "when": st.one_of(st.none(), st.sampled_from(DATES), periods),
    "value": st.one_of(st.none(), amounts, st.sampled_from(FAMILIES)),
    "subject": st.sampled_from([None, {"reference": "Patient/p1"}, {"reference": "Patient/p2/_history/3"}, {"reference": "Group/p1"},
                                {"reference": "http://else/Patient/p1"}, {"identifier": {"system": "urn:a", "value": "N 1"}}]),
})  # fmt: skip
queries = st.one_of(
    st.tuples(st.sampled_from(["code", "code:not", "combo-code"]), st.builds(lambda s, c: (f"{s}|" if s is not None else "") + c, st.sampled_from(["urn:a", "", None]), st.sampled_from(CODES))),
    st.tuples(st.just("code"), st.sampled_from(["urn:a|", "urn:b|", "x,urn:b|y"])),
    st.tuples(st.sampled_from(["status", "status:not"]), st.sampled_from(["final", "final,amended", "http://hl7.org/fhir/observation-status|amended"])),
    st.tuples(st.just("date"), st.builds(str.__add__, st.sampled_from(PREFIXES), st.sampled_from(DATES))),
    st.tuples(st.just("value-quantity"), st.builds(lambda p, n, u: p + n + u, st.sampled_from(PREFIXES), st.sampled_from(NUMBERS), st.sampled_from(["", "||kg", "|http://unitsofmeasure.org|kg"]))),
    st.tuples(st.sampled_from(["value-string", "value-string:exact", "value-string:contains"]), st.sampled_from([f.replace(",", "\\,") for f in FAMILIES] + ["lef", "ELA", "fev", "brien"])),
    st.tuples(st.sampled_from(["subject", "patient", "subject:Patient", "subject:Group"]), st.sampled_from(["Patient/p1", "p1", "p2", "Group/p1", "http://else/Patient/p1", "p1,p2"])),
    st.tuples(st.just("subject:identifier"), st.sampled_from(["urn:a|N1", "n 1", "urn:b|N1", "urn:a|"])),
    st.tuples(st.sampled_from([f"{p}:missing" for p in ("date", "value-quantity", "value-string", "subject", "status", "code")]), st.sampled_from(["true", "false"])),
)  # fmt: skip


# --- the naive reading -------------------------------------------------------------
def matches(made: dict[str, Any], name: str, value: str) -> bool:
    code, _, modifier = name.partition(":")
    if modifier == "missing":
        return (not naive_values(made, code)) == (value == "true")
    options = [part.replace("\0", ",") for part in value.replace("\\,", "\0").split(",")]
    found = any(one(made, code, modifier, option) for option in options)
    return not found if modifier == "not" else found


def naive_values(made: dict[str, Any], code: str) -> list[Any]:
    key = {"code": "code", "combo-code": "code", "status": "status", "value-quantity": "valueQuantity", "value-string": "valueString"}.get(
        code
    )
    if code == "date":
        return [made[k] for k in ("effectivePeriod", "effectiveDateTime") if k in made]
    if code in ("subject", "patient"):
        return [made["subject"]] if "subject" in made else []
    return [made[key]] if key in made else []


def one(made: dict[str, Any], code: str, modifier: str, text: str) -> bool:
    found = naive_values(made, code)
    if code in ("code", "combo-code"):
        return any(token(c.get("system", ""), c["code"], text) for c in found[0]["coding"])
    if code == "status":
        return token("http://hl7.org/fhir/observation-status", made["status"], text)
    if code == "date":
        return any(dated(value, text) for value in found)
    if code == "value-quantity":
        return any(quantified(value, text) for value in found)
    if code == "value-string":
        return any(written(value, modifier, text) for value in found)
    return any(referred(value, code, modifier, text) for value in found)


def token(system: str, code: str, text: str) -> bool:
    asked_system, bar, asked = text.rpartition("|")
    if not bar:
        return asked == code
    return asked_system == system and asked in ("", code)


def fold(text: str) -> str:
    plain = text.lower().replace("œ", "oe")
    for accented, letter in zip("éèêë", "eeee", strict=True):
        plain = plain.replace(accented, letter)
    return plain


def written(value: str, modifier: str, text: str) -> bool:
    if modifier == "exact":
        return value == text
    return fold(text) in fold(value) if modifier == "contains" else fold(value).startswith(fold(text))


def referred(value: dict[str, Any], code: str, modifier: str, text: str) -> bool:
    if modifier == "identifier":
        identifier = value.get("identifier")
        plain = text.rpartition("|")[2].replace(" ", "").upper()
        return (
            identifier is not None
            and text.rpartition("|")[0] in ("", identifier["system"])
            and plain in ("", identifier["value"].replace(" ", ""))
        )
    literal = value.get("reference", "").partition("/_history")[0]
    if code == "patient" and not literal.rpartition("/")[0].endswith("Patient"):
        return False
    if "/" in text:
        return literal == text and modifier in ("", text.split("/")[-2])
    return literal in [
        f"{kind}/{text}" for kind in ((modifier,) if modifier else ("Patient",) if code == "patient" else ("Patient", "Group"))
    ]


def span(text: str) -> tuple[datetime, datetime]:
    if "T" not in text:
        year, month, day = [*map(int, text.split("-")), 0, 0][:3]
        start = datetime(year, month or 1, day or 1, tzinfo=UTC)
        if day:
            return start, start + timedelta(days=1)
        return start, datetime(year + 1, 1, 1, tzinfo=UTC) if not month or month == 12 else datetime(year, month + 1, 1, tzinfo=UTC)
    start = datetime.fromisoformat(text)
    return start, start + timedelta(milliseconds=1 if "." in text else 1000)


def dated(value: Any, text: str) -> bool:
    prefix, rest = (text[:2], text[2:]) if text[:2].isalpha() else ("eq", text)
    plo, phi = span(rest)
    if isinstance(value, dict):
        lo = span(value["start"])[0] if "start" in value else datetime.min.replace(tzinfo=UTC)
        hi = span(value["end"])[1] if "end" in value else datetime.max.replace(tzinfo=UTC)
    else:
        lo, hi = span(value)
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
    }[prefix]


def quantified(value: dict[str, Any], text: str) -> bool:
    number, *unit = text.split("|")
    if unit and (unit[1] != value["code"] or unit[0] not in ("", value.get("system", ""))):
        return False
    prefix, rest = (number[:2], number[2:]) if number[:2].isalpha() else ("eq", number)
    asked = Decimal(rest)
    digits = len(rest.partition("e")[0].partition(".")[2]) - int(rest.partition("e")[2] or 0)
    half = Decimal(5).scaleb(-digits - 1)
    equal = asked - half <= value["value"] < asked + half
    v = value["value"]
    return {
        "eq": equal,
        "ne": not equal,
        "gt": v > asked,
        "sa": v > asked,
        "lt": v < asked,
        "eb": v < asked,
        "ge": v >= asked,
        "le": v <= asked,
    }[prefix]


@pytest.mark.asyncio
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(observations, min_size=3, max_size=6), asked=st.lists(queries, min_size=6, max_size=12))
async def test_search_finds_what_the_specification_says(db: Database, parts: list[dict[str, Any]], asked: list[tuple[str, str]]) -> None:
    made = [resource(f"o{n}", part) for n, part in enumerate(parts)]
    try:
        async with db.transaction(ACTOR) as tx:
            for item in made:
                await photograph(tx, item, owner="org-a")
            for query in [[one] for one in asked] + [list(pair) for pair in itertools.pairwise(asked)]:
                page = await search(tx, "Observation", [*query, ("_count", "200")], lambda kind: visible_to(tx.actor, kind), key=b"k" * 32)
                wanted = [item["id"] for item in made if all(matches(item, name, value) for name, value in query)]
                assert sorted(match.id for match in page.matches) == wanted, (query, made)
            raise _UndoneError
    except _UndoneError:
        pass


class _UndoneError(Exception):
    """Leave nothing for the next example."""
