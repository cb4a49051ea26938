"""Narratives: what would load from elsewhere or cover the page goes, everything else stays byte for byte."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maillage.codes.json import decode
from maillage.codes.r4.narrative import narrative_fault
from maillage.doors.fhir.narratives import reduced, safe_div

DATA = Path(os.environ.get("MAILLAGE_EXAMPLES", Path(__file__).resolve().parents[3].parent / "shared" / "data"))


def div(inner: str) -> str:
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{inner}</div>'


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ('<img src="http://x/y.png" alt="a"/>', '<img alt="a"/>'),
        ('<img src="//x/y.png"/>', "<img/>"),
        ('<img src="\\\\x\\y.png"/>', "<img/>"),
        ('<img src="data:image/svg+xml;base64,AA=="/>', "<img/>"),
        ('<img src="data:image/png;base64,AA=="/>', '<img src="data:image/png;base64,AA=="/>'),
        ("<img src=\"#photo\" alt='a>b'/>", "<img src=\"#photo\" alt='a>b'/>"),
        ('<a href="https://x/y">z</a>', '<a href="https://x/y">z</a>'),
        ('<a href="Patient-1.html">z</a>', '<a href="Patient-1.html">z</a>'),
        ('<a href="file:///etc/passwd">z</a>', "<a>z</a>"),
        ('<a href="//x/y">z</a>', "<a>z</a>"),
        ('<a href=" blob:x" title="t">z</a>', '<a title="t">z</a>'),
        ('<p style="color: red; background: url(http://x/y)">z</p>', '<p style="color: red">z</p>'),
        ('<p style="position: fixed; top: 0">z</p>', '<p style=" top: 0">z</p>'),
        ('<p style="background: u\\72l(x)">z</p>', "<p>z</p>"),
        ('<p style="color: rgb(1, 2, 3); margin:0">z</p>', '<p style="color: rgb(1, 2, 3); margin:0">z</p>'),
        ("caf\u00e9&nbsp;<b>x</b>", "caf\u00e9&nbsp;<b>x</b>"),
    ],
)
def test_what_reaches_outside_goes(written: str, kept: str) -> None:
    assert narrative_fault(div(written)) in (None, "must have some content")
    assert safe_div(div(written)) == div(kept)


def test_each_loss_is_told_where_it_happened() -> None:
    bad = {"status": "generated", "div": div('<img src="http://x/y"/>')}
    resource: dict[str, Any] = {
        "resourceType": "Composition",
        "text": dict(bad),
        "contained": [{"resourceType": "Basic", "text": dict(bad)}],
        "section": [{"section": [{"text": dict(bad)}]}, {"text": {"status": "generated", "div": div("x")}}],
    }
    _, warnings = reduced(resource)
    paths = {"Composition.text.div", "Composition.contained[0].text.div", "Composition.section[0].section[0].text.div"}
    assert {warning.expression for warning in warnings} == paths
    assert "http://x" not in str(resource)


@pytest.mark.skipif(not DATA.is_dir(), reason="MAILLAGE_EXAMPLES names no folder with the published examples")
def test_published_narratives_lose_nothing() -> None:
    for path in DATA.rglob("*.json"):
        resource = decode(path.read_bytes())
        if type(resource) is dict and "resourceType" in resource:
            assert reduced(resource)[1] == [], path


@given(st.lists(st.sampled_from(["src", "href", "style", "cite", "title"]), unique=True), st.text(max_size=30))
def test_what_is_left_is_well_formed_and_safe_twice(names: list[str], text: str) -> None:
    quoted = "".join(f"&#{ord(c)};" for c in text if c.isprintable())
    attributes = "".join(f' {name}="{quoted}"' for name in names)
    written = div(f"<p{attributes}>x</p>")
    safe = safe_div(written)
    assert safe_div(safe) == safe
    assert narrative_fault(written) is not None or narrative_fault(safe) is None
