"""The narrative: basic formatting passes; whatever could run, load or lie does not."""

import pytest

from maillage.codes.r4 import validate
from maillage.codes.r4.narrative import narrative_fault


def div(inner: str) -> str:
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{inner}</div>'


@pytest.mark.parametrize(
    "inner",
    [
        "texte",
        "<p>a<br/>b</p><table class='grid'><tr><td colspan='2'>x</td></tr></table>",
        "<a href='https://a.example'>x</a><a name='y'> </a>",
        "<img src='#a' alt='x'/>",
        "caf&#233; &nbsp; &eacute; &amp; &lt;b&gt;",
        "<!-- note --><b>x</b>",
        "<span style='color: red' xml:lang='fr'>x</span>",
    ],
)
def test_basic_formatting_passes(inner: str) -> None:
    assert narrative_fault(div(inner)) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "texte",
        "<div>x</div>",
        '<p xmlns="http://www.w3.org/1999/xhtml">x</p>',
        div(""),
        div(" \n "),
        div("<p></p>"),
        div("<p>x</div>"),
        div("x") + "<p/>",
        div("<script>alert(1)</script>"),
        div("<iframe src='x'/>x"),
        div("<form><input/></form>x"),
        div("<b onclick='x()'>x</b>"),
        div("<a href='javascript:alert(1)'>x</a>"),
        div("<a href=' java&#10;script:alert(1)'>x</a>"),
        div("<a href='data:text/html,x'>x</a>"),
        div("<style>p{}</style>x"),
        div("&unknown;"),
        div("<svg/>x"),
        div("<?php x ?>y"),
        '<!DOCTYPE div [<!ENTITY a "b">]>' + div("&a;"),
        '<!DOCTYPE div SYSTEM "file:///etc/passwd">' + div("x"),
        div("x\x00y"),
        div("\ud800"),
    ],
)
def test_what_a_narrative_may_not_hold_is_refused(text: str) -> None:
    assert narrative_fault(text)


def test_the_fault_is_told_at_the_div() -> None:
    resource = {"resourceType": "Patient", "text": {"status": "generated", "div": div("<script>x</script>")}}
    issue = validate(resource)[0]
    assert issue.expression == "Patient.text.div"
    assert issue.details == "div holds the element <script>, which a narrative may not hold."
