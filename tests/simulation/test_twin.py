"""The engine against its twin in plain Python: every stamp, ties and zones included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from maillage.simulation import parameters
from maillage.simulation.play import Played, play
from maillage.simulation.twin import Twin
from maillage.simulation.world import covered, people, prepare

OPTIONS: dict[str, dict[str, Any]] = {
    "as it ships": {},
    "hand-over, second contacts first, longest wait, evenings not covered": {
        "doctor.policy": "hand-over", "doctor.second_first": 1, "bed.order": "longest-wait", "og.covered": 60,
    },
    "ageing, no zone, beds for the department first": {"doctor.ageing": [9, 5, 3, 2, 1, 1], "zones.on": 0, "bed.order": "ed-first"},
    "crowded, remote zone watched four hours": {"box.base": 14, "near.places": 3, "remote.watch": [10, 14], "doctor.base": 1},
}  # fmt: skip


def stamps(twin: Twin, like: Played) -> np.ndarray:
    made = np.full(like.trace.marks.shape, np.nan)
    for row, found in enumerate(twin.marks):
        for mark, when in found.items():
            made[row, mark] = when
    return made


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("whole_minutes", [False, True])
def test_the_twin_is_equal(name: str, *, whole_minutes: bool) -> None:
    world = prepare(parameters.shipped("percy-35000-overflow").changing(OPTIONS[name]), 20)
    rows, place = people(world, 3), covered(world, 3).place
    if whole_minutes:  # everything happens on the minute: ties at every turn
        start = np.floor(rows.start)
        rows = rows._replace(start=start, rank=start, columns=np.floor(rows.columns))
    played = play(world.program, place, rows, 20 * 1440.0)
    twin = Twin(place, rows, world.program).run(20 * 1440.0)
    assert np.array_equal(stamps(twin, played), played.trace.marks, equal_nan=True)
    assert twin.exits == played.trace.exits.tolist()


def test_one_fictitious_patient_can_be_followed() -> None:
    world = prepare(parameters.shipped("percy-35000-overflow"), 3)
    rows = people(world, 1)
    row = int(np.flatnonzero(rows.at == world.program.starts["ed"])[20])
    story = Twin(world.place, rows, world.program, follow=row).run(3 * 1440.0).story
    assert [name for _, _, name in story][:2] == ["arrive", "ask:triage"]
    assert story == sorted(story, key=lambda said: said[0])
