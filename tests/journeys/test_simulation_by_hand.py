"""A director changes one number and sees what it changes, without JavaScript: asked, followed, read with its uncertainty."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import expect
from tests.conftest import LIMITS
from tests.journeys.conftest import Running
from tests.journeys.inspection import inspect
from tests.journeys.people import Person

from maillage import experiments
from maillage.store import Database

pytestmark = pytest.mark.browser


def plays(server: Running) -> None:
    """Let the worker play what waits, beside the loop of the browser."""

    async def once() -> None:
        database = await Database.open(server.dsn, server.clock, limits=LIMITS)
        runner = experiments.Runner(database)
        try:
            assert await runner.round()
        finally:
            await runner.close()
            await database.close()

    with ThreadPoolExecutor(1) as beside:
        beside.submit(asyncio.run, once()).result(120)


def test_a_director_changes_one_number_and_reads_what_it_changes(person: Callable[..., Person], server: Running) -> None:
    director = person("direction-percy", javascript=True)
    director.clicks("Simulation")
    director.sees_title("Simulation des urgences")
    director.page.get_by_role("row").filter(has_text="médecin de ville le soir").get_by_role("link", name="Modifier").click()
    director.sees_title("Modifier un scénario")
    director.page.locator("#f-box-base").fill("0")
    director.clicks("Simuler")
    expect(director.page.get_by_role("alert")).to_contain_text("Indiquez une valeur de 1 à 400 boxes.")
    inspect(director)
    director.page.locator("#f-box-base").fill("20")
    director.page.locator("#f-runs").fill("2")
    director.clicks("Simuler")
    director.sees("La simulation va commencer.")
    director.clicks("Ne plus l’actualiser")
    inspect(director)
    plays(server)
    director.clicks("Actualiser")
    director.sees("Ce que l’on peut en dire")
    expect(director.page.get_by_role("figure").first).to_be_visible()
    director.page.get_by_text("Les mêmes valeurs en tableau").first.click()
    assert re.search(r"graine", director.page.locator("main").inner_text(), re.IGNORECASE)
    inspect(director)
    director.goes_to("/simulation")
    inspect(director)


def test_a_director_reads_in_english_what_it_changes(person: Callable[..., Person], server: Running) -> None:
    director = person("direction-percy", javascript=True)
    director.goes_to("/affichage")
    director.page.get_by_label("English").check()
    director.clicks("Garder ces choix")
    director.goes_to("/simulation/scenario?depuis=percy-35000-overflow")
    director.page.locator("#f-against").select_option("percy-35000-rebuilt")
    director.page.locator("#f-runs").fill("2")
    director.clicks("Simulate")
    director.clicks("Stop refreshing it")  # its own refreshing would cut ours
    plays(server)
    director.page.reload()
    conclusion = director.page.locator(".m-conclusion")
    expect(conclusion).to_contain_text("With “Percy: 35,000 visits, rebuilt department, no city doctor” rather than")
    expect(conclusion).to_contain_text("foretells neither a day nor a patient")
    inspect(director)
