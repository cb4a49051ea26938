"""Forecasts from hourly counts: from a national extract to bands, with what they were worth; a file that is none is refused by its key."""

from __future__ import annotations

import json
import re
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.rules.test_simulation_sentences import FRENCH
from tests.simulation.test_calibration import BASE, TRUE, department, written

from maillage.cli.forecast import _say, forecast, lines
from maillage.cli.status import OK, PROBLEM, Failure
from maillage.simulation import Wrong, arrivals, counts, outlook
from maillage.simulation.calibration import EXITS, Extract
from maillage.simulation.counts import WEEK, Counts

MONDAY = date(2026, 1, 5)
WEEKS = 20


@cache
def quiet_department() -> Counts:
    """Twenty weeks of arrivals of the model; a third of them could go to the city doctor; a bed is needed within twelve hours."""
    times, _, _ = arrivals.patients(BASE, 3, WEEKS * 7)
    hours = np.bincount((times // 60).astype(int), minlength=WEEKS * WEEK).astype(float)
    return Counts(
        MONDAY,
        hours,
        np.random.default_rng(5).binomial(hours.astype(int), 1 / 3).astype(float),
        0.2,
        tuple(np.linspace(0.0, 1.0, 13)),
        (3, 4, 2, 1, 1),
    )


@cache
def foretold() -> dict[str, Any]:
    return outlook.answer(counts.text_of(quiet_department()))


def test_counts_are_those_of_the_extract_and_hold_no_passage() -> None:
    extract = department(TRUE, 28, 5)
    light = extract.exit == EXITS.index("home")
    found = counts.counted(extract, light, MONDAY)
    hours = int(extract.arrive[-1] // 60)
    assert len(found.arrivals) == hours
    assert found.arrivals.sum() == (extract.arrive < hours * 60).sum()
    assert found.eligible.sum() == (light & (extract.arrive < hours * 60)).sum()
    here = (extract.arrive < hours * 60) & (extract.arrive + extract.stay > hours * 60)
    assert here.sum() <= sum(found.present) <= here.sum() + 60  # those whose end is not known may be here
    assert found.after[0] == 0.0
    assert found.after[-1] > 0.9
    again = counts.read(json.dumps({**json.loads(counts.text_of(quiet_department()))}))
    assert again.arrivals.tolist() == quiet_department().arrivals.tolist()


def test_a_long_extract_keeps_its_last_weeks_from_a_monday() -> None:
    times = np.arange(0.0, 70 * WEEK * 60.0 + 61.0, 30.0)
    found = counts.counted(Extract(times, np.full(len(times), 20.0), np.zeros(len(times), np.int64)), np.zeros(len(times), bool), MONDAY)
    assert found.monday.weekday() == 0
    assert counts.MOST * WEEK <= len(found.arrivals) < (counts.MOST + 1) * WEEK
    assert set(found.arrivals) == {2.0}
    assert found.at(len(found.arrivals)).date() == date(2027, 5, 10)


def test_bands_hold_what_they_say_and_beat_memory() -> None:
    scores = {(score["measure"], score["hours"]): score for score in foretold()["scores"]}
    assert set(scores) == {*(("arrivals", hours) for hours in outlook.HORIZONS), ("eligible", 2)}
    for (measure, hours), score in scores.items():
        assert score["skill"] > 0, (measure, hours)
        assert score["count"] == (outlook.WEEKS * WEEK - hours + 5) // 6
        assert 0.7 < score["coverage"] <= 1.0


def test_means_of_the_bands_are_those_of_the_department() -> None:
    found, known = foretold(), quiet_department()
    daily = float(known.arrivals.sum()) / (7 * WEEKS)
    assert [one["at"][:10] for one in found["days"]] == ["2026-05-25", "2026-05-26", "2026-05-27"]
    assert all(abs(one["median"] - daily) < 0.2 * daily and one["low"] < one["median"] < one["high"] for one in found["days"])
    assert sum(one["median"] for one in found["arrivals"]) == pytest.approx(found["days"][0]["median"], rel=0.25)
    assert all(fit["high"] <= came["high"] for fit, came in zip(found["eligible"], found["arrivals"], strict=True))
    assert found["evening"]["at"].endswith("18:00")


def test_bed_demand_grows_with_the_hours_and_starts_with_who_is_here() -> None:
    demand = [one["median"] for one in foretold()["beds"]]
    assert demand == sorted(demand)
    nobody = quiet_department().__class__(MONDAY, quiet_department().arrivals, quiet_department().eligible, 1.0, (0.0, 1.0), (0, 0))
    here = Counts(MONDAY, nobody.arrivals, nobody.eligible, 1.0, (0.0, 1.0), (5, 0))
    none = np.zeros(100)
    assert outlook.beds(nobody, none, 2).tolist() == [1.0]
    assert np.argmax(outlook.beds(here, none, 2)) == 5


def test_an_hour_to_come_is_compared_with_hours_that_are_known() -> None:
    for known in range(8 * WEEK, 9 * WEEK, 13):
        for ahead in range(3 * 24):
            found = [outlook._before(known + ahead, k, known) for k in range(1, 9)]
            assert all(0 <= hour < known and (known + ahead - hour) % WEEK == 0 for hour in found)
            assert known - found[0] <= WEEK
            near = outlook._nearest(known + ahead, known)
            assert known <= near < known + WEEK


def test_what_is_foretold_is_told_in_french_or_in_english() -> None:
    french, english = lines(foretold(), "fr"), lines(foretold(), "en")
    assert french[0] == "20 semaines de comptes ; à partir du 25/05/2026, 0 h. Ne dit rien d'une personne."
    assert english[0] == "20 weeks of counts; from 25/05/2026, 0:00. Says nothing of a person."
    assert re.fullmatch(
        r"  Éligibles au médecin de ville, 2 h d'avance : perte 0,\d\d contre 0,\d\d par la mémoire, bande tenue \d+ %", french[-1]
    )
    assert re.fullmatch(r"  Eligible for the city doctor, 2 h ahead: loss 0\.\d\d against 0\.\d\d by memory, band held \d+ %", english[-1])
    assert [line for line in english if FRENCH.search(line)] == []
    by_memory = lines({**foretold(), "by": "memory"}, "en")
    assert by_memory[1] == "The arrivals shown are those of memory: the forecast did no better, or its band does not hold."
    assert [*by_memory[:1], *by_memory[2:]] == lines({**foretold(), "by": "regression"}, "en")


BAD = {
    "file": "[]",
    "monday": {"monday": "2026-01-06"},
    "arrivals": {"arrivals": "1 2 3"},
    "eligible": {"eligible": "9"},
    "admitted": {"admitted": 2},
    "after": {"after": [0.5, 0.2]},
    "present": {"present": [-1]},
}


@pytest.mark.parametrize("key", BAD)
def test_a_file_that_no_department_wrote_is_refused_by_its_key(key: str) -> None:
    bad = BAD[key]
    text = bad if isinstance(bad, str) else json.dumps({**json.loads(counts.text_of(quiet_department())), **bad})
    with pytest.raises(Wrong) as raised:
        counts.read(text)
    assert raised.value.key == key


def test_what_is_missing_is_named() -> None:
    said = json.loads(counts.text_of(quiet_department()))
    del said["present"]
    with pytest.raises(Wrong, match="present"):
        counts.read(json.dumps(said))
    with pytest.raises(Wrong, match="not a file of counts"):
        counts.read("title = 'a scenario'")


def test_the_command_says_it_all_and_writes_the_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = tmp_path / "rpu.xml", tmp_path / "counts.json"
    file.write_text(written(department(TRUE, 126, 7)), encoding="utf-8")
    assert forecast(file, out=out, json=True) in (OK, PROBLEM)
    found = json.loads(capsys.readouterr().out)
    assert found["scenario_hash"] == counts.digest_of(out.read_text())
    assert found["weeks"] == 17
    assert 0.5 < found["eligible_share"] < 0.95  # everyone of this file is CCMU 2; those who go home could go to the city doctor
    assert _say(found, "fr", json=False) == (OK if found["by"] == "regression" else PROBLEM)
    words = capsys.readouterr().out
    assert "lits demandés d'ici 24 h" in words
    assert "bande tenue" in words
    assert _say(found, "en", json=False) in (OK, PROBLEM)
    told = capsys.readouterr().out
    assert FRENCH.findall(told) == []
    assert "beds asked for within 24 h" in told
    assert len(told.splitlines()) == len(words.splitlines())
    file.write_text(written(department(TRUE, 126, 7), 40), encoding="utf-8")
    with pytest.raises(Failure, match="weeks"):
        forecast(file)
