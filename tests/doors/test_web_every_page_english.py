"""Every page that links lead to, asked for in English and in French: what both say alike is data, or a word of both languages; nothing else is French."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

import httpx
import pytest
from tests.doors.test_web_english import FRENCH_FORM, SAME
from tests.journeys.conftest import opened_territory
from tests.support.furnished import furnish, patients_link, starts
from tests.support.walking import walk
from tests.support.web import Visitor, make_door, visiting

from maillage.codes.json import decode
from maillage.doors.web.display import COOKIE
from maillage.doors.web.language import plain
from maillage.doors.web.rendering import component_names
from maillage.kernel.actor import SYSTEM
from maillage.store import Database

FILL = opened_territory
ROLES = (
    *("planification-percy", "medecin-clamart", "hge-percy", "referent-hge", "gestionnaire-clamart", "direction-percy"),
    *("secretaire-clamart", ""),
)
OWN = ("", "/dates", "/annuler", "/absence", "/choix", "/accord", "/acces", "/dossier")
ALIKE = SAME | {"Convocation (PDF)", "Français", *component_names()}
ALIKE |= {"Absences", "Ambulance", "English", "Maximum", "Notification", "Question", "Restriction"}
ALIKE |= {"Simulation", "Source", "Trait", "Transport", "Zone", "patient"}
"""Words of both languages, the names of languages in their own, and those of components."""
UNITS = re.compile(r"\b(?:min|h|[A-Z]{1,3}|bootstrap|inter|htmx|maillage)\b")
"""What no language says otherwise: units, initials, names of software."""
KEYS = re.compile(r"[\w-]{43}|system/[\w.]+|Défenseur des droits")
"""What no data says either: digests of keys, scopes, the name of an authority."""
LETTERS = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ]{2}")
Page = dict[str, str]


class Reader:
    """Somebody who reads every page in one language, then the same pages in the other."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor, self.english, self.french = visitor, Page(), Page()

    def speaks(self, lang: str) -> None:
        self.visitor.client.cookies.set(COOKIE, f"systeme.touches.{lang}")

    async def reads(self, first: Iterable[str]) -> None:
        self.speaks("en")

        async def look(address: str) -> httpx.Response:
            answer = await self.visitor.get(address)
            if answer.status_code == 200 and answer.headers["content-type"].startswith("text/html"):
                self.english[address] = answer.text
            return answer

        await walk(look, first)
        self.speaks("fr")
        self.french |= {address: (await self.visitor.get(address)).text for address in self.english}


def said(page: str) -> set[str]:
    """What a page says, each text apart, but for what it marks as French and for what is typed by people."""
    body = re.sub(r"<(script|style|textarea|svg|pre)\b.*?</\1>", " ", page.partition("<body")[2].partition(">")[2], flags=re.DOTALL)
    told, mute = list[str](), 0
    for tag, text in re.findall(r"(<(?:\"[^\"]*\"|[^>\"])*>)|([^<]+)", body):
        if mute or (tag.startswith("<div") and ' lang="fr"' in tag):
            mute += tag.startswith("<div") - tag.startswith("</div")
        else:
            told += [text, *re.findall(r'(?:aria-label|title|placeholder|alt|data-label)="([^"]+)"', tag)]
    return {plain(html.unescape(text)) for text in told}


async def data(db: Database) -> list[str]:
    """Everything that was written into this territory, longest first; forms have their English and are not among it."""
    found = set[str]()
    async with db.transaction(SYSTEM) as tx:
        columns = await tx.fetch(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'text' "
            "AND table_name NOT IN ('resource_version', 'experiment') AND table_name NOT LIKE 'audit_%' ORDER BY 1, 2"
        )
        for table, column in columns:
            found |= {
                row[0] for row in await tx.fetch(f'SELECT DISTINCT "{column}" FROM "{table}" WHERE length("{column}") BETWEEN 2 AND 400')
            }  # names of the catalogue
        for row in await tx.fetch("SELECT content FROM resource_version WHERE res_type <> 'Questionnaire'"):
            found |= set(leaves(decode(row["content"])))
    return sorted({plain(form) for text in found for form in (text, text.upper(), text[:1].upper() + text[1:])}, key=len, reverse=True)


def leaves(value: object) -> Iterable[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each)
    elif isinstance(value, str) and 1 < len(value) <= 400:
        yield value


def ours(text: str, written: list[str]) -> str:
    """What is left of a text without what was written into the territory."""
    left = KEYS.sub(" ", text)
    for each in written:
        if each in left:
            left = left.replace(each, " ")
    return UNITS.sub(" ", left)


@pytest.mark.asyncio
async def test_every_page_is_whole_in_english(db: Database) -> None:
    await furnish(db)
    first, door = await starts(db), make_door(db)
    readers = []
    for role in ROLES:
        async with visiting(door, role) as visitor:
            readers.append(Reader(visitor))
            await readers[-1].reads(first if role else ["/connexion"])
    opened = await patients_link(db)
    async with visiting(door) as visitor:
        given = {"naissance": opened.born, "code": opened.code}
        answer = await visitor.post(opened.link, given, shown=opened.link)
        readers.append(Reader(visitor))
        await readers[-1].reads(answer.headers["location"] + end for end in OWN)
    written = await data(db)
    for reader in readers:
        for address, page in reader.english.items():
            assert '<html lang="en"' in page, address
    alike = {text: at for reader in readers for at, page in reader.english.items() for text in said(page) & said(reader.french[at])}
    left = {text: at for text, at in alike.items() if text not in ALIKE and LETTERS.search(text)}
    assert {text: at for text, at in left.items() if LETTERS.search(ours(text, written))} == {}
    told = {text: at for reader in readers for at, page in reader.english.items() for text in said(page)}
    mixed = {text: at for text, at in told.items() if FRENCH_FORM.search(text) and text not in ALIKE}
    assert {text: at for text, at in mixed.items() if FRENCH_FORM.search(ours(text, written))} == {}
