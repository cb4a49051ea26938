"""Scenarios: what ships, and how a bad value is refused."""

from __future__ import annotations

import pytest

from maillage.simulation import parameters
from maillage.simulation.parameters import Wrong

ISSUE = {"percy-20000", "percy-35000", "percy-35000-rebuilt", "percy-35000-overflow", "confluence-190000"}


@pytest.mark.parametrize("name", parameters.shipped_names())
def test_each_scenario_that_ships_is_valid_and_asks_something(name: str) -> None:
    scenario = parameters.shipped(name)
    assert scenario.question
    assert scenario.title


def test_the_scenarios_of_the_bench_ship() -> None:
    assert set(parameters.shipped_names()) >= ISSUE | {"percy-35000-relocated", "percy-35000-beds-short"}


@pytest.mark.parametrize("parameter", parameters.load().parameters.values(), ids=lambda p: p.key)
def test_each_parameter_has_unit_source_and_range(parameter: parameters.Parameter) -> None:
    assert parameter.source
    assert parameter.among or (parameter.unit and parameter.low < parameter.high)


REFUSED = {
    "[set]\n'doctor.base' = -1": ("doctor.base", "out-of-range", "0 and 100 doctors"),
    "[set]\n'doctor.base' = 'two'": ("doctor.base", "not-a-number", "doctors"),
    "[set]\n'doctor.base' = true": ("doctor.base", "not-a-number", "doctors"),
    "[set]\n'doctor.base' = nan": ("doctor.base", "not-a-number", "doctors"),
    "[set]\n'doctors' = 2": ("doctors", "unknown-key", "no such parameter"),
    "[set]\n'arrivals.share' = [50, 50]": ("arrivals.share", "length", "6 numbers"),
    "[set]\n'arrivals.share' = [1, 1, 1, 1, 1, 1]": ("arrivals.share", "sum", "100 %"),
    "[set]\n'doctor.policy' = 'vanish'": ("doctor.policy", "not-among", "finish, hand-over"),
    "[set]\n'ward.share' = [95, 38, 24, 13, 3, 0.5]": ("uhcd.share", "sum", "100 %"),
    "[set]\n'arrivals.calendar' = [[1, 2]]": ("arrivals.calendar", "length", "4 numbers"),
    "colour = 'red'": ("colour", "unknown-key", "title"),
    "base = 'nowhere'": ("nowhere", "unknown-scenario", "percy-20000"),
    "[set": ("bad", "not-toml", ""),
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_bad_value_is_refused_with_key_range_and_unit(text: str) -> None:
    key, code, said = REFUSED[text]
    with pytest.raises(Wrong) as found:
        parameters.read(text, "bad")
    assert (found.value.key, found.value.code) == (key, code)
    assert said in str(found.value)


def test_more_than_twice_the_reference_is_refused() -> None:
    from maillage.simulation.world import people, prepare

    with pytest.raises(Wrong, match="ceiling-exceeded"):
        people(prepare(parameters.shipped("percy-35000").changing({"arrivals.volume": 90_000}), 20), 1)


def test_the_hash_of_a_scenario_is_that_of_its_numbers() -> None:
    base = parameters.shipped("percy-35000-rebuilt")
    assert base.changing({"doctor.base": 3}).digest != base.digest
    assert base.changing({"doctor.base": 3}).changing({"doctor.base": 2}).digest == base.digest
