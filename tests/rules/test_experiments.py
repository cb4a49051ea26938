"""Experiments: who may move them; scenarios as files and as forms; answers as words and plots."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from starlette.datastructures import ImmutableMultiDict

from maillage.codes import labels
from maillage.doors.web.forms import Reader
from maillage.doors.web.simulation import editor, presenters
from maillage.experiments import MOST_WAITING, rules
from maillage.kernel.answers import Allowed, Refused
from maillage.kernel.errors import Invalid
from maillage.simulation import load, problems, read, shipped, shipped_names, text_of
from maillage.simulation.spreadsheet import table

MOVES = ("begin", "answer", "complete", "fail", "cancel")
EXPECTED = {
    ("requested", "begin"), ("requested", "cancel"), ("in-progress", "begin"), ("in-progress", "answer"), ("in-progress", "complete"),
    ("in-progress", "fail"), ("in-progress", "cancel"),
}  # fmt: skip


@pytest.mark.parametrize(("status", "move"), list(product(sorted(rules.LIVE | rules.OVER), MOVES)))
def test_each_state_takes_its_moves_and_no_other(status: str, move: str) -> None:
    assert rules.may_move(status, move) == (Allowed() if (status, move) in EXPECTED else Refused("experiment-over"))


def test_an_organisation_asks_five_at_once_and_no_sixth() -> None:
    assert rules.may_ask(MOST_WAITING - 1) == Allowed()
    assert rules.may_ask(MOST_WAITING) == Refused("too-many-experiments")


def test_every_state_and_kind_has_its_word() -> None:
    assert [code for code in rules.LIVE | rules.OVER if not labels.entry("experiment-state", code)] == []
    assert [code for code in rules.KINDS if not labels.entry("experiment-kind", code)] == []


@pytest.mark.parametrize("name", shipped_names())
def test_a_scenario_as_a_file_gives_the_same_hash(name: str) -> None:
    scenario = shipped(name)
    again = read(text_of(scenario), name)
    assert (again.digest, again.title, again.question) == (scenario.digest, scenario.title, scenario.question)
    assert [site.digest for site in again.sites] == [site.digest for site in scenario.sites]


def test_a_change_reaches_each_department() -> None:
    changed = shipped("confluence-190000").changing({"box.base": 60})
    assert [site.values["box.base"] for site in changed.sites] == [60, 60]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    found = problems({"box.base": 0, "doctor.base": "two", "boxes": 2})
    assert [(wrong.key, wrong.code) for wrong in found] == [
        ("box.base", "out-of-range"), ("doctor.base", "not-a-number"), ("boxes", "unknown-key"),
    ]  # fmt: skip


def test_the_editor_asks_for_every_parameter_once() -> None:
    asked = [key for _, keys in (*editor.DECIDED, *editor.SUPPOSED) for key in keys]
    assert sorted(asked) == sorted(load().parameters)
    names = [field.name for field in editor.all_fields(shipped("percy-20000"))]
    assert len(names) == len(set(names)) > 180


@pytest.mark.parametrize("parameter", list(load().parameters.values()), ids=lambda one: one.key)
def test_each_parameter_has_its_words(parameter: Any) -> None:
    assert labels.entry("parameter", parameter.key)
    assert not parameter.unit or labels.entry("unit", parameter.unit)
    assert all(labels.entry("simulation-choice", each) for each in parameter.among)


def filled(name: str, **changed: str) -> ImmutableMultiDict[str, str]:
    """What a browser sends when somebody changes these fields and no other."""
    given = {}
    for field in editor.all_fields(shipped(name)):
        value = field.chosen[0] if field.kind == "radio" else field.value
        if field.kind != "checkbox" or value:
            given[field.name] = value
    return ImmutableMultiDict({**given, **{key.replace("_", "-"): value for key, value in changed.items()}})


@pytest.mark.parametrize("name", shipped_names())
def test_a_form_sent_as_it_was_shown_changes_nothing(name: str) -> None:
    reader = Reader(filled(name))
    numbers = editor.read(shipped(name), reader.values, reader)
    reader.done()
    assert shipped(name).changing(numbers).digest == shipped(name).digest


WRONG = {
    "box_base": ("0", "simulation-range:1 à 400 boxes"),
    "doctor_base": ("deux", "simulation-number"),
    "patience_mean_4": ("-3", "simulation-range:1 à ∞ minutes"),
    "arrivals_share_0": ("40", "simulation-sum"),
    "ward_share_0": ("95", "simulation-over"),
    "discharge_from": ("22", "simulation-order"),
    "arrivals_calendar": ("3 ; 4 ; 1,5", "simulation-rows"),
    "arrivals_volume": ("90000", "simulation-ceiling"),
}
BESIDE = {"ward_share_0": "uhcd-share-0"}


@pytest.mark.parametrize("field", WRONG)
def test_an_error_stands_beside_its_field(field: str) -> None:
    value, reason = WRONG[field]
    reader = Reader(filled("percy-35000-rebuilt", **{field: value}))
    editor.read(shipped("percy-35000-rebuilt"), reader.values, reader)
    with pytest.raises(Invalid) as found:
        reader.done()
    assert [(issue.expression, issue.reason) for issue in found.value.issues] == [(BESIDE.get(field, field.replace("_", "-")), reason)]


@pytest.mark.parametrize(("typed", "value"), [("1 250,5", 1250.5), ("∞", float("inf")), ("35\u202f000", 35000.0)])
def test_numbers_are_read_as_french_people_write_them(typed: str, value: float) -> None:
    assert editor._number(typed) == value


FIGURE = {"mean": 53.91, "low": 52.1, "high": 55.7}


def test_a_figure_is_shown_with_its_interval_and_a_gap_only_where_one_is_shown() -> None:
    assert presenters.shown(FIGURE) == "53,9 [52,1 ; 55,7]"
    assert presenters.shown({"mean": None, "low": None, "high": None}) == "–"
    assert presenters.gap({"mean": -2.0, "low": -3.0, "high": -1.0, "shown": True}) == "−2,0 [−3,0 ; −1,0]"
    assert presenters.gap({"mean": -2.0, "low": -5.0, "high": 1.0, "shown": False}) == "aucune différence démontrée [−5,0 ; 1,0]"


def test_a_spreadsheet_says_of_each_figure_by_what_it_is_found_again() -> None:
    one = {"scenario": "a", "seed": 7, "scenario_hash": "h", "code_hash": "c", "replications": 20, "figures": {"door_mean": FIGURE}}
    two = {**one, "scenario": "b", "figures": {"door_mean": {"mean": None, "low": None, "high": None}}}
    lines = table({**one, "against": two, "difference": {"door_mean": FIGURE}}).removeprefix("\ufeff").split("\r\n")
    assert lines[1] == "door_mean;min;a;53,91;52,1;55,7;7;h;c;20"
    assert lines[2] == "door_mean;min;b;;;;7;h;c;20"
    assert lines[3].startswith("door_mean;min;écart;53,91")


def test_a_scenario_name_is_safe_in_a_table_and_in_a_file_name() -> None:
    assert editor.name_of("=HYPERLINK(1) ; Été à l’hôpital") == "hyperlink-1-ete-a-l-hopital"
    assert editor.name_of("???") == "scenario"
