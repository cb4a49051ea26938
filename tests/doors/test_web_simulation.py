"""The pages of the simulation, with the process that plays: asked, played outside the request, shown, compared, taken away as files."""

from __future__ import annotations

import html
import re
from pathlib import Path

import httpx
import pytest
from tests.simulation.test_outlook import quiet_department
from tests.support.fits import fit_of, fitted_file
from tests.support.web import Visitor, make_door, territory, visiting

from maillage import experiments
from maillage.cli.simulate import simulate
from maillage.experiments import actions
from maillage.kernel.actor import SYSTEM, Actor
from maillage.simulation import counts
from maillage.simulation import read as read_scenario
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
MANAGER = "direction-percy"


def said(page: httpx.Response) -> str:
    """The words of a page."""
    text = re.sub(r"<(script|style).*?</\1>", " ", page.text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).replace("\u00a0", " ").replace("\u202f", " ").replace("’", "'").split())


def form(page: httpx.Response) -> dict[str, str]:
    """What a browser would send of the editor: every control as it stands."""
    given = {}
    for tag in re.findall(r"<input[^>]*>", page.text):
        attributes = {name: html.unescape(value) for name, value in re.findall(r'(\w+)="([^"]*)"', tag)}
        if attributes.get("type") in ("radio", "checkbox") and " checked" not in tag:
            continue
        if "name" in attributes:
            given[attributes["name"]] = attributes.get("value", "")
    for name, inside in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page.text, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', inside)
        given[name] = chosen[1] if chosen else ""
    for name, inside in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', page.text, re.DOTALL):
        given[name] = html.unescape(inside).strip()
    return given


async def edited(visitor: Visitor, base: str, **changed: str) -> httpx.Response:
    page = await visitor.get(f"/simulation/scenario?depuis={base}")
    fields = {**form(page), **{key.replace("_", "-"): value for key, value in changed.items()}}
    return await visitor.post("/simulation/scenario", fields, shown=f"/simulation/scenario?depuis={base}")


async def test_who_may_see_it_and_who_may_not(db: Database) -> None:
    async with visiting(make_door(db), MANAGER) as visitor:
        page = await visitor.get("/simulation")
        assert page.status_code == 200
        assert "Percy : 35 000 passages, rien d'autre ne change" in said(page)
        assert 'href="/simulation" aria-current="page"' in page.text
    async with visiting(make_door(db), "medecin-clamart") as visitor:
        assert (await visitor.get("/simulation")).status_code == 403
        assert 'href="/simulation"' not in (await visitor.get("/")).text


async def test_the_editor_shows_units_limits_and_what_is_assumed(db: Database) -> None:
    async with visiting(make_door(db), MANAGER) as visitor:
        page = await visitor.get("/simulation/scenario?depuis=percy-35000-overflow")
        words = said(page)
        assert "Boxes, 1 à 400." in words
        assert "Minutes, 1 à ∞. Hypothèse." in words
        assert re.search(r'name="box-base" value="26"', page.text)
        assert (await visitor.get("/simulation/scenario?depuis=nobody")).status_code == 404


async def test_errors_stand_beside_the_field_and_nothing_is_lost(db: Database) -> None:
    async with visiting(make_door(db), MANAGER) as visitor:
        page = await edited(visitor, "percy-35000-overflow", box_base="0", doctor_base="deux", patience_mean_4="-1", how="play")
        assert page.status_code == 422
        assert "Boxes : Indiquez une valeur de 1 à 400 boxes." in said(page)
        assert 'href="#f-doctor-base"' in page.text
        assert re.search(r'name="doctor-base" value="deux"[^>]*aria-invalid="true"', page.text)
        supposed = re.search(r"<details[^>]*open[^>]*><summary>Patience et délais", page.text)
        assert supposed, "a section with an error inside is open"
        assert "Simulations demandées" not in said(page)


