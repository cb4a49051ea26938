"""Commands are light until one is typed: what stands in their help, and what their import costs."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import import_module

import pytest

from maillage.cli import COMMANDS

HEAVY = {"asyncpg", "starlette", "uvicorn", "jinja2", "httpx", "babel", "maillage.journeys", "maillage.store"}
DOORS = {"starlette", "uvicorn", "jinja2", "httpx", "maillage.journeys", "maillage.doors"}


def imported_by(module: str) -> set[str]:
    """The modules that a fresh interpreter holds once it has imported this one."""
    said = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"], capture_output=True, text=True, check=True, timeout=120
    )
    return set(said.stdout.split())


def test_the_help_imports_no_room_no_driver_and_no_web_library() -> None:
    assert imported_by("maillage.cli") & HEAVY == set()


@pytest.mark.parametrize("module", ["tokens", "migrate", "doctor"])
def test_a_command_on_data_knows_no_door(module: str) -> None:
    assert imported_by(f"maillage.cli.{module}") & DOORS == set()


@pytest.mark.parametrize("word", sorted(COMMANDS))
def test_each_command_has_an_example_and_speaks_json(word: str) -> None:
    module, _, name = COMMANDS[word].partition(":")
    command = getattr(import_module(f"maillage.cli.{module}"), name)
    assert f"Example: maillage {word}" in inspect.getdoc(command)
    assert "json" in inspect.signature(command).parameters
