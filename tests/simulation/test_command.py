"""`maillage simulate`, typed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from maillage.cli.simulate import simulate
from maillage.cli.status import Failure
from maillage.simulation import staffing, sweep


def test_without_a_scenario_it_lists_those_that_ship(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate() == 0
    assert "percy-20000: Percy aujourd'hui" in capsys.readouterr().out


def test_two_scenarios_are_compared_on_the_same_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate("percy-35000-rebuilt", against="percy-35000-overflow", replications=8, json=True) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["replications"] == answer["against"]["replications"] == 8
    assert answer["difference"]["door_mean"]["shown"]
    assert answer["difference"]["door_mean"]["high"] < 0
    assert answer["figures"]["unseen"]["low"] < answer["figures"]["unseen"]["mean"] < answer["figures"]["unseen"]["high"]


def test_people_read_limits_and_assumptions_beside_the_figures(capsys: pytest.CaptureFixture[str]) -> None:
    simulate("percy-20000", replications=2)
    said = capsys.readouterr().out
    assert "ne prédit ni une journée, ni un patient" in said
    assert "sont des hypothèses" in said
    assert said.index("Durée de séjour") < said.index("Partis sans être vus") < said.index("scénario ")


def test_a_team_is_told_by_the_names_of_its_resources(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staffing, "grid_around", lambda *_, **__: {"doctor.base": [4, 30], "box.base": [60]})
    assert simulate("percy-20000", replications=2, staffing=True, lang="en") == 0
    said = capsys.readouterr().out
    assert re.search(r"Cheapest team that holds \(\d tried\): .*\(doctor\.base\) ", said)
    assert re.search(r"breaks (from|beyond) ", said)


def test_a_file_with_a_bad_value_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("base = 'percy-20000'\n[set]\n'box.base' = 0", encoding="utf-8")
    with pytest.raises(Failure, match=r"box\.base: 0 is not between 1 and 400 boxes") as found:
        simulate(str(file))
    assert found.value.status == 2


def test_the_same_seed_gives_the_same_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for _ in range(2):
        simulate("percy-20000", replications=3, seed=11, json=True)
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]


def test_a_cluster_is_named_by_its_address_and_gives_the_same_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    """Two workers, each a process of its own, reached over the network as those of another machine would be."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1") as cluster:
        assert simulate("percy-20000", replications=2, seed=5, dask=cluster.scheduler_address, json=True) == 0
    there = capsys.readouterr().out
    assert simulate("percy-20000", replications=2, seed=5, json=True) == 0
    assert capsys.readouterr().out == there


def test_an_address_where_no_cluster_answers_is_said() -> None:
    with pytest.raises(Failure, match=r"no cluster answers at tcp://127\.0\.0\.1:9"):
        simulate("percy-20000", replications=2, dask="tcp://127.0.0.1:9")


def test_ctrl_c_cancels_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sweep, "threads", interrupted)
    with pytest.raises(Failure, match="cancelled"):
        simulate("percy-20000", replications=2)
