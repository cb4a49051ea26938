"""Calibration: the national extract read, what it tells read off, durations fitted, weeks held out foretold; and what was never like the model said to be so."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from tests.rules.test_simulation_sentences import FRENCH
from tests.support.fits import fit_of

from maillage.cli import rpu
from maillage.cli.calibrate import calibrate, lines
from maillage.cli.status import PROBLEM, Failure
from maillage.simulation import calibration, parameters, words, world
from maillage.simulation.calibration import EXITS, FACTORS, Extract
from maillage.simulation.calibration.extract import census, daily, summaries
from maillage.simulation.calibration.fit import SPREAD, applied, kolmogorov, learnt, normals, weighted_quantile
from maillage.simulation.draws import Purpose, drawn

ROOM = {"bed.base": 120, "doctor.base": 3, "nurse.base": 4, "box.base": 40}
MONDAY = datetime(2026, 1, 5)  # noqa: DTZ001  # the wall clock of the department
BASE = parameters.shipped("percy-20000")
TRUE = np.log([1.25, 1.0, 0.8, 1.3, 1.0, 1.0])


def department(logs: np.ndarray, days: int, seed: int) -> Extract:
    """What a department of which we know everything records."""
    ready = world.prepare(applied(BASE, logs), days)
    return calibration.observed(ready, world.run(ready, seed))


@cache
def ten_weeks() -> Extract:
    return department(TRUE, 70, 11)


def written(extract: Extract, entries: int | None = None) -> str:
    """The national file, with invented identities that nobody may look at."""
    lines = []
    for n in range(entries or len(extract.arrive)):
        entry = MONDAY + timedelta(minutes=round(float(extract.arrive[n])))
        code = EXITS[extract.exit[n]] if extract.exit[n] >= 0 else ""
        stay = extract.stay[n]
        left = f"{entry + timedelta(minutes=round(float(stay))):%d/%m/%Y %H:%M}" if not np.isnan(stay) else ""
        mode = {"home": "8", "unseen": "8", "ward": "6", "uhcd": "6", "": ""}[code]
        orientation = {"home": "", "unseen": "PSA", "ward": "MED", "uhcd": "UHCD", "": ""}[code]
        lines.append(
            f"<PATIENT><CP>92140</CP><COMMUNE>CLAMART</COMMUNE><NAISSANCE>01/01/1950</NAISSANCE><SEXE>F</SEXE><ENTREE>{entry:%d/%m/%Y %H:%M}</ENTREE>"
            f"<MODE_ENTREE>8</MODE_ENTREE><TRANSPORT>PERSO</TRANSPORT><GRAVITE>2</GRAVITE><DP>S610</DP><SORTIE>{left}</SORTIE>"
            f"<MODE_SORTIE>{mode}</MODE_SORTIE><DESTINATION>1</DESTINATION><ORIENT>{orientation}</ORIENT></PATIENT>"
        )
    return f"<?xml version='1.0' encoding='UTF-8'?><OSCOUR><ETABLISSEMENT><FINESS>920000684</FINESS></ETABLISSEMENT><PASSAGES>{''.join(lines)}</PASSAGES></OSCOUR>"


def test_the_national_file_is_read_by_folder_and_gives_times_and_ways_out(tmp_path: Path) -> None:
    extract = ten_weeks()
    half = len(extract.arrive) // 2
    second = Extract(extract.arrive[half:], extract.stay[half:], extract.exit[half:])
    (tmp_path / "b.xml").write_text(written(extract, half), encoding="utf-8")
    (tmp_path / "a.xml").write_text(written(second), encoding="utf-8")
    found = rpu.read(tmp_path.glob("*.xml"))
    assert np.abs(found.arrive - np.sort(np.round(extract.arrive))).max() == 0
    assert np.bincount(found.exit + 1).tolist() == np.bincount(extract.exit + 1).tolist()
    assert np.nanmean(found.stay) == pytest.approx(np.nanmean(extract.stay), abs=0.1)


def test_nothing_about_a_person_is_kept_of_a_passage() -> None:
    [said, *_] = rpu.passages(written(ten_weeks(), 3).encode())
    assert set(said) == {"ENTREE", "SORTIE", "MODE_SORTIE", "ORIENT", "GRAVITE"}


BAD = {
    "not XML": "nothing",
    "no passage": "<OSCOUR><PASSAGES/></OSCOUR>",
    "document type": "<!DOCTYPE a [<!ENTITY b 'c'>]><OSCOUR/>",
    "no passage with": "<OSCOUR><PATIENT><ENTREE>32/13/2026 10:00</ENTREE></PATIENT></OSCOUR>",
}


@pytest.mark.parametrize("why", BAD)
def test_what_is_no_extract_is_refused(why: str, tmp_path: Path) -> None:
    (tmp_path / "x.xml").write_text(BAD[why], encoding="utf-8")
    with pytest.raises(rpu.BadExtract, match=why):
        rpu.read([tmp_path / "x.xml"])


@pytest.mark.parametrize(
    ("orientation", "mode", "code"),
    [("PSA", "8", "unseen"), ("FUGUE", "", "unseen"), ("UHCD", "6", "uhcd"), ("MED", "6", "ward"), ("CHIR", "7", "ward"), ("", "8", "home"), ("", "4", "home"), ("", "", "")],
)  # fmt: skip
def test_ways_out(orientation: str, mode: str, code: str) -> None:
    assert rpu._exit({"ORIENT": orientation, "MODE_SORTIE": mode}) == code


def test_the_census_is_the_area_under_those_present() -> None:
    extract = Extract(np.array([30.0, 60.0]), np.array([60.0, 120.0]), np.array([0, 0]))
    assert census(extract, 0, 1)[0, :4].tolist() == [0.5, 1.5, 1.0, 0.0]
    assert daily(extract, 0, 1)[0].tolist() == [90.0, 3.0 / 24]


def test_what_an_extract_tells_is_read_off() -> None:
    ready = world.prepare(
        BASE.changing({"arrivals.volume": 24_000, "arrivals.dispersion": 0.1, "ward.share": [80, 50, 34, 20, 6, 1], **ROOM}), 364
    )
    extract = calibration.observed(ready, world.run(ready, 5))
    found = calibration.read_off(BASE, extract)
    assert found.number("arrivals.volume") == pytest.approx(24_000, rel=0.03)
    assert found.numbers("arrivals.hour")[10] == pytest.approx(BASE.numbers("arrivals.hour")[10], abs=0.4)
    assert found.numbers("arrivals.weekday")[0] == pytest.approx(1.09, abs=0.03)
    assert found.number("arrivals.dispersion") == pytest.approx(0.1, abs=0.03)
    share = np.array(found.numbers("arrivals.share")) / 100
    assert share @ np.array(found.numbers("ward.share")) == pytest.approx(100 * float((extract.exit == 1).mean()), rel=0.05)


def test_the_real_arrivals_are_replayed() -> None:
    extract = ten_weeks()
    again = calibration.replayed(BASE, extract.arrive, 70, 3)
    assert set(again.arrive.tolist()) <= set(extract.arrive.tolist())
    assert len(again.arrive) > 0.99 * len(extract.arrive)
    assert not np.array_equal(again.stay, extract.stay)


def test_small_parts_of_the_statistics() -> None:
    assert [calibration.Factor("x", 1.0, 0.6, 1.5, ratio).informed for ratio in (0.3, 0.8, 0.9)] == [True, True, False]
    assert weighted_quantile(np.array([3.0, 1.0, 2.0]), np.ones(3), 0.5) == 2.0
    assert kolmogorov(np.array([1.0, 2.0]), np.array([3.0, 4.0])) == 1.0
    assert kolmogorov(np.array([1.0, 2.0]), np.array([1.0, 2.0])) == 0.0
    theta = normals(1, 0, 4000)
    assert np.abs(np.corrcoef(theta.T) - np.eye(len(FACTORS))).max() < 0.08
    seen = theta @ np.array([[1.0, 0.5]] + [[0.0, 1.0]] * (len(FACTORS) - 1)) + 0.01 * normals(2, 0, 4000)[:, :2]
    centre, scale, weights = learnt(theta, seen)
    assert np.corrcoef((seen - centre) / scale @ weights[:, 0], theta[:, 0])[0, 1] > 0.95


def test_a_fit_finds_what_the_extract_tells_and_says_what_it_does_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Through the command: six weeks too few are refused; ten are fitted, and the fitted scenario says by what."""
    file, out = tmp_path / "rpu.xml", tmp_path / "ours.toml"
    file.write_text(written(ten_weeks()), encoding="utf-8")
    with pytest.raises(Failure, match="10 weeks"):
        calibrate(file, base="percy-20000", held=4)
    status = calibrate(file, base="percy-20000", held=2, runs=240, out=out, json=True)
    answer = json.loads(capsys.readouterr().out)
    factors = {one["name"]: one for one in answer["factors"]}
    assert factors["contact"]["median"] == pytest.approx(1.25, rel=0.1)
    assert factors["contact"]["informed"]
    width = {name: np.log(one["high"] / one["low"]) for name, one in factors.items()}
    assert width["patience"] > 2 * width["contact"], "where hardly anybody leaves, patience hardly shows"
    assert answer["inside_band"] > 0.6
    assert max(answer["kolmogorov"].values()) < 0.2
    assert (status == PROBLEM) == (not answer["calibrated"])
    text = out.read_text(encoding="utf-8")
    fitted = parameters.read(text, "ours")
    assert fitted.calibration
    assert (fitted.title, fitted.calibration.begin, fitted.calibration.calibrated) == ("ours", MONDAY.date(), answer["calibrated"])
    assert fitted.number("arrivals.volume") == pytest.approx(20_000, rel=0.06)
    assert [(one["name"], one["median"], one["informed"]) for one in answer["factors"]] == [
        (one.name, one.median, one.informed) for one in fitted.calibration.factors
    ]
    assert [one["skill"] for one in answer["back_test"]] == [one.skill for one in fitted.calibration.back_test]
    assert "said" not in answer
    assert not re.search(r"[Cc]alé", text), "figures, no sentence"