async def test_a_scenario_is_kept_and_found_again(db: Database) -> None:
    async with visiting(make_door(db), MANAGER) as visitor:
        kept = await edited(visitor, "percy-35000-rebuilt", title="Avec 30 boxes", box_base="30", how="keep")
        assert kept.headers["location"] == "/simulation?fait=simulation-kept"
        page = await visitor.get("/simulation")
        assert "Avec 30 boxes" in said(page)
        [id] = re.findall(r"/simulation/scenario/([^/]+)/retirer", page.text)
        assert re.search(r'name="box-base" value="30"', (await visitor.get(f"/simulation/scenario?depuis={id}")).text)
        gone = await visitor.post(f"/simulation/scenario/{id}/retirer", shown="/simulation")
        assert gone.headers["location"] == "/simulation?fait=simulation-dropped"


async def test_a_file_of_the_calibration_is_taken_in_with_its_figures(db: Database) -> None:
    async with visiting(make_door(db), MANAGER) as visitor:
        bad = await visitor.post("/simulation/fichier", {"file": "[set]\n'box.base' = 0"}, shown="/simulation")
        assert bad.status_code == 422
        assert "Ce fichier n'est pas un scénario (box.base, 0 is not between 1 and 400 boxes)." in said(bad)
        told = {"file": "base = 'percy-20000'\ncalibration = 'Calé sur ce service : 39 semaines.'\n"}
        bad = await visitor.post("/simulation/fichier", told, shown="/simulation")
        assert "Ce fichier n'est pas un scénario (calibration, a table of figures is expected" in said(bad)
        await taken_in(visitor)
        assert "Urgences Nord" in said(await visitor.get("/simulation"))
    [kept] = await kept_scenarios(db)
    assert read_scenario(kept.content, "ours").calibration == fit_of()


async def taken_in(visitor: Visitor) -> str:
    """A fitted scenario that the house keeps: its id."""
    assert (await visitor.post("/simulation/fichier", {"file": fitted_file()}, shown="/simulation")).status_code == 303
    [id] = re.findall(r"/simulation/scenario/([^/]+)/retirer", (await visitor.get("/simulation")).text)
    return str(id)


async def kept_scenarios(db: Database) -> list[experiments.Kept]:
    manager = Actor("person", "x", ("hia-percy",), frozenset({"gestionnaire"}), assurance="demo")
    async with db.transaction(manager) as tx:
        return await experiments.scenarios(tx)


async def test_asked_followed_played_and_taken_away(db: Database, tmp_path: Path) -> None:
    """One process plays what three requests ask; what the page gives is what the command gives."""
    runner = experiments.Runner(db)
    async with visiting(make_door(db), MANAGER) as visitor:
        try:
            other = await taken_in(visitor)
            asked = await edited(
                visitor, "percy-35000-overflow", title="Un box de plus", box_base="27", against=other, runs="2", how="play"
            )
            address = asked.headers["location"]
            waits = await visitor.get(address)
            assert waits.headers["refresh"] == "1"
            assert "La simulation va commencer." in said(waits)
            assert "refresh" not in (await visitor.get(f"{address}?suivre=0")).headers
            assert (await visitor.get(f"{address}/resultats.csv")).status_code == 404
            assert await runner.round()
            await shown_and_taken(visitor, address, tmp_path)
            await cancelled(visitor, runner, db)
        finally:
            await runner.close()


LANGUAGE = {"theme": "systeme", "keys": "touches"}
FRENCH = re.compile(
    r"\b(?:le|la|les|des|une|aucune|pour|avec|dans|sont|sans|par|jours|années|heures?|médecins?|lits?|attente|hypothèse|à|et|ou|du)\b",
    re.IGNORECASE,
)


def words_of(text: str) -> str:
    """The words of a page but for its titles that somebody gave."""
    shown = re.sub(r"<(script|style).*?</\1>", " ", text, flags=re.DOTALL)
    return (
        html.unescape(re.sub(r"<[^>]+>", " ", shown)).replace("Un box de plus", "").replace("un-box-de-plus", "").replace("STRESS-DES", "")
    )


