"""Every page, looked at as a machine can: accessibility in light, in dark and on a small screen, no overflow, no word in the console."""

from __future__ import annotations

import io
import os
from pathlib import Path

from PIL import Image
from tests.journeys.people import Person
from tests.support import screens
from tests.support.screens import plain

ROOT = Path(__file__).resolve().parents[2]
AXE = (ROOT / "src" / "maillage" / "_vendor" / "dev" / "axe.min.js").read_text(encoding="utf-8")
FOUND = ".then(found => found.violations.map(one => one.id + ': ' + one.nodes.map(node => node.html).join(' | ').slice(0, 400)))"
TAGS = "{type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']}"
LOOKS = (
    ("light", 1280, f"() => axe.run(document, {{runOnly: {TAGS}}}){FOUND}"),
    ("dark", 1280, f"() => axe.run(document, {{runOnly: {{type: 'rule', values: ['color-contrast']}}}}){FOUND}"),
    *(
        ("light", width, f"() => axe.run(document, {{runOnly: {TAGS}, rules: {{'color-contrast': {{enabled: false}}}}}}){FOUND}")
        for width in (390, 320)
    ),
)
"""Everything in light; in dark what depends on colours; on a small screen what depends on the layout."""
SHAPE = """() => {
    const told = /^(role|type|scope|lang|open|hidden|disabled|required|checked|selected|tabindex|aria-.*)$/
    const named = /^(id|for|href|name|value|alt|title|placeholder|autocomplete|action|headers|aria-(label|labelledby|describedby|controls|valuetext))$/
    const shape = node => [node.tagName, node.getAttribute('class') ?? '', [...node.attributes].map(one => told.test(one.name) && !named.test(one.name)
        ? one.name + '=' + one.value : named.test(one.name) ? one.name + (one.value.trim() ? '+' : '') : '').filter(one => one).sort().join(' '),
        [...node.childNodes].some(one => one.nodeType === 3 && one.data.trim()) ? 'text' : '', ...[...node.children].map(shape), '/'].join('|')
    return new Set([...document.querySelectorAll('[id]')].map(one => one.id)).size + shape(document.documentElement)
}"""
"""What of a page decides what the rules of accessibility say: its elements, their classes, states and roles, and which of them have a name and a text."""
_seen: set[str] = set()
STILL = """() => {
    document.querySelectorAll('input[type=date], input[type=time]').forEach(one => one.value || (one.style.color = 'transparent'))
    document.querySelectorAll('[data-live-at]').forEach(one => one.textContent = one.textContent.replace(/\\d+\\sh\\s\\d+/, '9\u00a0h\u00a000'))
}"""
"""What a picture may not depend on: an empty date shows how the browser's own language writes dates; "mis à jour à" is the clock of this machine."""


def inspect(person: Person, name: str = "") -> None:
    """Assert that the page in front of somebody is sound; keep its picture when asked to."""
    page = person.page
    page.locator("footer").wait_for()  # a page that a click has asked for may have begun, and have no element yet
    if name:
        picture(person, name)
    shape = page.evaluate(SHAPE)
    if shape not in _seen:  # a page of the same shape was found sound in this run: the same rules would say the same of it
        _look(person)
        _seen.add(shape)
    _fits(person)
    assert page.locator("h1").count() == 1, page.url
    assert page.locator("main").count() == 1
    assert page.get_by_text("DONNÉES FICTIVES").count() == 1
    left = [text for text in person.messages if "status of 4" not in text]
    assert left == [], left


def _look(person: Person) -> None:
    page = person.page
    page.evaluate(AXE)
    for scheme, width, run in LOOKS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]  # the two words that Playwright knows
        page.set_viewport_size({"width": width, "height": 900})
        found = page.evaluate(run)
        assert found == [], (page.url, scheme, width, found)
    page.emulate_media(color_scheme="light")


def _fits(person: Person) -> None:
    """However long its words are: nothing to scroll to the side for."""
    for width in (320, 1280):
        person.page.set_viewport_size({"width": width, "height": 900})
        assert person.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), (
            person.page.url,
            width,
        )


def keep_small(taken: bytes, path: Path) -> None:
    """Write a picture in as many colours as a page needs: a quarter of what the browser gives."""
    with Image.open(io.BytesIO(taken)) as full:
        small = full.convert("RGB").quantize(128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        small.save(path, optimize=True)


def picture(person: Person, name: str, width: int = 1280) -> None:
    """Keep the picture of a page for the documentation, whole, when asked to; its title is what the documentation says, asked or not."""
    page = person.page
    assert plain(page.locator("h1").inner_text()) == plain(screens.by_picture()[name].title), name
    if not os.environ.get("MAILLAGE_SCREENSHOTS"):
        return
    page.evaluate(STILL)
    page.set_viewport_size({"width": width, "height": 900})
    height = int(page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": width, "height": min(max(height, 600), 1500)})
    page.evaluate("scrollTo(0, 0)")  # a page that shows what was refused has its focus further down
    keep_small(page.screenshot(scale="css", animations="disabled"), screens.FOLDER / f"{name}.png")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.evaluate(STILL.replace("'transparent'", "''"))
