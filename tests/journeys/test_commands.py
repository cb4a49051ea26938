"""The commands as people and scripts type them: each in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.ports import free_port

from maillage import record
from maillage.cli import main
from maillage.codes.json import decode
from maillage.kernel.actor import SYSTEM
from maillage.settings import DataSettings, Settings
from maillage.store.server import opened

COMMANDS = ["serve", "demo", "token", "client", "scenario", "doctor", "migrate", "import", "generate", "rerender", "package", "docs"]
SECONDS = 300  # a busy machine is not what these tests look at
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
            ended = process.wait(60)
    assert ended == 0
    assert not list(folder.rglob("postmaster.pid")), "PostgreSQL outlived its server"


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


def typed(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit status of the program's entry, played in this process: a start costs seconds, and there are many words."""
    monkeypatch.setattr(sys, "argv", ["maillage", *words])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_help_names_every_command() -> None:
    said = maillage("--help").stdout
    assert [command for command in COMMANDS if command not in said] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_shows_an_example(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert typed(monkeypatch, command, "--help") == 0
    assert f"Example: maillage {command}" in capsys.readouterr().out


WRONG = [
    ("unknown",),
    ("serve", "--port", "eighty"),
    ("token",),
    ("scenario", "unknown"),
    ("generate", "--patients"),
    ("generate", "--patients", "-5"),
    ("generate", "--patients", "2147483647"),
    ("token", "--client", "labo", "--hours", "0"),
    ("doctor", "--nothing"),
]


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_a_wrong_use_ends_with_status_2_and_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert typed(monkeypatch, *words) == 2
    assert "Error" in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("scope", "why"), [("bogus", "bogus"), ("system/*.rs patient/Task.r", "patient/Task.r"), (" ", "at least one scope")]
)
def test_a_token_of_an_unknown_scope_is_not_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data_dir: Path, scope: str, why: str
) -> None:
    assert typed(monkeypatch, "token", "--client", "labo", "--scope", scope, "--data", str(data_dir)) == 2
    said = capsys.readouterr()
    assert (said.out, why in said.err) == ("", True)
    assert list(data_dir.iterdir()) == []


def test_the_doctor_makes_no_folder(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data_dir: Path) -> None:
    missing = data_dir / "x" / "y"
    assert typed(monkeypatch, "doctor", "--json", "--data", str(missing)) == 3
    found = json.loads(capsys.readouterr().out)
    assert [check["name"] for check in found["checks"] if check["problem"]] == ["data folder"]
    assert typed(monkeypatch, "doctor", "--json", "--data", str(data_dir)) == 0
    assert {"name": "postgresql", "problem": "", "remedy": "update PostgreSQL"} in json.loads(capsys.readouterr().out)["checks"]
    assert list(data_dir.iterdir()) == []


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "maillage.example"])
def test_the_demonstration_listens_on_the_loopback_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], host: str, data_dir: Path
) -> None:
    assert typed(monkeypatch, "serve", "--demo", "--host", host, "--data", str(data_dir)) == 3
    assert "loopback" in capsys.readouterr().err
    assert list(data_dir.iterdir()) == []


LACKING = [
    ("MAILLAGE_SERVER__PROT", "8000", "unknown setting MAILLAGE_SERVER__PROT"),
    ("MAILLAGE_DATABASE__URL", "postgresql://nobody@127.0.0.1:1/none", "Connect call failed"),
    ("MAILLAGE_DATABASE__BINARIES", "/nowhere", "No PostgreSQL"),
]


def test_a_server_of_ones_own_is_reached_by_two_logins(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data_dir: Path
) -> None:
    monkeypatch.setenv("MAILLAGE_DATABASE__URL", "postgresql://nobody@127.0.0.1:1/none")
    assert typed(monkeypatch, "migrate", "--data", str(data_dir)) == 3
    assert "MAILLAGE_DATABASE__AUDIT_URL is missing" in capsys.readouterr().err


@pytest.mark.parametrize(("variable", "value", "why"), LACKING)
def test_what_the_machine_lacks_ends_with_status_3_and_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data_dir: Path, variable: str, value: str, why: str
) -> None:
    monkeypatch.setenv(variable, value)
    if variable == "MAILLAGE_DATABASE__URL":
        monkeypatch.setenv("MAILLAGE_DATABASE__AUDIT_URL", value)
    assert typed(monkeypatch, "migrate", "--data", str(data_dir)) == 3
    [line] = capsys.readouterr().err.splitlines()
    assert why in line
    assert typed(monkeypatch, "doctor", "--json", "--data", str(data_dir)) == 3
    found = json.loads(capsys.readouterr().out)
    assert not found["healthy"]
    assert [check["remedy"] for check in found["checks"] if why in check["problem"]] != []


