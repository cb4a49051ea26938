"""What each interaction answers, word for word: status, headers and body against `golden/<interaction>.json`.

`MAILLAGE_WRITE_GOLDEN=1 pytest tests/doors/fhir/test_contracts.py` writes them again. Ids are named in the order in which they appear.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.doors.fhir.conftest import Caller

from maillage.codes import r4
from maillage.codes.json import decode

pytestmark = pytest.mark.asyncio

GOLDEN = Path(__file__).parent / "golden"
HEADERS = ("allow", "content-type", "etag", "last-modified", "location", "content-location", "x-warnings")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
CURSOR = re.compile(r"_cursor=[A-Za-z0-9_-]+")

V1, V2 = {"if-match": 'W/"1"'}, {"if-match": 'W/"2"'}
JSON_PATCH = {"content-type": "application/json-patch+json"}
BASIC: dict[str, Any] = {"resourceType": "Basic", "identifier": [{"system": "urn:x", "value": "1"}], "code": {"text": "x"}}


class Script:
    """A conversation that is written down."""

    def __init__(self, client: Caller) -> None:
        self.client = client
        self.lines: list[dict[str, Any]] = []
        self.names: dict[str, str] = {}

    async def say(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if type(body) is bytes else json.dumps(body).encode() if body is not None else None
        answer = await self.client.request(method, f"/fhir{path}", content=content, headers=sent)
        told: Any = answer.text
        if "json" in answer.headers.get("content-type", "") and answer.content:
            assert r4.validate(decode(answer.content)) == []
            told = answer.json()
        line = {
            "ask": f"{method} {path}",
            "status": answer.status_code,
            "headers": {name: answer.headers[name] for name in HEADERS if name in answer.headers},
            "body": told,
        }
        self.lines.append(line)
        return answer

    def text(self) -> str:
        written = CURSOR.sub("_cursor=...", json.dumps(self.lines, indent=1, ensure_ascii=False) + "\n")
        return UUID.sub(lambda found: self.names.setdefault(found[0], f"id-{len(self.names) + 1}"), written)


async def reading(say: Any) -> None:
    made = (await say("POST", "/Basic", BASIC)).json()["id"]
    await say("GET", f"/Basic/{made}")
    await say("HEAD", f"/Basic/{made}")
    await say("GET", f"/Basic/{made}", if_none_match='W/"7", W/"1"')
    await say("GET", f"/Basic/{made}", if_modified_since="Mon, 16 Nov 2026 08:00:00 GMT")
    await say("GET", f"/Basic/{made}", if_modified_since="Sun, 15 Nov 2026 08:00:00 GMT")
    await say("GET", f"/Basic/{made}?_elements=identifier")
    await say("GET", f"/Basic/{made}?_summary=text&_pretty=true")
    await say("GET", f"/Basic/{made}?_summary=count")
    await say("GET", f"/Basic/{made}?_format=xml")
    await say("GET", f"/Basic/{made}/_history/1?_elements=code")
    await say("GET", f"/Basic/{made}/_history/2")
    await say("GET", "/Basic/none")
    await say("GET", f"/Basic/{made}", if_none_match="1")


async def creating(say: Any) -> None:
    await say("POST", "/Basic", BASIC, prefer="return=minimal")
    await say("POST", "/Basic", {**BASIC, "subject": {"reference": "Patient/none"}}, prefer="return=OperationOutcome")
    await say("POST", "/Basic", BASIC, if_none_exist="identifier=urn:x|1")
    await say("POST", "/Basic", {**BASIC, "identifier": [{"value": "2"}]}, if_none_exist="identifier=2")
    await say("POST", "/Basic", BASIC, if_none_exist="identifier=2")
    await say("POST", "/Basic", BASIC, if_none_exist="_count=1")
    await say(
        "POST",
        "/Basic",
        b'<Basic xmlns="http://hl7.org/fhir"><code><text value="x"/></code></Basic>',
        content_type="application/fhir+xml",
        accept="application/fhir+xml",
    )
    await say("POST", "/Basic", b'{"resourceType":"Basic","code":{"text":"a","text":"b"}}')
    await say("POST", "/Basic", BASIC, content_type="application/fhir+json; fhirVersion=3.0")


async def updating(say: Any) -> None:
    made = (await say("POST", "/Basic", BASIC)).json()["id"]
    whole = {**BASIC, "id": made}
    await say("PUT", f"/Basic/{made}", {**whole, "code": {"text": "y"}})
    await say("PUT", f"/Basic/{made}", {**whole, "code": {"text": "y"}}, if_match='"1"')
    await say("PUT", f"/Basic/{made}", {**whole, "code": {"text": "y"}}, **{"if-match": 'W/"1"'})
    await say("PUT", f"/Basic/{made}", {**whole, "code": {"text": "z"}}, **{"if-match": 'W/"1"'})
    await say("PUT", f"/Basic/{made}", {**whole, "id": "other"}, **{"if-match": 'W/"2"'})
    await say("PUT", "/Basic/none", {**BASIC, "id": "none"})
    await say("PUT", "/Basic?identifier=urn:x|1", {**BASIC, "code": {"text": "w"}})
    await say("PUT", "/Basic?identifier=urn:x|9", {**BASIC, "identifier": [{"system": "urn:x", "value": "9"}]})
    await say("PUT", "/Basic?identifier=urn:x|9", whole)
    await say("PUT", "/Basic?identifier=urn:x|8", whole)
    await say("PUT", "/Basic?code:missing=true", BASIC)
    await say("PUT", "/Basic", BASIC)


async def patching(say: Any) -> None:
    made = (await say("POST", "/Basic", BASIC)).json()["id"]
    replace = [{"op": "replace", "path": "/code/text", "value": "y"}]
    await say("PATCH", f"/Basic/{made}", replace, **JSON_PATCH)
    await say("PATCH", f"/Basic/{made}", replace, **JSON_PATCH, **V1)
    await say("PATCH", f"/Basic/{made}", replace, **JSON_PATCH, **V2)
    await say("PATCH", f"/Basic/{made}", [{"op": "test", "path": "/code/text", "value": "x"}], **JSON_PATCH, **V2)
    await say("PATCH", f"/Basic/{made}", [{"op": "remove", "path": "/code"}], **JSON_PATCH, **V2)
    await say("PATCH", f"/Basic/{made}", [{"op": "replace", "path": "/id", "value": "x"}], **JSON_PATCH, **V2)
    parts = [
        {"name": "type", "valueCode": "add"},
        {"name": "path", "valueString": "Basic"},
        {"name": "name", "valueString": "created"},
        {"name": "value", "valueDate": "2026-11-22"},
    ]
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    await say("PATCH", "/Basic?identifier=urn:x|1", parameters)
    await say("PATCH", "/Basic?identifier=urn:x|2", parameters)
    await say("PATCH", f"/Basic/{made}", parameters, **{"if-match": 'W/"3"'})
    await say("PATCH", f"/Basic/{made}", b"<a/>", content_type="application/xml-patch+xml")
    await say("PATCH", "/Basic/none", replace, **JSON_PATCH)


async def deleting(say: Any) -> None:
    made = (await say("POST", "/Basic", BASIC)).json()["id"]
    await say("DELETE", f"/Basic/{made}")
    await say("DELETE", f"/Basic/{made}", **V1)
    await say("DELETE", f"/Basic/{made}", **V1)
    await say("GET", f"/Basic/{made}")
    await say("GET", f"/Basic/{made}/_history/1")
    await say("GET", f"/Basic/{made}/_history/2")
    await say("PUT", f"/Basic/{made}", {**BASIC, "id": made})
    await say("PUT", f"/Basic/{made}", {**BASIC, "id": made}, **V2)
    await say("GET", f"/Basic/{made}/_history")
    await say("DELETE", "/Basic?identifier=urn:x|1", prefer="return=OperationOutcome")
    await say("DELETE", "/Basic?identifier=urn:x|1")
    await say("POST", "/Basic", BASIC)
    await say("POST", "/Basic", BASIC)
    await say("DELETE", "/Basic?identifier=urn:x|1")
    await say("DELETE", "/Basic?_count=1")
    await say("DELETE", "/Basic/none")


async def looking_back(say: Any) -> None:
    made = (await say("POST", "/Basic", BASIC)).json()["id"]
    await say("PUT", f"/Basic/{made}", {**BASIC, "id": made, "code": {"text": "y"}}, **V1)
    await say("DELETE", f"/Basic/{made}", **V2)
    await say("GET", f"/Basic/{made}/_history?_count=2&_elements=code")
    await say("GET", "/Basic/_history?_since=2026-11-16T08:00:00.001Z")
    await say("GET", "/Basic/_history?_at=2026-11-15")
    await say("GET", "/_history?_count=1&_summary=text")
    await say("GET", "/Basic/none/_history")
    await say("GET", "/Basic/_history?_since=soon")
    await say("GET", "/Basic/_history?colour=red", prefer="handling=strict")


def entry(method: str, url: str, resource: Any = None, **more: Any) -> dict[str, Any]:
    full = {"fullUrl": more.pop("fullUrl")} if "fullUrl" in more else {}
    return {**full, "request": {"method": method, "url": url, **more}, **({"resource": resource} if resource else {})}


def bundle(kind: str, *entries: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


async def bundling(say: Any) -> None:
    await say(
        "POST",
        "",
        bundle(
            "batch",
            entry("POST", "Basic", BASIC),
            entry("POST", "Basic", {"resourceType": "Basic"}),
            entry("GET", "Basic/none"),
            entry("POST", "", bundle("batch")),
        ),
    )
    await say("POST", "", bundle(
        "transaction",
        entry("HEAD", "Basic?_summary=count"),
        entry("GET", "Basic?_summary=count"),
        entry("PATCH", "Basic?identifier=urn:x|1", {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": "W3sib3AiOiJyZXBsYWNlIiwicGF0aCI6Ii9jb2RlL3RleHQiLCJ2YWx1ZSI6InkifV0="}),
        entry("PUT", "Basic?identifier=urn:x|2", {**BASIC, "identifier": [{"system": "urn:x", "value": "2"}]}, fullUrl="urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"),
        entry("POST", "Basic", {**BASIC, "identifier": [{"system": "urn:x", "value": "3"}], "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><a href="urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a">x</a></div>'},
            "extension": [{"url": "http://x/y", "valueUri": "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"}, {"url": "http://x/y", "valueString": "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"},
            {"url": "http://x/y", "valueReference": {"reference": "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"}}]}),
        entry("POST", "Basic", BASIC, ifNoneExist="identifier=urn:x|1"),
        entry("DELETE", "Basic?identifier=urn:x|none"),
    ))  # fmt: skip
    await say("POST", "", bundle("transaction", entry("PUT", "Basic?identifier=urn:x|1", BASIC), entry("DELETE", "Basic?identifier=1")))
    await say(
        "POST",
        "",
        bundle(
            "transaction",
            entry("POST", "Basic", BASIC, ifNoneExist="identifier=7"),
            entry("POST", "Basic", BASIC, ifNoneExist="identifier=7"),
        ),
    )
    await say(
        "POST",
        "",
        bundle("transaction", entry("POST", "Basic", BASIC), entry("PATCH", "Basic?identifier=none", {"resourceType": "Parameters"})),
    )
    await say("POST", "", bundle("collection"))


PLAYED = {
    "read": reading,
    "create": creating,
    "update": updating,
    "patch": patching,
    "delete": deleting,
    "history": looking_back,
    "bundle": bundling,
}


@pytest.mark.parametrize("name", PLAYED)
async def test_an_interaction_answers_as_before(name: str, ours: Caller) -> None:
    script = Script(ours)
    await PLAYED[name](script.say)
    golden = GOLDEN / f"{name}.json"
    if os.environ.get("MAILLAGE_WRITE_GOLDEN"):
        golden.write_text(script.text(), encoding="utf-8")
    assert script.text() == golden.read_text(encoding="utf-8")
