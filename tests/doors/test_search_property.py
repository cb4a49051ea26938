"""Search against a naive reading of the specification, over generated resources: the same answer, always."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.support.naive_search import GENDER, STATUS, Naive, span

from maillage.access import visible_to
from maillage.kernel.actor import Actor
from maillage.record import photograph
from maillage.record.search import Page, search
from maillage.store import Database, Transaction

ACTOR = Actor(kind="client", id="t", organizations=("org-a",), roles=frozenset({"logiciel"}))
FAMILIES = ["Lefèvre", "LEFEVRE", "lefevre-Œuf", "Lefebvre Noël", "Élan", "elan", "O'Brien, Jr", "É", "-"]
STARTS = [*(f.replace(",", "\\,") for f in FAMILIES), "lef", "ELA", "Lefebvre-Noel", "fev", "brien", "o brien"]
SYSTEMS = ["urn:a", "urn:b", None]
CODES = ["x", "X", "y", "a b"]
DATES = ["2026", "2026-11", "2026-11-22", "2026-11-22T08:00:00Z", "2026-11-22T08:00:00.500Z", "2026-11-22T09:00:00+01:00", "2025-12-31", "2026-01-01", "2026-12"]  # fmt: skip
NUMBERS = ["5", "5.0", "5.40", "5.4", "100", "1e2", "99.5", "100.4", "-1"]
UCUM = "http://unitsofmeasure.org"
UNITS = [(UCUM, "kg"), (None, "kg"), (UCUM, "g")]
PREFIXES = ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]
PROFILES = ["http://p/a", "http://p/a/b", "http://p/ab"]
IDENTIFIER_TYPE = "urn:t"

# --- resources -------------------------------------------------------------------
pick = st.sampled_from
codings = st.builds(
    lambda s, c, d: {"code": c} | ({"system": s} if s else {}) | ({"display": d} if d else {}),
    pick(SYSTEMS),
    pick(CODES),
    pick(["", "Élan vital"]),
)
concepts = st.builds(
    lambda c, t: {"coding": c} | ({"text": t} if t else {}), st.lists(codings, min_size=1, max_size=2), pick(["", "elan", "Fièvre"])
)
periods = st.builds(
    lambda a, b: {key: value for key, value in (("start", a), ("end", b)) if value}, pick([None, *DATES]), pick([None, *DATES])
).filter(
    lambda period: bool(period) and ("start" not in period or "end" not in period or span(period["start"])[0] <= span(period["end"])[0])
)
amounts = st.builds(
    lambda n, u: {"value": Decimal(n), "unit": u[1], "code": u[1]} | ({"system": u[0]} if u[0] else {}), pick(NUMBERS), pick(UNITS)
)
values = st.one_of(
    st.none(),
    amounts.map(lambda v: ("valueQuantity", v)),
    pick(FAMILIES).map(lambda v: ("valueString", v)),
    concepts.map(lambda v: ("valueCodeableConcept", v)),
)
components = st.builds(lambda c, v: {"code": c} | ({v[0]: v[1]} if v else {}), concepts, values)
identifiers = st.builds(
    lambda s, v, t: {"value": v} | ({"system": s} if s else {}) | ({"type": {"coding": [{"system": IDENTIFIER_TYPE, "code": t}]}} if t else {}),
    pick(SYSTEMS), pick(["N 1", "n1", "N2"]), pick(["", "MR", "PI"]),
)  # fmt: skip
subjects = [None, {"reference": "Patient/p0"}, {"reference": "Patient/p1/_history/3"}, {"reference": "Group/p1"},
            {"reference": "http://else/Patient/p1"}, {"identifier": {"system": "urn:a", "value": "N 1"}}]  # fmt: skip


def observation(parts: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"resourceType": "Observation", "status": parts["status"], "code": parts["code"]}
    if parts["when"] is not None:
        made["effectivePeriod" if isinstance(parts["when"], dict) else "effectiveDateTime"] = parts["when"]
    if parts["value"]:
        made[parts["value"][0]] = parts["value"][1]
    meta = {key: parts[key] for key in ("profile", "tag", "source") if parts[key]}
    return made | {key: value for key, value in (("subject", parts["subject"]), ("component", parts["component"]), ("meta", meta)) if value}


observations = st.fixed_dictionaries({
    "status": pick(["final", "amended"]), "code": concepts, "when": st.one_of(st.none(), pick(DATES), periods), "value": values,
    "subject": pick(subjects), "component": st.lists(components, max_size=2), "profile": st.lists(pick(PROFILES), max_size=1),
    "tag": st.lists(codings.map(lambda c: {k: v for k, v in c.items() if k != "display"}), max_size=2), "source": pick(["", *PROFILES]),
}).map(observation)  # fmt: skip
patients = st.builds(
    lambda names, born, gender, ids, org: {"resourceType": "Patient", "name": names, "identifier": ids}
    | {k: v for k, v in (("birthDate", born), ("gender", gender), ("managingOrganization", {"reference": f"Organization/o{org}"} if org else None)) if v},
    st.lists(st.builds(lambda f, g: {"family": f, "given": [g]}, pick(FAMILIES), pick(FAMILIES)), min_size=1, max_size=2),
    pick([None, *DATES[:3]]), pick([None, "male", "female"]), st.lists(identifiers, min_size=1, max_size=2), pick([None, 0, 1, 2]),
)  # fmt: skip
organizations = st.builds(lambda name: {"resourceType": "Organization", "name": name}, pick(FAMILIES))


def world(kept: tuple[list[Any], list[Any], list[Any]]) -> list[dict[str, Any]]:
    """Numbered; each organisation is a part of the one before."""
    found, people, houses = kept
    made = [{**r, "id": f"{'opx'[n]}{place}"} for n, group in enumerate((houses, people, found)) for place, r in enumerate(group)]
    return [
        r | ({"partOf": {"reference": f"Organization/o{int(r['id'][1:]) - 1}"}} if r["id"][0] == "o" and r["id"] != "o0" else {})
        for r in made
    ]


worlds = st.tuples(
    st.lists(observations, min_size=3, max_size=6),
    st.lists(patients, min_size=2, max_size=3),
    st.lists(organizations, min_size=2, max_size=3),
).map(world)

# --- questions ------------------------------------------------------------------------
coded = st.builds(lambda s, c: (f"{s}|" if s is not None else "") + c, pick(["urn:a", "", None]), pick(CODES))
counted = st.builds(lambda p, n, u: p + n + u, pick(PREFIXES), pick(NUMBERS), pick(["", "||kg", f"|{UCUM}|kg"]))
moments = st.builds(str.__add__, pick(PREFIXES), pick(DATES))
on_observation = st.one_of(
    st.tuples(pick(["code", "code:not", "combo-code", "component-code", "value-concept", "_tag", "_tag:not"]), coded),
    st.tuples(pick(["code", "combo-code:not"]), pick(["urn:a|", "urn:b|", "x,urn:b|y"])),
    st.tuples(pick(["code:text", "combo-code:text"]), pick(["ela", "FIEVRE", "vital"])),
    st.tuples(pick(["status", "status:not"]), pick(["final", "final,amended", f"{STATUS}|amended"])),
    st.tuples(pick(["status:in", "status:not-in", "code:in"]), pick([f"http://hl7.org/fhir/ValueSet/{v}" for v in ("observation-status", "administrative-gender")])),
    st.tuples(st.just("date"), moments),
    st.tuples(pick(["value-quantity", "combo-value-quantity"]), counted),
    st.tuples(pick(["value-string", "value-string:exact", "value-string:contains"]), pick(STARTS)),
    st.tuples(pick(["subject", "patient", "subject:Patient", "subject:Group"]), pick(["Patient/p1", "p1", "p0", "Group/p1", "http://else/Patient/p1", "p1,p0"])),
    st.tuples(st.just("subject:identifier"), pick(["urn:a|N1", "n 1", "urn:b|N1", "urn:a|"])),
    st.tuples(pick([f"{p}:missing" for p in ("date", "value-quantity", "value-string", "subject", "status", "code", "_tag", "_source", "code-value-quantity")]), pick(["true", "false"])),
    st.tuples(pick(["code-value-quantity", "combo-code-value-quantity", "component-code-value-quantity"]), st.builds("{}${}".format, coded, counted)),
    st.tuples(st.just("code-value-string"), st.builds("{}${}".format, coded, pick(STARTS[-5:]))),
    st.tuples(st.just("code-value-concept"), st.builds("{}${}".format, coded, coded)),
    st.tuples(pick(["_profile", "_profile:below", "_profile:above", "_source:below", "_source:above"]), pick([*PROFILES, "http://p", "http://p/a/b/c"])),
    st.tuples(pick(["patient.family", "subject:Patient.name", "patient.organization.name", "subject:Patient.organization.name"]), pick(STARTS)),
    st.tuples(pick(["patient.gender", "subject:Patient.gender:not"]), pick(["male", "female"])),
    st.tuples(pick(["patient.birthdate"]), moments),
    st.tuples(pick(["patient.identifier"]), pick(["urn:a|N1", "n 1", "N2"])),
    st.tuples(st.just("_id"), pick(["x0", "x1,x2", "none"])),
)  # fmt: skip
on_patient = st.one_of(
    st.tuples(pick(["family", "name", "family:exact", "name:contains"]), pick(STARTS)),
    st.tuples(pick(["identifier", "identifier:not"]), pick(["urn:a|N1", "n 1", "urn:b|n2", "|N1", "urn:a|", "N1,urn:b|N2"])),
    st.tuples(st.just("identifier:of-type"), pick([f"{IDENTIFIER_TYPE}|MR|n1", f"{IDENTIFIER_TYPE}|PI|N 2", "urn:x|MR|N1"])),
    st.tuples(st.just("birthdate"), moments),
    st.tuples(pick(["gender", "gender:not"]), pick(["male", f"{GENDER}|female", "male,female"])),
    st.tuples(pick(["_has:Observation:patient:code", "_has:Observation:subject:combo-code"]), coded),
    st.tuples(pick(["_has:Observation:patient:value-quantity"]), counted),
    st.tuples(pick(["organization.name", "organization:Organization.name:contains"]), pick(STARTS)),
    st.tuples(pick(["organization", "organization:below", "organization:above"]), pick(["Organization/o0", "o1", "o2"])),
    st.tuples(pick(["organization:missing", "gender:missing", "identifier:missing", "family:missing"]), pick(["true", "false"])),
)  # fmt: skip
on_organization = st.one_of(
    st.tuples(pick(["name", "name:exact"]), pick(STARTS)),
    st.tuples(pick(["partof", "partof:below", "partof:above", "partof:Organization"]), pick(["o0", "Organization/o1", "o2"])),
    st.tuples(pick(["_has:Patient:organization:_has:Observation:patient:status"]), pick(["final", "amended"])),
    st.tuples(pick(["_has:Patient:organization:family", "partof.name", "partof.partof.name"]), pick(STARTS)),
)
questions = st.one_of(
    st.tuples(st.just("Observation"), on_observation),
    st.tuples(st.just("Patient"), on_patient),
    st.tuples(st.just("Organization"), on_organization),
)
SORTS = {
    "Observation": [
        "code",
        "-code",
        "status",
        "date",
        "-date",
        "value-quantity",
        "-combo-value-quantity",
        "value-string",
        "-value-string",
        "-_id",
    ],
    "Patient": ["family", "-family", "name", "birthdate", "-birthdate", "gender", "_id"],
    "Organization": ["name", "-name"],
}
sorts = pick(sorted(SORTS)).flatmap(
    lambda kind: st.tuples(st.just(kind), st.lists(pick(SORTS[kind]), max_size=3, unique=True), st.integers(1, 3))
)


async def ask(tx: Transaction, kind: str, query: list[tuple[str, str]]) -> Page:
    return await search(tx, kind, query, lambda type_: visible_to(tx.actor, type_), key=b"k" * 32)


async def pages(tx: Transaction, kind: str, query: list[tuple[str, str]]) -> list[str]:
    """Every match, page after page."""
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await ask(tx, kind, [*query, *([("_cursor", cursor)] if cursor else [])])
        found += [match.id for match in page.matches]
        cursor = page.next_cursor
        assert len(found) < 50
    return found


async def _check(tx: Transaction, made: list[dict[str, Any]], asked: list[Any], orders: list[Any]) -> None:
    naive = Naive(made, tx.now)
    for kind in ("Observation", "Patient", "Organization"):
        queries = [query for type_, query in asked if type_ == kind]
        for query in [[one] for one in queries] + [list(pair) for pair in itertools.pairwise(queries)]:
            page = await ask(tx, kind, [*query, ("_count", "200")])
            wanted = naive.find(kind, query)
            assert sorted(match.id for match in page.matches) == wanted, (kind, query, made)
            assert sorted(await pages(tx, kind, [*query, ("_count", "1")])) == wanted, (kind, query, made)
            counted = await ask(tx, kind, [*query, ("_summary", "count")])
            assert counted.total == len(wanted)
    for kind, keys, count in orders:
        asked_order = [("_sort", ",".join(keys)), ("_count", str(count))]
        assert await pages(tx, kind, asked_order) == naive.ordered(kind, naive.find(kind, []), keys), (kind, keys, naive.keys(kind, keys))


@pytest.mark.asyncio  # no shrinking: each try writes a world, and the message names the question
@settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(made=worlds, asked=st.lists(questions, min_size=10, max_size=20), orders=st.lists(sorts, min_size=1, max_size=3))
async def test_search_finds_what_the_specification_says(
    db: Database, made: list[dict[str, Any]], asked: list[Any], orders: list[Any]
) -> None:
    try:
        async with db.transaction(ACTOR) as tx:
            for item in made:
                await photograph(tx, item, owner="org-a")
            await _check(tx, made, asked, orders)
            raise _UndoneError
    except _UndoneError:
        pass


class _UndoneError(Exception):
    """Leave nothing for the next example."""
