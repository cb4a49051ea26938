"""Bad input: a clear OperationOutcome, never a 5xx, never a half-written transaction."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.doors.fhir.conftest import Caller, caller

from maillage.doors.fhir import FhirDoor
from maillage.record import SERVED, index

pytestmark = pytest.mark.asyncio

INS = "urn:oid:1.2.250.1.213.1.4.8"


def reason(answer: Any) -> str:
    found: str = answer.json()["issue"][0]["details"]["coding"][0]["code"]
    return found


async def test_tokens(door: FhirDoor) -> None:
    async with caller(door, "unknown") as nobody:
        missing = await nobody.get("/fhir/Patient", headers={"authorization": ""})
        assert (missing.status_code, missing.headers["www-authenticate"]) == (401, 'Bearer realm="fhir"')
        unknown = await nobody.get("/fhir/Patient")
        assert (unknown.status_code, reason(unknown)) == (401, "token-unknown")
        assert unknown.headers["www-authenticate"] == 'Bearer realm="fhir", error="invalid_token"'
        assert (await nobody.get("/fhir/Nothing")).status_code == 401


async def test_paths_and_methods(ours: Caller) -> None:
    for path in ("Nothing", "Nothing/1", "Patient/1/2", "Patient/$nothing", "$nothing", "metadata/x", "Patient/1/_history/2/3"):
        answer = await ours.get(f"/fhir/{path}")
        assert (answer.status_code, answer.json()["resourceType"]) == (404, "OperationOutcome"), path
    for path in ("Patient/%2e%2e%2fx", "Patient/a b", "Patient/é", "Patient/" + "a" * 65, "Patient/1/_history/x"):
        assert (await ours.get(f"/fhir/{path}")).status_code in (404, 400), path
    wrong = await ours.post("/fhir/Patient/1", json={})
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD, PUT, PATCH, DELETE")
    assert (await ours.put("/fhir/Patient", json={})).status_code == 405
    assert (await ours.delete("/fhir")).status_code == 405


async def test_bodies(ours: Caller) -> None:
    broken = await ours.post("/fhir/Patient", content=b'{"resourceType": "Patient",\n "gender": }')
    assert (broken.status_code, reason(broken)) == (400, "not-json")
    assert "line 2" in broken.json()["issue"][0]["diagnostics"]
    for body in (b"", b"[]", b"1", b'"x"', b"null", b"\xff\xfe", b'{"resourceType":"Task"}', b'{"resourceType":"Nothing"}', b"{}",
                 b'{"resourceType":"Patient","a":' + b"[" * 500 + b"]" * 500 + b"}", b"[" * 100_000, b'{"resourceType":"Patient","id":1e999999999}',
                 b'{"resourceType":"Patient","gender":"x\\u0000"}', b'{"resourceType":["Patient"]}', b'{"resourceType":"Patient","gender":"\\ud800"}',
                 b'{"resourceType":"Patient","name":[{"family":"\\ud800"}]}', b'{"resourceType":"Patient","id":"x","id":3}'):  # fmt: skip
        answer = await ours.post("/fhir/Patient", content=body)
        assert (answer.status_code, answer.json()["resourceType"]) == (400, "OperationOutcome"), body[:60]
    large = await ours.post("/fhir/Patient", content=b" " * 2_000_001)
    assert (large.status_code, reason(large)) == (413, "body-too-large")
    for media in ("text/plain", "multipart/form-data", "application/json; charset=latin1", "application/fhir+json; fhirVersion=5.0"):
        assert (await ours.post("/fhir/Patient", content=b"{}", headers={"content-type": media})).status_code == 415, media
    as_xml = await ours.post("/fhir/Patient", content=b"{}", headers={"content-type": "application/fhir+xml"})
    assert (as_xml.status_code, reason(as_xml)) == (400, "not-xml")


async def test_a_key_given_twice_is_refused_by_its_name(ours: Caller) -> None:
    for body in (
        b'{"resourceType":"Patient","gender":"male","gender":"female"}',
        b'{"resourceType":"Patient" ,"gender" :"male", "gender":"female", "id":":"}',
        b'{"resourceType":"Patient","name":[{"family":"a","text":"\\":","family":"b"}]}',
        b'{"resourceType":"Patient","name":[{"family":"a","\\u0066amily":"b"}]}',
    ):
        answer = await ours.post("/fhir/Patient", content=body)
        assert (answer.status_code, reason(answer)) == (400, "key-twice"), body
        assert "gender" in answer.text or "family" in answer.text
    for text in (": x", '\\":', " :", "{"):
        await ours.make({"resourceType": "Patient", "name": [{"family": "x", "text": text}]})


async def test_unknown_operations_have_a_code_of_their_own(ours: Caller) -> None:
    for path in ("$nothing", "Patient/$nothing", "Patient/1/$nothing"):
        answer = await ours.post(f"/fhir/{path}", json={"resourceType": "Parameters"})
        assert (answer.status_code, reason(answer)) == (404, "operation-not-served"), path


async def test_large_and_deep_bodies(ours: Caller) -> None:
    xml = {"content-type": "application/fhir+xml"}
    div = '<div xmlns="http://www.w3.org/1999/xhtml">'
    entries = b'{"resourceType":"Bundle","type":"batch","entry":[' + b",".join([b"{}"] * 100_000) + b"]}"
    namespace = b'<Basic xmlns="http://hl7.org/fhir">'
    for body, headers, status, told in (
        (entries, {}, 413, "too-many-entries"),
        (b'{"resourceType":"Basic","extension":' + b"[" * 10_000 + b"]" * 10_000 + b"}", {}, 400, "too-deep"),
        (b'{"resourceType":"Basic","a":' * 10_000 + b"1" + b"}" * 10_000, {}, 400, "too-deep"),
        (namespace + b"<extension>" * 10_000, xml, 400, "too-deep"),
        (namespace + b"<a/>" * 400_000, xml, 400, "too-deep"),
        (namespace + b"<code>" + b'<extension url="u"/>' * 60_000 + b"</code></Basic>", xml, 422, "ext-1"),
        (b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><Basic>&b;</Basic>', xml, 400, "xml-refused"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><Basic/>', xml, 400, "xml-refused"),
        (
            b'{"resourceType":"Basic","text":{"status":"generated","div":"' + (div + "x" * 100_000_000).encode() + b'</div>"}}',
            {},
            413,
            "body-too-large",
        ),
        ((div + "x" * 100_000_000).encode(), xml, 413, "body-too-large"),
    ):
        answer = await ours.post("/fhir" if b"Bundle" in body[:30] else "/fhir/Basic", content=body, headers=headers)
        assert answer.status_code == status, (body[:80], answer.text[:300])
        assert reason(answer) == told, (body[:80], answer.text[:300])


async def test_a_stream_is_cut_at_the_cap(door: FhirDoor, ours: Caller) -> None:
    async def endless() -> Any:
        for _ in range(1_000_000):
            yield b" " * 65_536

    answer = await ours.post("/fhir/Patient", content=endless())
    assert answer.status_code == 413


async def test_faults_of_a_resource_are_told_with_their_path(ours: Caller) -> None:
    answer = await ours.post("/fhir/Patient", json={"resourceType": "Patient", "name": [{"family": 1}], "colour": "red"})
    assert answer.status_code == 400
    assert {issue["expression"][0] for issue in answer.json()["issue"]} == {"Patient.name[0].family", "Patient.colour"}
    unknown = await ours.post("/fhir/Patient", json={"resourceType": "Patient", "gender": "x"})
    assert (unknown.status_code, reason(unknown)) == (422, "code-unknown")


async def test_ins_policy(ours: Caller) -> None:
    def patient(value: str) -> dict[str, Any]:
        return {"resourceType": "Patient", "identifier": [{"use": "official", "system": INS, "value": value}], "name": [{"family": "x"}]}

    malformed = await ours.post("/fhir/Patient", json=patient("12"))
    assert (malformed.status_code, reason(malformed)) == (422, "ins-form")
    assert malformed.json()["issue"][0]["expression"] == ["Patient.identifier[0].value"]
    false_key = await ours.post("/fhir/Patient", json=patient("274127512345601"), headers={"prefer": "return=OperationOutcome"})
    assert false_key.status_code == 201
    assert "ins-key" in [i["details"]["coding"][0]["code"] for i in false_key.json()["issue"] if i["severity"] == "warning"]
    assert "ins-key" in false_key.headers["x-warnings"]


async def test_ids_in_updates(ours: Caller) -> None:
    basic = {"resourceType": "Basic", "code": {"text": "x"}}
    made = await ours.make(basic)
    assert (await ours.put(f"/fhir/Basic/{made['id']}", json=basic)).status_code == 400
    assert (await ours.put("/fhir/Basic/mine", json={**basic, "id": "mine"})).status_code == 404
    for tag in ("3", "W/3", '"x"', "*", 'W/"-1"', 'W/"99999999999999"'):
        answer = await ours.put(f"/fhir/Basic/{made['id']}", json=made, headers={"if-match": tag})
        assert answer.status_code in (400, 412), tag
    assert (await ours.post("/fhir/Provenance", json={"resourceType": "Provenance"})).status_code in (400, 422)


async def test_bundle_entries(ours: Caller) -> None:
    urls = (
        "Basic/\0",
        "\0",
        "Basic?code=\0",
        "Basic?code=%00",
        "Basic?code=%ff",
        "Basic/\ud800",
        "Basic?code=\ud800",
        "/" * 3000,
        "Basic/$x\0",
        "https://x/y",
    )
    for url in urls:
        for method in ("GET", "PUT", "DELETE", "POST"):
            entry = {"request": {"method": method, "url": url}, "resource": {"resourceType": "Basic", "code": {"text": "x"}}}
            for kind in ("batch", "transaction"):
                body = json.dumps({"resourceType": "Bundle", "type": kind, "entry": [entry]})
                answer = await ours.post("/fhir", content=body.encode())
                assert answer.status_code < 500, (url, method, kind, answer.text)


async def test_headers(ours: Caller) -> None:
    for headers in ({"x-request-id": "a b"}, {"x-request-id": "é".encode()}, {"idempotency-key": "k" * 300}, {"idempotency-key": "é\x7f".encode()},
                    {"if-none-exist": "%00=1"}, {"if-none-exist": "identifier=%ff"}, {"if-none-exist": "nothing=1"}, {"prefer": "=;,=="},
                    {"accept": "é".encode()}, {"host": "a b"}, {"content-length": "3", "if-none-exist": "identifier"}):  # fmt: skip
        answer = await ours.post("/fhir/Basic", json={"resourceType": "Basic", "code": {"text": "x"}}, headers=headers)  # type: ignore[arg-type]
        assert answer.status_code in (201, 400, 406), (headers, answer.text)
        assert answer.headers["x-request-id"].isascii()
    for headers in ({"if-none-match": "x"}, {"if-modified-since": "yesterday"}, {"if-modified-since": "Mon, 99 Foo 2026"}):
        assert (await ours.get("/fhir/Organization/none", headers=headers)).status_code == 404


@pytest.mark.parametrize("kind", ["AuditEvent", "Provenance", "Nothing"])
async def test_what_only_the_server_writes_is_written_by_nobody_else(kind: str, ours: Caller) -> None:
    body = {"resourceType": kind}
    patch = {"content-type": "application/json-patch+json"}
    for answer in (
        await ours.post(f"/fhir/{kind}", json=body, headers={"if-none-exist": "_id=1"}),
        await ours.put(f"/fhir/{kind}?_id=1", json=body),
        await ours.put(f"/fhir/{kind}/1", json={**body, "id": "1"}),
        await ours.patch(f"/fhir/{kind}?_id=1", json=[], headers=patch),
        await ours.patch(f"/fhir/{kind}/1", json=[], headers=patch),
        await ours.delete(f"/fhir/{kind}?_id=1"),
        await ours.delete(f"/fhir/{kind}/1"),
    ):
        assert answer.status_code in ((400, 404, 422) if kind != "Provenance" else (400, 404, 422, 204)), (
            answer.request.method,
            answer.text,
        )
    made = await ours.make({"resourceType": "Basic", "code": {"text": "x"}})
    provenance = (await ours.get(f"/fhir/Provenance?target=Basic/{made['id']}")).json()["entry"][0]["resource"]
    for answer in (
        await ours.delete(f"/fhir/Provenance?_id={provenance['id']}"),
        await ours.put(f"/fhir/Provenance/{provenance['id']}", json=provenance, headers={"if-match": 'W/"1"'}),
        await ours.patch(
            f"/fhir/Provenance/{provenance['id']}", json=[{"op": "remove", "path": "/activity"}], headers={**patch, "if-match": 'W/"1"'}
        ),
    ):
        assert (answer.status_code, reason(answer)) == (422, "written-by-the-server")


async def test_large_numbers_of_things(ours: Caller) -> None:
    assert (await ours.get("/fhir/Patient?_count=1000000000")).status_code == 200
    assert (await ours.get("/fhir/Patient?" + "&".join(["family=x"] * 300))).status_code == 400
    assert (await ours.get("/fhir/Patient?_id=" + ",".join(["x"] * 300))).status_code == 400
    assert (await ours.get("/fhir/Patient?family=" + "x" * 20_000)).status_code == 413
    entries = [{"request": {"method": "GET", "url": "Patient/x"}}] * 1001
    many = await ours.post("/fhir", json={"resourceType": "Bundle", "type": "batch", "entry": entries})
    assert (many.status_code, reason(many)) == (413, "too-many-entries")


NAMES = sorted({code for kind in SERVED for code in index.parameters(kind)} | {"_id", "_lastUpdated", "_sort", "_count", "_include", "_revinclude",
               "_total", "_summary", "_elements", "_cursor", "_tag", "_profile", "_has:Task:patient:status", "_has", "_text", "_format", "_pretty"})  # fmt: skip
MODIFIERS = [
    "",
    ":exact",
    ":contains",
    ":missing",
    ":not",
    ":identifier",
    ":Patient",
    ":iterate",
    ".family",
    ":Patient.name",
    ".identifier",
    ":text",
    ":x",
]
VALUES = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["true", "2026", "ge2026-11-22T08:00:00Z", "0001", "9999-12-31", "ap9999", "ap0001-01-01", "1e300", "lt1e9999", "5|u|c", "|", "a|", "|b", "a|b|c",
                     "Patient/1", "Task:patient", "Task:*", "-_lastUpdated,_id", "family", "-birthdate,name", "status,-date", "identifier", "x'--", "\\", "\\,", ",", "$", "%00", "http://x/y|1", "-0", "sa", "1.", "+1"]),
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from([*SERVED, "AuditEvent"]),
    pairs=st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(MODIFIERS), VALUES), max_size=4),
    strict=st.booleans(),
)
async def test_no_query_breaks_the_door(ours: Caller, kind: str, pairs: list[tuple[str, str, str]], strict: bool) -> None:
    params = [(name + modifier, value) for name, modifier, value in pairs]
    answer = await ours.get(f"/fhir/{kind}", params=params, headers={"prefer": "handling=strict"} if strict else {})
    assert answer.status_code in (200, 400, 406), (answer.status_code, params, answer.text[:500])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = [
    "id",
    "meta",
    "extension",
    "contained",
    "identifier",
    "name",
    "status",
    "subject",
    "code",
    "participant",
    "start",
    "actor",
    "text",
    "owner",
    "for",
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from([*SERVED, "Bundle", "Parameters"]),
    parts=st.dictionaries(st.sampled_from(KEYS), JSON, max_size=3),
    path=st.integers(0, 7),
)
async def test_no_body_breaks_the_door(ours: Caller, kind: str, parts: dict[str, Any], path: int) -> None:
    target = kind if kind in SERVED else "Basic"
    places = (
        "",
        f"/{target}",
        f"/{target}/$validate",
        f"/{target}/x/$available-actions",
        f"/{target}/x",
        f"/{target}?_id=x",
        f"/{target}/x",
        f"/{target}?_id=x",
    )
    address = f"/fhir{places[path]}"
    send = ours.post if path < 4 else ours.put if path < 6 else ours.patch
    answer = await send(address, json={"resourceType": kind, **parts})
    assert answer.status_code < 500, (answer.status_code, kind, parts, answer.text[:500])


RESOURCES = st.sampled_from([
    {"resourceType": "Basic", "code": {"text": "x"}},
    {"resourceType": "Basic", "id": "x", "code": {"text": "x"}, "subject": {"reference": "Patient?identifier=x"}},
    {"resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": "urn:uuid:1"}, "text": {"status": "generated", "div": "urn:uuid:2"}},
    {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [{"name": "type", "valueCode": "delete"}, {"name": "path", "valueString": "Basic.code"}]}]},
    {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": "W10="},
    {"resourceType": "AuditEvent"},
])  # fmt: skip
URLS = st.sampled_from(["Basic", "Basic/x", "Basic?_id=x", "Basic?identifier=x", "Basic?identifier=x&_count=2", "Basic?colour=red", "Basic?", "Basic?code:missing=true", "AuditEvent?_id=1",
    "Nothing?x=1", "Provenance?_id=x", "", "/", "//?x=1", "Bundle", "$x", "metadata", "_history", "Basic/_history", "Basic/_search", "?x", "?_type=Basic", "Basic/x/$validate", "Basic/x/_history/1"])  # fmt: skip
ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "fullUrl": st.sampled_from(["urn:uuid:1", "urn:uuid:2", "x", 3]),
        "resource": JSON | RESOURCES,
        "request": JSON
        | st.fixed_dictionaries(
            {"method": st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "X"]), "url": URLS},
            optional={
                "ifNoneExist": st.sampled_from(["identifier=x", "", "?", "x=1", "_id=%00", 3]),
                "ifMatch": st.sampled_from(['W/"1"', "1", ""]),
                "ifNoneMatch": st.sampled_from(["*", 'W/"1"', "x"]),
            },
        ),
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(["batch", "transaction", "searchset"]), entries=JSON | st.lists(ENTRY, max_size=4))
async def test_no_bundle_breaks_the_door(ours: Caller, kind: str, entries: Any) -> None:
    answer = await ours.post("/fhir", json={"resourceType": "Bundle", "type": kind, "entry": entries})
    assert answer.status_code < 500, (answer.status_code, kind, entries, answer.text[:500])
