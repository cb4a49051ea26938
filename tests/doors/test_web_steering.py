"""The coordinator's first page: what it tells to whom, its map, its files."""

from __future__ import annotations

import io
import re
import zipfile
import zlib

import pytest
from tests.doors.test_web_worklists import DERMATOLOGY, LATE, MANY, crowd
from tests.factories import referrals as make
from tests.support.web import make_door, visiting

from maillage import directory
from maillage.kernel.actor import SYSTEM
from maillage.store import Database

FILL = crowd
pytestmark = pytest.mark.asyncio
COORDINATOR, PLANNER, NURSE = "coordination-boucles", "planification-percy", "infirmier-clamart"


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def section(page: str, title: str) -> str:
    """What a section of the page says."""
    [found] = [part for part in re.findall(r"<section.*?</section>", page, re.DOTALL) if f">{title}</h2>" in part]
    return found


def lines(page: str, title: str) -> dict[str, list[str]]:
    """The rows of a table of the page, by service."""
    rows = re.findall(r"<tr>(.*?)</tr>", section(page, title), re.DOTALL)[1:]
    told = [[plain(cell) for cell in re.findall(r"<t[dh].*?>(.*?)</t[dh]>", row, re.DOTALL)] for row in rows]
    return {row[0]: row[1:] for row in told}


async def name_of(db: Database, service: str) -> str:
    async with db.transaction(SYSTEM) as tx:
        return (await directory.get_service(tx, service)).name


async def test_who_coordinates_begins_with_the_territory(db: Database) -> None:
    async with visiting(make_door(db), COORDINATOR) as visitor:
        home = await visitor.get("/")
        assert (home.status_code, home.headers["location"]) == (303, "/pilotage")
        page = await visitor.get("/pilotage")
    assert page.status_code == 200
    assert 'href="/pilotage" aria-current="page"' in page.text
    assert len(zlib.compress(page.content)) < 60_000


async def test_a_count_that_would_show_somebody_is_not_told_outside_the_care_team(db: Database) -> None:
    large, small = await name_of(db, make.SERVICE), await name_of(db, DERMATOLOGY)
    door = make_door(db)
    async with visiting(door, COORDINATOR) as visitor:
        outside = (await visitor.get("/pilotage")).text
    async with visiting(door, PLANNER) as visitor:
        inside = (await visitor.get("/pilotage")).text
    open_outside, open_inside = (lines(page, "Demandes ouvertes par service") for page in (outside, inside))
    assert open_inside[large][1:4] == [str(MANY), str(LATE), str(LATE)]
    assert open_inside[small][1] == "1"
    assert open_outside[large][1:4] == [str(MANY), "&lt; 11", "&lt; 11"]
    assert open_outside[small][1] == "&lt; 11"
    # The total less what is shown would be the hidden count: it is withheld
    assert "non montré" in section(outside, "Demandes ouvertes et silencieuses")
    assert "1 lignes de moins de 11 cas" in plain(section(outside, "Équité entre demandeurs et services")).replace("\u00a0", " ")


async def test_each_figure_has_its_window_its_version_and_what_was_published(db: Database) -> None:
    async with visiting(make_door(db), COORDINATOR) as visitor:
        page = (await visitor.get("/pilotage")).text
    assert "Définitions 2026\N{NON-BREAKING HYPHEN}1" in page
    found = section(page, "Nos chiffres, et ce qui a été publié ailleurs")
    assert found.count("m-reference") == 6
    assert found.count("Autre population") == 6


async def test_only_who_takes_part_steers(db: Database) -> None:
    async with visiting(make_door(db), NURSE) as visitor:
        assert 'href="/pilotage"' not in (await visitor.get("/services")).text
        for path in ("/pilotage", "/pilotage/pilotage.xlsx", "/pilotage/delais/csv"):
            assert (await visitor.get(path)).status_code == 403


async def test_the_files_hold_what_the_page_shows(db: Database) -> None:
    large = await name_of(db, make.SERVICE)
    async with visiting(make_door(db), PLANNER) as visitor:
        table = await visitor.get("/pilotage/demandes/csv")
        book = await visitor.get("/pilotage/pilotage.xlsx")
        assert (await visitor.get("/pilotage/nimporte/csv")).status_code == 404
    assert table.content.startswith(b"\xef\xbb\xbf")
    assert "attachment" in table.headers["content-disposition"]
    [line] = [line for line in table.content.decode("utf-8-sig").splitlines() if line.startswith((f'"{large}"', large))]
    assert line.endswith(f";{MANY};{LATE};{LATE};0;0")
    with zipfile.ZipFile(io.BytesIO(book.content)) as opened:
        sheets = [opened.read(name).decode() for name in opened.namelist() if name.startswith("xl/worksheets/sheet")]
        texts = opened.read("xl/sharedStrings.xml").decode()
    assert len(sheets) == 4
    assert not any("<f>" in sheet or "<hyperlink" in sheet for sheet in sheets)
    assert f"<v>{MANY}</v>" in sheets[1]
    assert large in texts


async def test_the_map_links_each_commune_and_draws_real_contours_once_loaded(db: Database) -> None:
    door = make_door(db)
    ring = ((2.43, 48.77), (2.47, 48.77), (2.47, 48.80), (2.43, 48.80), (2.43, 48.77))
    async with visiting(door, COORDINATOR) as visitor:
        before = (await visitor.get("/pilotage")).text
        async with db.transaction(SYSTEM) as tx:
            communes = await directory.communes(tx)
            kept, missing = await directory.load_contours(tx, [directory.Contour("94028", ((ring,),))], "IGN 2026 <b>")
        after = (await visitor.get("/pilotage")).text
    assert (kept, len(missing)) == (["94028"], len(communes) - 1)
    for page in (before, after):
        assert all(f'href="/territoire#c-{one.insee}"' in page for one in communes)
    assert "Contours non chargés" in before
    assert "IGN 2026 &lt;b&gt;" in after
    [drawn] = re.findall(r'href="/territoire#c-94028".*?<path d="(M[^"]+Z)"', after)
    assert drawn.count("L") == 4
    [hatched] = re.findall(r'aria-label="(Villeneuve-Saint-Georges[^"]+)"[^>]*><path d="[^"]+"/><path class="m-map-hatched"', after)
    assert "aucune CPTS" in hatched
