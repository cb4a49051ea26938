"""FHIR XML: the official examples survive JSON to XML to JSON; what is not FHIR, or not safe, is refused in words."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maillage.codes import r4
from maillage.codes.json import decode, encode
from maillage.doors.fhir import xml
from maillage.kernel.errors import Malformed

DATA = Path(os.environ.get("MAILLAGE_EXAMPLES", Path(__file__).resolve().parents[3].parent / "shared" / "data"))
XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'
FHIR = 'xmlns="http://hl7.org/fhir"'


def published() -> list[bytes]:
    found = (path.read_bytes() for path in sorted(DATA.rglob("*.json")))
    return [content for content in found if b'"resourceType"' in content]


def same(one: Any, other: Any) -> bool:
    """Equal as FHIR is: the order of keys says nothing, every digit of a decimal does."""
    return encode(in_order(one)) == encode(in_order(other))


def in_order(value: Any) -> Any:
    if type(value) is dict:
        return {key: in_order(value[key]) for key in sorted(value)}
    return [in_order(item) for item in value] if type(value) is list else value


@pytest.mark.skipif(not DATA.is_dir(), reason="MAILLAGE_EXAMPLES names no folder with the published examples")
@pytest.mark.parametrize("pretty", [False, True])
def test_every_published_resource_survives_the_way_there_and_back(pretty: bool) -> None:
    count = 0
    for content in published():
        resource = decode(content)
        if type(resource) is not dict or r4.validate(resource):
            continue
        assert same(xml.read(xml.write(content, pretty=pretty)), resource)
        count += 1
    assert count > 50


PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "text": {"status": "generated", "div": f"<div {XHTML}>caf\u00e9 <b>x &amp; y</b><br/></div>"},
    "contained": [{"resourceType": "Organization", "id": "o", "name": 'Les "3" <tours> &\n co'}],
    "extension": [{"id": "e1", "url": "http://x/y", "valueDecimal": 4.20}],
    "name": [{"family": "Lef\u00e8vre", "given": ["\u00c9lodie", None, "Ana"], "_given": [None, {"extension": [{"url": "http://x/y", "valueCode": "asku"}]}, {"id": "g3"}]}],
    "birthDate": "1974-12-25",
    "_birthDate": {"extension": [{"url": "http://x/t", "valueDateTime": "1974-12-25T08:00:00+01:00"}]},
    "multipleBirthInteger": 2,
    "_maritalStatus": None,
    "managingOrganization": {"reference": "#o"},
}  # fmt: skip
PATIENT.pop("_maritalStatus")


def test_ids_extensions_of_primitives_and_gaps_in_lists_are_kept() -> None:
    sent = encode(PATIENT).replace(b"4.2}", b"4.20}")
    written = xml.write(sent)
    assert b'<extension id="e1" url="http://x/y"><valueDecimal value="4.20"/></extension>' in written
    assert '<given value="\u00c9lodie"/><given><extension' in written.decode()
    assert b'<given value="Ana" id="g3"></given>' in written
    assert b"&#10; co" in written
    assert encode(xml.read(written)) == encode(decode(sent))


def test_named_entities_of_a_narrative_become_characters() -> None:
    resource = {
        "resourceType": "Basic",
        "text": {"status": "generated", "div": f"<div {XHTML}>a&nbsp;b&amp;c</div>"},
        "code": {"text": "x"},
    }
    read = xml.read(xml.write(encode(resource)))
    assert read["text"]["div"] == f"<div {XHTML}>a\u00a0b&amp;c</div>"


@pytest.mark.parametrize(
    ("document", "reason", "path"),
    [
        ("<Patient/>", "resource-type", "Patient"),
        (f"<Patientt {FHIR}/>", "resource-type", "Patientt"),
        (f"<Patient {FHIR}><colour value='red'/></Patient>", "unknown-element", "Patient.colour"),
        (f"<Patient {FHIR}><x:name xmlns:x='urn:y'/></Patient>", "unknown-element", "Patient.name"),
        (f"<Patient {FHIR}><gender value='male'/><gender value='male'/></Patient>", "several", "Patient.gender"),
        (f"<Patient {FHIR}><name><given/></name></Patient>", "empty", "Patient.name[0].given[0]"),
        (f"<Patient {FHIR} id='1'/>", "unknown-attribute", "Patient"),
        (f"<Patient {FHIR}>hello</Patient>", "text", "Patient"),
        (f"<Patient {FHIR}><contained/></Patient>", "resource-missing", "Patient.contained[0]"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "xml-refused", ""),
        (f"<?xml-stylesheet href='x'?><Patient {FHIR}/>", "xml-refused", ""),
        (f"<Patient {FHIR}><gender value='&undefined;'/></Patient>", "not-xml", ""),
        (f"<Patient {FHIR}><gender", "not-xml", ""),
        ("", "not-xml", ""),
        ("<a>" * 500, "too-deep", ""),
        (f"<Patient {FHIR}>" + f"<text><div {XHTML}>" + "<b>" * 500, "too-deep", ""),
    ],
)
def test_what_is_not_fhir_or_not_safe_is_refused(document: str, reason: str, path: str) -> None:
    with pytest.raises(Malformed) as caught:
        xml.read(document.encode())
    issue = caught.value.issues[0]
    assert (issue.reason, issue.expression) == (reason, path)


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    with pytest.raises(Malformed):
        xml.read(f"<Patient {FHIR}><gender value='".encode() + b"\xff'/></Patient>")
    with pytest.raises(Malformed):
        xml.read(f"<?xml version='1.0' encoding='utf-16'?><Patient {FHIR}><gender value='m\u00e2le'/></Patient>".encode("utf-16"))


def test_a_value_of_another_type_is_left_to_the_validation() -> None:
    read = xml.read(f"<Patient {FHIR}><active value='yes'/><multipleBirthInteger value='two'/></Patient>".encode())
    assert {issue.expression for issue in r4.validate(read)} == {"Patient.active", "Patient.multipleBirth.ofType(integer)"}


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\t<>&\"'"), min_size=1, max_size=20)


@given(
    texts=st.lists(st.none() | TEXTS, min_size=1, max_size=4),
    number=st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20),
)
def test_any_text_and_any_decimal_survive(texts: list[str | None], number: Any) -> None:
    beside = [None if text is not None else {"id": "x"} for text in texts]
    name: dict[str, Any] = {"family": "x", "given": texts, "_given": beside}
    if all(text is None for text in texts):
        name.pop("given")
    if all(text is not None for text in texts):
        name.pop("_given")
    resource = {"resourceType": "Patient", "extension": [{"url": "u", "valueDecimal": number}], "name": [name]}
    sent = encode(resource)
    assert encode(xml.read(xml.write(sent))) == encode(decode(sent))


@given(st.text(max_size=200) | st.sampled_from([f"<Patient {FHIR}><text><div {XHTML}/></text></Patient>"]))
def test_no_text_breaks_the_reader(text: str) -> None:
    with suppress(Malformed):
        assert xml.read(text.encode("utf-8", "surrogatepass"))["resourceType"] in r4.resource_types()
