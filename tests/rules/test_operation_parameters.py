"""A Parameters resource into the arguments of a verb: local times that no clock shows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from maillage.doors.fhir.operations.parameters import arguments
from maillage.kernel.errors import Invalid, MaillageError, Malformed
from maillage.kernel.operations import Param

START = (Param("start", "dateTime"),)


@pytest.mark.parametrize(
    ("text", "family", "reason"),
    [
        ("2027-03-28T02:30:00", Invalid, "local-time-gap"),
        ("2026-10-25T02:30:00", Invalid, "local-time-doubled"),
        ("0001-01-01T00:00:00", Invalid, "date-out-of-range"),
        ("2027-03-28T03:30:00", Malformed, "parameter-value"),
    ],
)
def test_a_local_time_is_refused_for_what_it_is(text: str, family: type[MaillageError], reason: str) -> None:
    with pytest.raises(family) as refusal:
        arguments({"resourceType": "Parameters", "parameter": [{"name": "start", "valueDateTime": text}]}, START)
    assert refusal.value.reason == reason
    assert refusal.value.issues[0].expression == "Parameters.parameter[0].value"


def test_an_instant_with_its_offset_is_read() -> None:
    given = {"resourceType": "Parameters", "parameter": [{"name": "start", "valueDateTime": "2027-03-28T03:30:00+02:00"}]}
    assert arguments(given, START) == {"start": datetime(2027, 3, 28, 1, 30, tzinfo=UTC)}
