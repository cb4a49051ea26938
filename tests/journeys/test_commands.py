"""The commands as people and scripts type them: each in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support import postgres

from maillage import record
from maillage.app import opened
from maillage.codes.json import decode
from maillage.kernel.actor import SYSTEM
from maillage.settings import DataSettings, Settings

COMMANDS = ["serve", "demo", "token", "scenario", "doctor", "migrate", "generate", "rerender", "docs"]
SECONDS = 150
SMALL = {"MAILLAGE_DATABASE__SHARED_BUFFERS": "32MB", "MAILLAGE_DEMO__PATIENTS": "60"}
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("MAILLAGE_")} | SMALL
PROGRAM = [sys.executable, "-m", "maillage"]


def maillage(*words: str, expected: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a command said; its exit status must be the expected one."""
    done = subprocess.run(
        [*PROGRAM, *words],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=ENVIRONMENT | environment,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == expected, (words, done.stdout[-2000:], done.stderr[-2000:])
    return done


def answer(*words: str, **options: Any) -> dict[str, Any]:
    """The one JSON object that a command prints."""
    said: dict[str, Any] = json.loads(maillage(*words, "--json", **options).stdout)
    return said


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A server on a data folder that is ready, without its demonstration."""
    address = f"http://127.0.0.1:{(port := free_port())}"
    words = [*PROGRAM, "serve", "--port", str(port), "--data", str(folder)]
    with subprocess.Popen(words, env=ENVIRONMENT, stdout=subprocess.DEVNULL) as process:
        try:
            wait_until_ready(address, process)
            yield address
        finally:
            process.terminate()
            assert process.wait(40) == 0


def wait_until_ready(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{address}/readyz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"no server at {address}")


# --- words ----------------------------------------------------------------------


def test_help_names_every_command() -> None:
    said = maillage("--help").stdout
    assert [command for command in COMMANDS if command not in said] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_shows_an_example(command: str) -> None:
    assert f"Example: maillage {command}" in maillage(command, "--help").stdout


@pytest.mark.parametrize(
    "words",
    [("unknown",), ("serve", "--port", "eighty"), ("token",), ("scenario", "unknown"), ("generate", "--patients"), ("doctor", "--nothing")],
    ids=" ".join,
)
def test_a_wrong_use_ends_with_status_2_and_says_why(words: tuple[str, ...]) -> None:
    done = maillage(*words, expected=2)
    assert "Error" in done.stdout + done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "maillage.example"])
def test_the_demonstration_listens_on_the_loopback_only(host: str, data_dir: Path) -> None:
    done = maillage("serve", "--demo", "--host", host, "--data", str(data_dir), expected=3)
    assert "loopback" in done.stderr
    assert list(data_dir.iterdir()) == []


def test_a_setting_that_nobody_knows_ends_with_status_3_in_one_line(data_dir: Path) -> None:
    done = maillage("migrate", "--data", str(data_dir), expected=3, MAILLAGE_SERVER__PROT="8000")
    assert done.stderr.splitlines() == ["unknown setting MAILLAGE_SERVER__PROT"]


# --- data at rest ---------------------------------------------------------------


async def _patients(folder: Path) -> dict[str, Any]:
    async with opened(Settings(data=DataSettings(folder=folder))) as database, database.transaction(SYSTEM) as tx:
        return {id: record.comparable(decode(await record.current(tx, "Patient", id))) for id in await record.ids_of(tx, "Patient")}


def test_the_same_seed_generates_the_same_patients_and_another_seed_others(data_dir: Path) -> None:
    folders = {name: data_dir / name for name in ("first", "second", "third")}
    made = {}
    for (name, folder), seed in zip(folders.items(), ("3", "3", "4"), strict=True):
        folder.mkdir(mode=0o755)
        said = answer("generate", "--patients", "5", "--seed", seed, "--data", str(folder))
        made[name] = asyncio.run(_patients(folder))
        assert said["Patient"] == len(made[name]) == 5
    assert made["first"] == made["second"]
    assert not made["first"].keys() & made["third"].keys()


# --- the loop -------------------------------------------------------------------


@dataclass(frozen=True)
class Played:
    """A data folder on which the scenario was played, by a server that it started, and what it reported."""

    folder: Path
    report: dict[str, Any]


@pytest.fixture(scope="module")
def played() -> Iterator[Played]:
    folder = postgres.open_folder()
    try:
        yield Played(folder, answer("scenario", "referral", "--data", str(folder)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
def test_the_scenario_closes_the_loop_and_every_invariant_holds(played: Played) -> None:
    report = played.report
    assert {"steps", "delays", "invariants"} <= report.keys()
    assert (report["closed"], report["state"]) == (True, "closed")
    assert [one for one in report["invariants"] if not one["holds"]] == []
    assert report["steps"][-1]["state"] == "closed"
    assert all({"title", "who", "resource", "state"} <= step.keys() for step in report["steps"])
    assert {"sent_to_decision", "first_sent_to_seen", "seen_to_letter"} <= report["delays"].keys()
    assert all(length >= 0 for length in report["delays"].values())


@pytest.mark.slow
def test_after_the_loop_no_row_drifts_and_the_machine_is_healthy(played: Played) -> None:
    data = ("--data", str(played.folder))
    assert answer("migrate", *data)["migrated"] is True
    redrawn = answer("rerender", *data)
    assert redrawn["drift"] == []
    assert redrawn["compared"] > 100
    health = answer("doctor", *data)
    assert (health["healthy"], [check["name"] for check in health["checks"] if check["problem"]]) == (True, [])


@pytest.mark.slow
def test_a_token_opens_a_server_whether_it_was_issued_before_or_while_it_runs(played: Played) -> None:
    words = ("token", "--client", "labo", "--scope", "system/*.cruds", "--data", str(played.folder))
    before = maillage(*words).stdout.strip()
    with serving(played.folder) as address:
        said = answer(*words, "--organization", "hia-percy")
        assert said["organizations"] == ["hia-percy"]
        asked = f"{address}/fhir/Task?_id={played.report['task']}"
        for token, status in ((before, 200), (said["token"], 200), ("guess", 401)):
            assert httpx.get(asked, headers={"authorization": f"Bearer {token}"}, timeout=20).status_code == status
        again = answer("scenario", "referral", "--data", str(played.folder), "--base", address)
        assert again["closed"]


@pytest.mark.slow
def test_a_token_for_an_organisation_that_nobody_knows_is_refused(played: Played) -> None:
    done = maillage("token", "--client", "labo", "--organization", "nowhere", "--data", str(played.folder), expected=1)
    assert "unknown organisation: nowhere" in done.stderr
    assert done.stdout == ""


def test_a_token_needs_a_territory(data_dir: Path) -> None:
    assert "load a territory first" in maillage("token", "--client", "labo", "--data", str(data_dir), expected=1).stderr
