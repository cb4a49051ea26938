"""How a scenario was fitted: figures in its file, read back as they were; what anybody else wrote there is refused by its key."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from tests.support.fits import fit_of, fitted_file

from maillage.simulation import Wrong, fitted, read, text_of
from maillage.simulation.sentences import how_fitted, limits, sentences, tell


def test_a_file_keeps_figures_and_no_sentence() -> None:
    text = fitted_file()
    assert read(text, "ours").calibration == fit_of()
    assert text_of(read(text, "ours")) == text
    assert text_of(read(text, "other").changing({"box.base": 18})).count("[calibration]") == 1
    kept = tomllib.loads(text)["calibration"]
    assert [value for value in _texts(kept) if " " in value] == []
    assert kept["begin"] == "2026-01-05"
    assert (kept["weeks"], kept["held_out"], kept["inside_band"]) == (39, 13, 0.92)
    assert [row["loss"] for row in kept["back_test"]] == [30.0, 1.5]


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []


def test_no_scenario_says_otherwise_than_its_figures() -> None:
    assert (fit_of(39.0).calibrated, fit_of(40.0).calibrated, fit_of(41.0).calibrated) == (True, False, False)
    assert [how_fitted(fit_of(loss))["code"] for loss in (30.0, 50.0)] == ["limit.fitted", "limit.not-foretold"]
    assert how_fitted(None)["code"] == "limit.not-fitted"
    assert how_fitted(None)["code"] in sentences()


def test_it_is_told_in_either_language() -> None:
    good, bad = how_fitted(fit_of()), how_fitted(fit_of(50.0))
    assert [tell(good, lang) for lang in ("fr", "en")] == [
        (
            "Calé sur ce service : 39 semaines à partir du 05/01/2026, 92 % des résumés dans la bande à 90 % ; sur les 13 suivantes, tenues à l'écart, "
            "séjour médian : 81 % des jours dans la bande à 80 %, présents : 78 % des jours."
        ),
        (
            "Fitted to this department: 39 weeks from 05/01/2026, 92 % of the summaries in the 90 % band; over the next 13, held out, "
            "median stay: 81 % of days in the 80 % band, people present: 78 % of days."
        ),
    ]
    assert [tell(bad, lang) for lang in ("fr", "en")] == [
        "Non calé sur ce service : 39 semaines à partir du 05/01/2026 ; les 13 suivantes, tenues à l'écart, sont moins bien prévues que par leur passé.",
        "Not fitted to this department: 39 weeks from 05/01/2026; the next 13, held out, are foretold worse than by their own past.",
    ]


def test_two_scenarios_say_each_once_how_they_were_fitted() -> None:
    assert [each["code"] for each in limits(fit_of(), None)][1:3] == ["limit.fitted", "limit.not-fitted"]
    assert len(limits(fit_of(), fit_of())) == len(limits(None, None)) == len(limits()) == 5


FACTOR = {"name": "contact", "median": 1.0, "low": 0.5, "high": 2.0, "ratio": 0.5}
WRONG: dict[str, dict[str, Any]] = {
    "base: a text": {"base": "x" * 101},
    "code: a text": {"code": 5},
    "begin: a date": {"begin": "5 janvier"},
    "seed: a whole": {"seed": -1},
    "weeks: a whole": {"weeks": True},
    "held_out: a whole": {"held_out": 1.5},
    "inside_band: a number from 0 to 1": {"inside_band": 1.2},
    "factors: one row for each of contact": {"factors": [FACTOR]},
    "back_test: one row for each of median_stay, census": {"back_test": ["good"]},
    "loss: a number": {"back_test": [{"measure": "median_stay", "loss": float("nan")}, {"measure": "census"}]},
    "kolmogorov: one distance for each of home, ward, uhcd": {"kolmogorov": {"home": 0.1}},
    "ward: a number from 0 to 1": {"kolmogorov": {"home": 0.1, "ward": float("inf"), "uhcd": 0.1}},
}


@pytest.mark.parametrize("why", WRONG)
def test_what_no_fit_wrote_is_refused_by_its_key(why: str) -> None:
    with pytest.raises(ValueError, match=why):
        fitted.read(fitted.figures(fit_of()) | WRONG[why])


@pytest.mark.parametrize("missing", fitted.figures(fit_of()))
def test_what_is_missing_is_refused(missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        fitted.read({key: value for key, value in fitted.figures(fit_of()).items() if key != missing})


@pytest.mark.parametrize("kept", ["'Calé sur ce service : 39 semaines.'", "5", "[]", "{ begin = 'hier' }"])
def test_a_file_with_anything_else_there_is_no_scenario(kept: str) -> None:
    """A sentence too: one that stands in a file can be told in one language only."""
    with pytest.raises(Wrong, match=r"^calibration: .*\[not-a-calibration\]"):
        read(f"base = 'percy-20000'\ncalibration = {kept}\n", "ours")