# --- data at rest ---------------------------------------------------------------


async def _patients(folder: Path) -> dict[str, Any]:
    async with opened(Settings(data=DataSettings(folder=folder))) as database, database.transaction(SYSTEM) as tx:
        return {id: record.comparable(decode(await record.current(tx, "Patient", id))) for id in await record.ids_of(tx, "Patient")}


def test_the_same_seed_generates_the_same_patients(data_dir: Path) -> None:
    made = []
    for name in ("first", "second"):
        folder = data_dir / name
        folder.mkdir(mode=0o755)
        said = answer("generate", "--patients", "5", "--seed", "3", "--data", str(folder))
        made.append(asyncio.run(_patients(folder)))
        assert said["Patient"] == len(made[-1]) == 5
    assert made[0] == made[1]


# --- the loop -------------------------------------------------------------------


@pytest.mark.slow
def test_the_loop_closes_on_a_server_of_its_own_and_leaves_everything_in_order(data_dir: Path) -> None:
    data = ("--data", str(data_dir))
    report = answer("scenario", "referral", *data)
    the_loop_is_closed_and_every_invariant_holds(report)
    a_token_opens_the_server_whether_issued_before_or_while_it_runs(data_dir, report["task"])
    no_row_drifts_and_the_machine_is_healthy(data)


def the_loop_is_closed_and_every_invariant_holds(report: dict[str, Any]) -> None:
    assert {"steps", "delays", "invariants"} <= report.keys()
    assert (report["closed"], report["state"]) == (True, "closed")
    assert [one for one in report["invariants"] if not one["holds"]] == []
    assert report["steps"][-1]["state"] == "closed"
    assert all({"title", "who", "resource", "state"} <= step.keys() for step in report["steps"])
    assert {"sent_to_decision", "first_sent_to_seen", "seen_to_letter"} <= report["delays"].keys()
    assert all(length >= 0 for length in report["delays"].values())


def a_token_opens_the_server_whether_issued_before_or_while_it_runs(folder: Path, task: str) -> None:
    words = ("token", "--client", "labo", "--scope", "system/*.cruds", "--data", str(folder))
    before = maillage(*words).stdout.strip()
    with serving(folder) as address:
        said = answer(*words, "--organization", "hia-percy")
        assert said["organizations"] == ["hia-percy"]
        for token, status in ((before, 200), (said["token"], 200), ("guess", 401)):
            found = httpx.get(f"{address}/fhir/Task?_id={task}", headers={"authorization": f"Bearer {token}"}, timeout=30)
            assert found.status_code == status
        assert answer("scenario", "referral", "--data", str(folder), "--base", address)["closed"]
        a_file_is_taken_in_and_found_at_once(folder, address, said["token"])
    refused = maillage("token", "--client", "labo", "--organization", "nowhere", "--data", str(folder), expected=1)
    assert (refused.stdout, "unknown organisation: nowhere" in refused.stderr) == ("", True)


def a_file_is_taken_in_and_found_at_once(folder: Path, address: str, token: str) -> None:
    file = folder / "results.ndjson"
    result = (
        '{"resourceType": "Observation", "id": "o-%d", "status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/p-1"}}'
    )
    whole = [
        result % 1,
        '{"resourceType": "Patient", "id": "p-1", "name": [{"family": "x"}]}',
        result % 2,
        '{"resourceType": "Observation"}',
    ]
    file.write_text("\n".join(whole))
    words = ("import", "fhir", str(file), "--organization", "hia-percy", "--workers", "1", "--data", str(folder))
    said = answer(*words, expected=1)
    assert (said["made"], said["refused"]) == (3, 1)
    found = httpx.get(f"{address}/fhir/Observation?patient=p-1", headers={"authorization": f"Bearer {token}"}, timeout=30).json()
    assert sorted(entry["resource"]["id"] for entry in found["entry"]) == ["o-1", "o-2"]
    assert json.loads(file.with_suffix(".ndjson.refused").read_text())["line"] == 4


def no_row_drifts_and_the_machine_is_healthy(data: tuple[str, ...]) -> None:
    assert answer("migrate", *data)["migrated"] is True
    redrawn = answer("rerender", *data)
    assert redrawn["drift"] == []
    assert redrawn["compared"] > 100
    health = answer("doctor", *data)
    assert (health["healthy"], [check["name"] for check in health["checks"] if check["problem"]]) == (True, [])


def test_a_token_needs_a_territory(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data_dir: Path) -> None:
    assert typed(monkeypatch, "token", "--client", "labo", "--data", str(data_dir)) == 1
    assert "load a territory first" in capsys.readouterr().err
