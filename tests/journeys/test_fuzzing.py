"""Every operation of the API description, asked with what its own schemas generate: an answer that is understood, never a 5xx."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from tests.journeys.whole import Whole
from tests.support import postgres

from maillage.cli.scenario.server import HOSPITAL
from maillage.kernel.clock import FixedClock

EXAMPLES = 2
"""Of each operation, in each run: there are some four hundred of them."""

FUZZING = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def whole(cluster: postgres.TestCluster, clock: FixedClock, tmp_path: Path) -> Iterator[Whole]:
    with Whole(cluster, clock, tmp_path).running() as running:
        yield running


def understood(case: Case, status: int, body: bytes) -> str:
    """What is wrong with an answer; empty when nothing is."""
    if status >= 500:
        return f"{case.method} {case.formatted_path}: {status}"
    if status >= 400:
        answer: dict[str, Any] = json.loads(body) if body else {}
        if answer.get("resourceType") != "OperationOutcome" or not answer.get("issue"):
            return f"{case.method} {case.formatted_path}: {status} without an OperationOutcome"
    return ""


@pytest.mark.slow
def test_no_operation_of_the_description_fails(whole: Whole) -> None:
    schema = schemathesis.openapi.from_url(f"{whole.address}/fhir/openapi.json")
    headers = {"Authorization": f"Bearer {whole.tokens()[HOSPITAL]}"}
    found: list[str] = []
    seen: set[int] = set()
    count = 0
    for result in schema.get_all_operations():
        count += 1

        @FUZZING
        @given(case=result.ok().as_strategy())
        def ask(case: Case) -> None:
            answer = case.call(headers=headers)
            seen.add(answer.status_code // 100)
            if wrong := understood(case, answer.status_code, answer.content):
                found.append(wrong)

        ask()
    assert found == []
    assert count > 300
    assert {2, 4} <= seen