async def in_english(visitor: Visitor, *addresses: str) -> str:
    """The same pages in English: no French word but the titles that somebody gave; what the worker found is told in English too."""
    await visitor.post("/affichage", {**LANGUAGE, "lang": "en"}, shown="/affichage")
    told = []
    for address in addresses:
        page = (await visitor.get(address)).text
        assert '<html lang="en"' in page
        ours = re.sub(
            r"<textarea.*?</textarea>",
            " ",
            page.partition("<main")[2].partition("</main>")[0],
            flags=re.DOTALL,
        )
        words = words_of(ours)
        assert not re.search(r"\d,\d(?!\d\d)", words), "numbers are English too"
        assert FRENCH.findall(words) == [], (address, re.sub(r"\s+", " ", words))
        told.append(" ".join(words.split()))
    await visitor.post("/affichage", {**LANGUAGE, "lang": "fr"}, shown="/affichage")
    return " ".join(told)


async def shown_and_taken(visitor: Visitor, address: str, folder: Path) -> None:
    told = await in_english(visitor, address, "/simulation", "/simulation/scenario", "/simulation/scenario?depuis=percy-20000")
    assert re.search(r"A doctor is seen after \d+|The mean door-to-doctor time(?: falls| rises|: no difference shown)", told)
    assert "foretells neither a day nor a patient" in told
    assert "Fitted to this department: 39 weeks from 05/01/2026, 92 % of the summaries in the 90 % band;" in told
    page = await visitor.get(address)
    words = said(page)
    assert "refresh" not in page.headers
    assert "Terminée" in words
    assert re.search(r"Le délai porte-médecin moyen (baisse|augmente) de|aucune différence démontrée", words)
    assert words.index("Durée de séjour, moyenne") < words.index("Partis sans être vus")
    assert "ne prédit ni une journée, ni un patient" in words
    assert "Calé sur ce service : 39 semaines à partir du 05/01/2026, 92 % des résumés dans la bande à 90 % ;" in words
    assert page.text.count('class="m-plot"') >= 6
    assert re.search(r"Graine 2026 Version du code [0-9a-f]{16} Années simulées 2 \(nombre demandé\)", words)
    csv = (await visitor.get(f"{address}/resultats.csv")).content.decode("utf-8-sig")
    hashes = re.findall(r"empreinte ([0-9a-f]{16})", words)
    assert all(f";{each};" in csv for each in hashes)
    paper = await visitor.get(f"{address}/rapport.pdf")
    assert paper.content.startswith(b"%PDF")
    assert "attachment" in paper.headers["content-disposition"]
    files = []
    for side in "ba":
        given = await visitor.get(f"{address}/scenario/{side}")
        name = re.search(r'filename="([^"]+)"', given.headers["content-disposition"])
        assert name
        files.append(folder / name[1])
        files[-1].write_bytes(given.content)
    report = folder / "report.html"
    simulate(str(files[1]), against=str(files[0]), replications=2, seed=2026, report=report)
    assert report.read_bytes() == (await visitor.get(f"{address}/rapport.html")).content
    simulate(str(files[1]), against=str(files[0]), replications=2, seed=2026, report=report, lang="en")
    await visitor.post("/affichage", {**LANGUAGE, "lang": "en"}, shown="/affichage")
    assert report.read_bytes() == (await visitor.get(f"{address}/rapport.html")).content
    told = " ".join(words_of(report.read_text(encoding="utf-8")).split())
    assert "Fitted to this department: 39 weeks from 05/01/2026" in told
    assert FRENCH.findall(told) == []
    assert (await visitor.get(f"{address}/resultats.csv")).text.lstrip("\ufeff").startswith("indicator;unit;scenario")
    assert (await visitor.get(f"{address}/rapport.pdf")).content not in (b"", paper.content)
    await visitor.post("/affichage", {**LANGUAGE, "lang": "fr"}, shown="/affichage")