def test_a_fit_is_told_in_french_or_in_english() -> None:
    french, english = lines(fit_of(), "fr"), lines(fit_of(), "en")
    assert french[1:] == [
        "  Contacts médicaux : × 1,25 [1,10 ; 1,40]",
        "  Soins et tri : × 1,25 [1,10 ; 1,40]",
        "  Examens et observation : × 1,25 [1,10 ; 1,40]",
        "  Transferts : × 1,25 [1,10 ; 1,40]",
        "  Patience : × 1,25 [1,10 ; 1,40], non renseigné par les données",
        "  Séjours en service : × 1,25 [1,10 ; 1,40]",
        "  Retour à domicile, écart de Kolmogorov des séjours : 0,050",
        "  Hospitalisés, écart de Kolmogorov des séjours : 0,050",
        "  UHCD, écart de Kolmogorov des séjours : 0,050",
        "  Séjour médian, semaines tenues à l'écart : perte 30,00 contre 40,00 par le passé, bande tenue 81 %",
        "  Présents dans le service, semaines tenues à l'écart : perte 1,50 contre 2,00 par le passé, bande tenue 78 %",
    ]
    assert len(english) == len(french)
    assert english[5] == "  Patience: × 1.25 [1.10 ; 1.40], not informed by the data"
    assert [line for line in english if FRENCH.search(line)] == []


def test_weeks_without_a_stay_cannot_be_held_out(tmp_path: Path) -> None:
    extract, file = ten_weeks(), tmp_path / "rpu.xml"
    late = np.where(extract.arrive < 56 * 1440.0, extract.stay, np.nan)
    file.write_text(written(Extract(extract.arrive, late, extract.exit)), encoding="utf-8")
    with pytest.raises(Failure, match="no stay is known in the 2 weeks"):
        calibrate(file, base="percy-20000", held=2)


def test_what_is_fitted_and_judged_has_its_words() -> None:
    assert tuple(words.FACTORS) == tuple(FACTORS)
    assert tuple(words.WAYS_OUT) == EXITS[:3]


def test_weeks_unlike_those_of_the_fit_are_said_not_to_be_foretold() -> None:
    """From the ninth week on everybody stays twice as long: the fit is worse than memory of the weeks since."""
    extract = department(TRUE, 112, 12)
    fitted = fake_fit(70)
    assert calibration.calibrated(calibration.held_out(BASE, extract, fitted, draws=6))
    longer = np.where(extract.arrive >= 70 * 1440.0, 2.0, 1.0)
    changed = Extract(extract.arrive, extract.stay * longer, extract.exit)
    assert not calibration.calibrated(calibration.held_out(BASE, changed, fitted, draws=6))


def fake_fit(days: int) -> calibration.Fit:
    """A fit that found the truth."""
    return calibration.Fit(applied(BASE, TRUE), (), np.tile(TRUE, (6, 1)), 1.0, {}, days)


@pytest.mark.nightly
def test_ninety_percent_intervals_cover_what_they_say() -> None:
    """Fifty departments whose factors come from the prior: nine in ten intervals hold the truth, 80 to 97 %."""
    held = []
    for n in range(50):
        truth = SPREAD * normals(7_000 + n, 0, 1)[0]
        extract = department(truth, 56, 900 + n)
        found = calibration.fit(BASE, extract, seed=50 + n, pilot=200, particles=80, generations=3)
        held += [factor.low <= np.exp(t) <= factor.high for factor, t in zip(found.factors, truth, strict=True)]
    assert 0.80 <= np.mean(held) <= 0.97, f"coverage {np.mean(held):.3f}"


def test_streams_of_the_prior_are_their_own() -> None:
    assert len({int(Purpose.PRIOR), int(Purpose.ALTERNATIVE), int(Purpose.RESIDUE)}) == 3
    assert drawn(1, np.array([1], np.uint64), Purpose.PRIOR)[0] != drawn(1, np.array([1], np.uint64), Purpose.ALTERNATIVE)[0]
    assert summaries(ten_weeks(), 14, 70).shape == (6 * 4 + 1 + 24,)