async def cancelled(visitor: Visitor, runner: experiments.Runner, db: Database) -> None:
    """Somebody stops a long one while it is played: its process ends, and the next one is played by another."""
    asked = await edited(visitor, "percy-35000-overflow", title="Long", runs="1000", how="play")
    id = asked.headers["location"].rpartition("/")[2]
    begun = await db.run(SYSTEM, actions.begin)
    assert begun
    stopped = await visitor.post(f"/simulation/{id}/arreter", shown=f"/simulation/{id}")
    assert stopped.headers["location"].endswith("fait=simulation-cancelled")
    await runner._play(begun)
    assert runner.process is None, "what nobody wants is not played to its end"
    assert "Arrêtée" in said(await visitor.get(f"/simulation/{id}"))


async def test_what_the_process_says_of_a_scenario_that_breaks_is_shown(db: Database) -> None:
    async with visiting(make_door(db), MANAGER) as visitor:
        asked = await edited(visitor, "percy-35000-overflow", title="Cède", how="play")
        address = asked.headers["location"]
        id = address.rpartition("/")[2]
        await db.run(SYSTEM, actions.begin)
        runner = experiments.Runner(db)
        assert not await runner._heard(id, {"wrong": {"key": "arrivals.volume", "code": "ceiling-exceeded", "detail": ""}, "final": True})
        page = await visitor.get(address)
        assert "ceiling-exceeded: arrivals.volume" in said(page)
        assert "Changer un nombre" in said(page)


async def test_weights_and_teams_are_shown(db: Database) -> None:
    async with visiting(make_door(db), MANAGER) as visitor:
        first = (await edited(visitor, "percy-35000-overflow", how="play")).headers["location"]
        for kind, answer, expected in (
            ("sensitivity", {"sensitivity": [{"parameter": "contact1.mean", "down": FIGURE, "up": FIGURE}]}, "Premier contact médical"),
            ("staffing", {"staffing": TEAMS}, "L'équipe la moins chère qui tient"),
        ):
            asked = await visitor.post(f"{first}/encore", {"kind": kind}, shown=first)
            id = asked.headers["location"].rpartition("/")[2]
            while (begun := await db.run(SYSTEM, actions.begin)) and begun.id != id:
                pass
            trace = {"scenario": "s", "title": "t", "scenario_hash": "h", "code_hash": "c", "seed": 1}
            async with db.transaction(SYSTEM) as tx:
                await actions.complete(tx, id, {**trace, **answer}, {})
            assert expected in said(await visitor.get(f"/simulation/{id}"))


FIGURE = {"mean": -3.0, "low": -4.0, "high": -2.0}
TEAMS = {
    "tried": [{"values": {"doctor.base": 2}, "cost": 144, "holds": True, "figures": {"door_p90": [55.0, 58.0], "unseen": [1.0, 1.4]}}],
    "found": {"doctor.base": 2},
}


async def test_hourly_counts_give_forecasts_with_what_they_were_worth(db: Database) -> None:
    text = counts.text_of(quiet_department())
    runner = experiments.Runner(db)
    async with visiting(make_door(db), MANAGER) as visitor:
        for wrong in ("title = 'un scénario'", "[1]"):
            bad = await visitor.post("/simulation/prevision", {"counts": wrong}, shown="/simulation")
            assert bad.status_code == 422
            assert "Ce fichier ne contient pas de comptes horaires" in said(bad)
        asked = await visitor.post("/simulation/prevision", {"counts": text}, shown="/simulation")
        late = await visitor.post("/simulation/prevision", {"counts": text.replace("2026-01-05", "2026-01-06")}, shown="/simulation")
        address = asked.headers["location"]
        assert (await visitor.get(address)).headers["refresh"] == "1"
        try:
            assert await runner.round()
            assert await runner.round()
        finally:
            await runner.close()
        words = said(await visitor.get(address))
        assert "personnes éligibles entre 18 h et 24 h" in words
        assert "D'ici 24 h" in words
        assert "Arrivées, 72 h d'avance" in words
        assert "Aucune prévision ne porte sur une personne" in words
        assert (await visitor.get(f"{address}/scenario/a")).text == text
        assert "bad-counts: monday" in said(await visitor.get(late.headers["location"]))
        assert "Prévision" in said(await visitor.get("/simulation"))
